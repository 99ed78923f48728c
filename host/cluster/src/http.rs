//! HTTP to the servers beside a cluster: bounded in time and in size.

use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Url, redirect};
use suture_core::names::shortened;
use suture_core::{Clock, causes};

/// How long one request may take, from connecting to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer, in bytes.
const LONGEST_ANSWER: usize = 16 << 20;

/// One server.
#[derive(Clone)]
pub struct Server {
    client: Client,
    base: Url,
    /// What it is called in messages: without credentials.
    shown: String,
    clock: Arc<dyn Clock>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the status says that all is well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
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
    /// Where that is no `http` or `https` URL.
    pub fn new(url: &str, clock: Arc<dyn Clock>) -> Result<Self, String> {
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
        install_crypto();
        let client = Client::builder()
            .redirect(redirect::Policy::limited(3))
            .user_agent(concat!("suture/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("no HTTP client can be made: {}", causes(&error)))?;
        Ok(Self { client, base, shown: shown.as_str().trim_end_matches('/').to_owned(), clock })
    }

    /// The URL, without credentials.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// A GET of a path below the URL.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn get(&self, path: &str) -> Result<Answer, String> {
        self.send(self.request(Method::GET, path)?).await
    }

    /// A POST of a form to a path below the URL.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, String> {
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
    pub async fn post_json(&self, path: &str, body: &serde_json::Value) -> Result<Answer, String> {
        self.send(self.request(Method::POST, path)?.json(body)).await
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, String> {
        let url = self.base.join(path).map_err(|error| format!("{}: {error}", self.shown))?;
        Ok(self.client.request(method, url))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, String> {
        match self.clock.timeout(TIMEOUT, receive(request)).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(format!("{} can't be reached: {error}", self.shown)),
            None => Err(format!("{} did not answer within {} s", self.shown, TIMEOUT.as_secs())),
        }
    }
}

async fn receive(request: RequestBuilder) -> Result<Answer, String> {
    // The client's own errors repeat the URL, credentials and all.
    let failed = |error: reqwest::Error| causes(&error.without_url());
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(failed)? {
        if body.len() + part.len() > LONGEST_ANSWER {
            return Err(format!("its answer is longer than {} MiB", LONGEST_ANSWER >> 20));
        }
        body.extend_from_slice(&part);
    }
    Ok(Answer { status, body })
}

/// TLS needs a provider of cryptography, one for the process. Where the program has
/// chosen one already, that one stays.
pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
