//! A running host's admin API.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use suture_core::causes;
use suture_core::names::shortened;
use suture_server::Config;

use crate::args::{ServerArgs, TlsArgs};
use crate::error::{CliError, Exit};
use crate::http;

/// The largest answer that is read.
const MAX_BYTES: usize = 256 << 20;

/// A running host's admin API.
pub struct Server {
    client: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Server {
    /// The host that the command line names; where it names none, that of the configuration.
    ///
    /// # Errors
    /// Where there is neither, or the token can't be read.
    pub fn of(args: &ServerArgs) -> Result<Self, CliError> {
        if let Some(url) = &args.server {
            return Self::at(url, args.token_file.as_deref(), &args.tls);
        }
        if !args.config.exists() {
            let help = "--server URL, or --config FILE with the configuration of the host";
            return Err(CliError::usage("name the host").help(help));
        }
        let loaded = Config::load(&args.config).map_err(|errors| {
            let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
            CliError::usage(all.join("\n"))
        })?;
        let admin = &loaded.config.admin;
        let mut address = admin.listen.value.0;
        if address.ip().is_unspecified() {
            address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        let token = admin.token_file.as_ref().map(|file| loaded.path(&file.value));
        let scheme = if admin.tls.is_some() { "https" } else { "http" };
        let token = args.token_file.as_deref().or(token.as_deref());
        Self::at(&format!("{scheme}://{address}"), token, &args.tls)
    }

    /// The host at an address.
    ///
    /// # Errors
    /// Where its token can't be read, or a file for TLS.
    pub fn at(url: &str, token_file: Option<&Path>, tls: &TlsArgs) -> Result<Self, CliError> {
        let read = |file: &Path| {
            let text = std::fs::read_to_string(file).map_err(|error| {
                CliError::usage(format!("the token can't be read: {error}")).at(file.display())
            });
            text.map(|text| text.trim().to_owned())
        };
        let token = token_file.map(read).transpose()?;
        Ok(Self { client: http::client_with(tls)?, url: url.trim_end_matches('/').to_owned(), token })
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
            return Err(refused(status, &body, &failed));
        }
        serde_json::from_slice(&body).map_err(|error| {
            failed(format!("the answer is not that of a suture host of this version: {error}"))
        })
    }
}

/// An answer that is an error. What the host says of a wrong request is said to who made it.
fn refused(status: StatusCode, body: &[u8], failed: &dyn Fn(String) -> CliError) -> CliError {
    let told: Option<Value> = serde_json::from_slice(body).ok();
    let message = told.as_ref().and_then(|told| told.pointer("/error/message")).and_then(Value::as_str);
    match (status, message) {
        (StatusCode::UNAUTHORIZED, _) => failed(format!("the host answers {status}"))
            .help("name the file with your token: --token-file FILE"),
        (_, Some(message)) if status.is_client_error() => {
            CliError { exit: Exit::Usage, ..failed(message.to_owned()) }
        }
        _ => failed(format!("the host answers {status}: {}", shortened(&String::from_utf8_lossy(body)))),
    }
}

/// The path of a policy. A name is a DNS label; what is none must not lead elsewhere.
pub fn policy_path(name: &str) -> String {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    format!("/api/v1/policies/{safe}")
}
