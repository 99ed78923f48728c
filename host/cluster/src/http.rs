//! HTTP to the servers beside a cluster: bounded in time and in size.

mod access;
mod contacts;
mod error;

use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};
use suture_core::clock::of_http;
use suture_core::names::shortened;
use suture_core::{Clock, Timestamp, causes};

pub use access::Access;
use access::Admitted;
pub use contacts::{Contact, Contacts};
pub use error::HttpError;

/// How long one request may take, from connecting to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer, in bytes: some 13,000 alerts of Alertmanager.
const LONGEST_ANSWER: usize = 16 << 20;

/// One server.
#[derive(Clone)]
pub struct Server {
    admitted: Arc<Admitted>,
    base: Url,
    /// What it is called in messages: without credentials.
    shown: String,
    clock: Arc<dyn Clock>,
    contacts: Contacts,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// What time it is there, where it says so.
    pub date: Option<Timestamp>,
}

impl Answer {
    /// Whether the status says that all is well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the server is there, lets us in, and does its work: not where something on the way
    /// answers in its place.
    fn is_of_the_server(&self) -> bool {
        self.status < 500 && ![401, 403, 404].contains(&self.status)
    }

    /// The beginning of the body, for messages.
    pub fn excerpt(&self) -> String {
        match String::from_utf8_lossy(&self.body).trim() {
            "" => "nothing".to_owned(),
            text => format!("`{}`", shortened(text)),
        }
    }
}

impl Server {
    /// The server at a URL, which may have a path prefix.
    ///
    /// # Errors
    /// Where that is no `http` or `https` URL; or what is wrong with the access.
    pub fn with_access(url: &str, access: Access, clock: Arc<dyn Clock>) -> Result<Self, String> {
        Self::admitted(url, Arc::new(Admitted::new(access)?), clock)
    }

    /// Another server that is reached in the same way.
    ///
    /// # Errors
    /// As [`with_access`](Self::with_access).
    pub fn beside(&self, url: &str) -> Result<Self, String> {
        Ok(Self::admitted(url, self.admitted.clone(), self.clock.clone())?.noting(self.contacts.clone()))
    }

    /// The same, which notes there when it answers.
    #[must_use]
    pub fn noting(self, contacts: Contacts) -> Self {
        contacts.know(&self.shown);
        Self { contacts, ..self }
    }

    fn admitted(url: &str, admitted: Arc<Admitted>, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let wrong = |why: String| {
            format!("`{}` is not the URL of a server: {why}; write `http://HOST:PORT`", shortened(url))
        };
        let mut base = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        if !["http", "https"].contains(&base.scheme()) {
            return Err(wrong(format!("the scheme is `{}`", shortened(base.scheme()))));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("it has a query or a fragment".to_owned()));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let mut shown = base.clone();
        // Both fail only for URLs that can't have credentials, and http ones can.
        let _ = shown.set_password(None);
        let _ = shown.set_username("");
        let shown = shown.as_str().trim_end_matches('/').to_owned();
        Ok(Self { admitted, base, shown, clock, contacts: Contacts::default() })
    }

    /// The URL, without credentials.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// A path with a query, to be got.
    pub fn path_with(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = self.base.clone();
        url.query_pairs_mut().clear().extend_pairs(query);
        format!("{path}?{}", url.query().unwrap_or_default())
    }

    /// A GET of a path below the URL.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn get(&self, path: &str) -> Result<Answer, HttpError> {
        self.send(self.request(Method::GET, path)?).await
    }

    /// A POST of a form to a path below the URL.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, HttpError> {
        let mut form = self.base.clone();
        form.query_pairs_mut().clear().extend_pairs(fields);
        let body = form.query().unwrap_or_default().to_owned();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.send(self.request(Method::POST, path)?.header(CONTENT_TYPE, kind).body(body)).await
    }

    /// A POST of JSON to a path below the URL.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn post_json(&self, path: &str, body: &serde_json::Value) -> Result<Answer, HttpError> {
        self.send(self.request(Method::POST, path)?.json(body)).await
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, HttpError> {
        let not_sent = |why: String| HttpError::NotSent { url: self.shown.clone(), why };
        let url = self.base.join(path).map_err(|error| not_sent(error.to_string()))?;
        let client = self.admitted.client().map_err(not_sent)?;
        self.admitted.admit(client.request(method, url)).map_err(not_sent)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, HttpError> {
        let late = || HttpError::TimedOut { url: self.shown.clone(), within: TIMEOUT };
        let answer = self.clock.timeout(TIMEOUT, self.receive(request)).await.unwrap_or_else(|| Err(late()));
        let result = match &answer {
            Ok(answer) if answer.is_of_the_server() => Ok(()),
            Ok(answer) => Err(format!("it answered {}: {}", answer.status, answer.excerpt())),
            Err(error) => Err(error.to_string()),
        };
        self.contacts.note(&self.shown, self.clock.now(), result);
        answer
    }

    async fn receive(&self, request: RequestBuilder) -> Result<Answer, HttpError> {
        let url = || self.shown.clone();
        // The client's own errors repeat the URL, credentials and all.
        let failed =
            |error: reqwest::Error| HttpError::Unreachable { url: url(), why: causes(&error.without_url()) };
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        if response.status().is_redirection() {
            return Err(HttpError::Redirected { url: url(), status });
        }
        let date = response.headers().get(DATE).and_then(|date| of_http(date.to_str().ok()?));
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(failed)? {
            if body.len() + part.len() > LONGEST_ANSWER {
                return Err(HttpError::TooLong { url: url(), most: LONGEST_ANSWER });
            }
            body.extend_from_slice(&part);
        }
        Ok(Answer { status, body, date })
    }
}

/// TLS needs a provider of cryptography, one for the process. Where the program has
/// chosen one already, that one stays.
pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
