//! A running host's admin API.

use std::path::Path;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use suture_core::names::shortened;
use suture_core::{causes, display};

use crate::args::ServerArgs;
use crate::error::{CliError, Exit};
use crate::http;
use crate::place::Place;

/// The largest answer that is read.
const MAX_BYTES: usize = 256 << 20;

/// A running host's admin API.
pub struct Server {
    client: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Server {
    /// The host that is meant.
    ///
    /// # Errors
    /// Where nothing says which, or its token can't be read.
    pub fn of(args: &ServerArgs) -> Result<Self, CliError> {
        Self::at(&Place::of(args)?)
    }

    /// The host at a place.
    ///
    /// # Errors
    /// Where it is no address; where its token can't be read, or a file for TLS.
    pub fn at(place: &Place) -> Result<Self, CliError> {
        let url = place.url.trim_end_matches('/').to_owned();
        if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(CliError::usage("the host's address begins with neither http:// nor https://")
                .at(&url)
                .help(format!("http://{url}, or https:// where `admin.tls` is set")));
        }
        let read = |file: &Path| {
            let token = String::from_utf8_lossy(&http::read(file)?).trim().to_owned();
            if token.is_empty() {
                return Err(CliError::usage("it is empty, and should hold a token").at(file.display()));
            }
            Ok(token)
        };
        let token = place.token_file.as_deref().map(read).transpose()?;
        Ok(Self { client: http::client_with(&place.tls, is_here(&url))?, url, token })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ask for something.
    ///
    /// # Errors
    /// Where it does not answer, or with an error.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, CliError> {
        let request = self.request(Method::GET, path, query)?;
        self.send(request, path).await
    }

    /// Tell it something.
    ///
    /// # Errors
    /// Where it does not answer, or with an error.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, CliError> {
        let request = self.request(Method::POST, path, &[])?.json(body);
        self.send(request, path).await
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<RequestBuilder, CliError> {
        let address = format!("{}{path}", self.url);
        let mut url = reqwest::Url::parse(&address)
            .map_err(|error| CliError::usage(format!("this is no URL: {error}")).at(&address))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.client.request(method, url);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder, path: &str) -> Result<T, CliError> {
        let address = format!("{}{path}", self.url);
        let failed = |what: String| CliError { exit: Exit::Internal, ..CliError::usage(what) }.at(&address);
        let mut response = request.send().await.map_err(|error| {
            failed(format!("the host does not answer: {}", causes(&error.without_url())))
                .help(
                "is `suture serve` running, and is this its `admin.listen`? With https:// --ca-file names the \
                 authority of its certificate",
            )
        })?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(error.to_string()))? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(failed(format!("the answer is larger than {MAX_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(refused(status, path, &body, &failed));
        }
        serde_json::from_slice(&body).map_err(|error| {
            let error = shown(&error.to_string());
            failed(format!("the answer is not that of a suture host of this version: {error}"))
        })
    }
}

/// Whether an address is of this machine.
fn is_here(url: &str) -> bool {
    let url = reqwest::Url::parse(url).ok();
    let host = url.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The most characters that are shown of what a host says.
const MOST_SHOWN: usize = 8192;

/// What a host says, as a text that commands no terminal.
fn shown(text: &str) -> String {
    let end = text.char_indices().nth(MOST_SHOWN).map_or(text.len(), |(end, _)| end);
    let more = if end < text.len() { "…" } else { "" };
    format!("{}{more}", display::lines(&text[..end]))
}

/// An answer that is an error, with what the host says of it.
fn refused(status: StatusCode, path: &str, body: &[u8], failed: &dyn Fn(String) -> CliError) -> CliError {
    let told: Option<Value> = serde_json::from_slice(body).ok();
    let message = told.as_ref().and_then(|told| told.pointer("/error/message")).and_then(Value::as_str);
    let message = message.map(shown);
    let Some(message) = message.as_deref() else {
        let said = shortened(&String::from_utf8_lossy(body));
        return failed(format!("the host answers {status}: {said}"))
            .help("is this the `admin.listen` of a host?");
    };
    match status {
        StatusCode::UNAUTHORIZED if message.contains("client certificate") => {
            CliError { exit: Exit::Usage, ..failed(message.to_owned()) }
                .help("name a PEM file with a certificate that this host admits, and its key: --identity-file FILE")
        }
        StatusCode::UNAUTHORIZED => CliError { exit: Exit::Usage, ..failed(message.to_owned()) }.help(
            "name the file with the token that this host knows you by: --token-file FILE, SUTURE_TOKEN_FILE, or \
             `tokenFile` in ~/.config/suture/config.yaml",
        ),
        StatusCode::SERVICE_UNAVAILABLE => failed(format!("the host can't do that now: {message}")),
        _ if status.is_client_error() => {
            let error = CliError { exit: Exit::Usage, ..failed(message.to_owned()) };
            match where_to_look(status, path, message) {
                Some(help) => error.help(help),
                None => error,
            }
        }
        _ => failed(format!("the host answers {status}: {message}")),
    }
}

/// Where to find what was asked for, and is not there.
fn where_to_look(status: StatusCode, path: &str, message: &str) -> Option<&'static str> {
    if status != StatusCode::NOT_FOUND {
        return None;
    }
    if message.contains("/hooks") {
        return Some("this is the address of the webhook; the API is at `admin.listen`");
    }
    [
        ("/api/v1/incidents/", "`suture incidents list` shows those that there are"),
        ("/api/v1/runs/", "`suture runs list` shows those that there are"),
        ("/api/v1/policies/", "`suture policies list` shows those that there are"),
    ]
    .into_iter()
    .find_map(|(kind, help)| path.starts_with(kind).then_some(help))
}

/// The path of a policy. A name is a DNS label; what is none must not lead elsewhere.
pub fn policy_path(name: &str) -> String {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    format!("/api/v1/policies/{safe}")
}

/// The path of what people call by an id. What is none must not lead elsewhere.
pub fn id_path(kind: &str, id: &str) -> String {
    let safe: String =
        id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    // An empty one would be the list of all.
    format!("/api/v1/{kind}/{}", if safe.is_empty() { "_" } else { &safe })
}
