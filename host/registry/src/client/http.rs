//! Requests to a registry, with its way of asking for credentials.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use suture_core::causes;
use suture_core::names::shortened;

use super::Client;
use crate::credentials::Credentials;
use crate::{OciError, Reference};
use suture_core::Digest;

/// The most of an error's text that is read, in bytes.
const MAX_ERROR: u64 = 4 << 10;
/// The largest token that is read, in bytes.
const MAX_TOKEN: u64 = 64 << 10;

/// What a token service answers.
#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

impl Client {
    /// The URL of something of a repository: `manifests/TAG`.
    pub(super) fn url(&self, reference: &Reference, rest: &str) -> String {
        let scheme = if self.options.plain_http || reference.is_loopback() { "http" } else { "https" };
        let registry = match reference.registry() {
            "docker.io" => "registry-1.docker.io",
            registry => registry,
        };
        format!("{scheme}://{registry}/v2/{}/{rest}", reference.repository())
    }

    /// Send a request; where the registry asks who that is, once more with the answer.
    pub(super) async fn send(
        &self,
        reference: &Reference,
        method: Method,
        url: &str,
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, OciError> {
        let wrong =
            |why: &str| refused(reference, format!("with the address `{}`: {why}", shortened(url)), false);
        let to = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        let own = Url::parse(&self.url(reference, "")).map_err(|error| wrong(&error.to_string()))?;
        if to.scheme() != "https" && to.scheme() != own.scheme() {
            return Err(wrong("it is without TLS, which the registry has"));
        }
        // A registry may send an upload elsewhere, by an address that it has signed. Who we are is
        // only for the registry itself.
        let is_own = to.origin() == own.origin();
        let request = |authorization: Option<String>| {
            let request = with(self.http.request(method.clone(), to.clone()));
            match authorization {
                Some(authorization) => request.header(AUTHORIZATION, authorization),
                None => request,
            }
        };
        let known = self.authorization.lock().clone();
        let known = known.filter(|(of, _)| is_own && of.origin() == own.origin()).map(|(_, known)| known);
        let answer = request(known).send().await.map_err(|error| unreachable(reference, error))?;
        if answer.status() != StatusCode::UNAUTHORIZED || !is_own {
            return Ok(answer);
        }
        let challenge = answer.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let Some(authorization) = self.answer(reference, challenge.unwrap_or_default()).await? else {
            return Ok(answer);
        };
        *self.authorization.lock() = Some((own.clone(), authorization.clone()));
        request(Some(authorization)).send().await.map_err(|error| unreachable(reference, error))
    }

    /// What a challenge is answered with; none where there is nothing to answer.
    async fn answer(&self, reference: &Reference, challenge: &str) -> Result<Option<String>, OciError> {
        let credentials = self.credentials(reference.registry())?;
        let mut parser = http_auth::ChallengeParser::new(challenge);
        let Some(Ok(asked)) = parser.next() else { return Ok(None) };
        if asked.scheme.eq_ignore_ascii_case("basic") {
            return Ok(match credentials {
                Some(Credentials::Basic { user, password }) => Some(basic(&user, &password)),
                Some(Credentials::Refresh(_)) | None => None,
            });
        }
        if !asked.scheme.eq_ignore_ascii_case("bearer") {
            return Ok(None);
        }
        let parameter = |name: &str| {
            let found = asked.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped()).unwrap_or_default()
        };
        let realm = parameter("realm");
        // A password must not go anywhere in the clear that the registry itself is not.
        let is_plain = self.options.plain_http || reference.is_loopback();
        let is_safe = realm.starts_with("https://") || is_plain && realm.starts_with("http://");
        if !is_safe {
            let what = format!("with a token service without TLS (`{}`)", shortened(&realm));
            return Err(refused(reference, what, false));
        }
        let mut url = Url::parse(&realm).map_err(|_| {
            refused(reference, format!("with a token service at `{}`", shortened(&realm)), false)
        })?;
        let scope = match parameter("scope") {
            scope if scope.is_empty() => format!("repository:{}:pull", reference.repository()),
            scope => scope,
        };
        url.query_pairs_mut().append_pair("service", &parameter("service"));
        let request = match credentials {
            Some(Credentials::Refresh(token)) => self.http.post(url).form(&[
                ("grant_type", "refresh_token"),
                ("service", &parameter("service")),
                ("scope", &scope),
                ("client_id", "suture"),
                ("refresh_token", &token),
            ]),
            Some(Credentials::Basic { user, password }) => {
                url.query_pairs_mut().append_pair("scope", &scope);
                self.http.get(url).header(AUTHORIZATION, basic(&user, &password))
            }
            None => {
                url.query_pairs_mut().append_pair("scope", &scope);
                self.http.get(url)
            }
        };
        let answer = request.send().await.map_err(|error| unreachable(reference, error))?;
        if !answer.status().is_success() {
            return Ok(None);
        }
        let body = read(reference, answer, "a token", MAX_TOKEN).await?;
        let Token { token, access_token } = serde_json::from_slice(&body)
            .map_err(|_| refused(reference, "with a token service that gives no token".to_owned(), false))?;
        Ok(Some(format!("Bearer {}", if token.is_empty() { access_token } else { token })))
    }

    /// What an answer that is no success means.
    pub(super) async fn error(&self, reference: &Reference, answer: Response) -> OciError {
        let status = answer.status();
        match status {
            StatusCode::NOT_FOUND => OciError::NotFound(reference.to_string()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => OciError::Unauthorized {
                registry: reference.registry().to_owned(),
                repository: reference.repository().to_owned(),
                status: status.as_u16(),
                advice: match &self.options.credentials {
                    Some(file) => {
                        format!("the credentials for it in {} are missing, or not enough", file.display())
                    }
                    None => "no credentials were given: name a docker config file".to_owned(),
                },
            },
            _ => {
                let text = read(reference, answer, "an error", MAX_ERROR).await.unwrap_or_default();
                let what = format!("{status}: {}", shortened(&String::from_utf8_lossy(&text)));
                refused(reference, what, status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS)
            }
        }
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

pub(super) fn refused(reference: &Reference, what: String, passing: bool) -> OciError {
    OciError::Refused { registry: reference.registry().to_owned(), what, passing }
}

pub(super) fn unreachable(reference: &Reference, error: reqwest::Error) -> OciError {
    let why = causes(&error.without_url());
    OciError::Unreachable { registry: reference.registry().to_owned(), why }
}

/// All of an answer, where it is not too much. What it says of its length does not count.
pub(super) async fn read(
    reference: &Reference,
    mut answer: Response,
    what: &'static str,
    most: u64,
) -> Result<Vec<u8>, OciError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(reference, error))? {
        if body.len() as u64 + chunk.len() as u64 > most {
            return Err(OciError::TooLarge { reference: reference.to_string(), what, most });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Bytes, where they have a digest.
pub(super) fn checked(
    reference: &Reference,
    bytes: Vec<u8>,
    what: &'static str,
    wanted: &str,
) -> Result<Vec<u8>, OciError> {
    let found = Digest::of(&bytes);
    if found.to_string() == wanted {
        return Ok(bytes);
    }
    let wanted = shortened(wanted);
    Err(OciError::Lies { registry: reference.registry().to_owned(), what, found, wanted })
}
