//! Speaking with registries, by the OCI distribution specification.

mod http;
mod pull;
mod push;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::Url;
use reqwest::redirect::{Action, Attempt, Policy};
use suture_core::Clock;

use crate::credentials::{self, Credentials};
use crate::{OciError, OciSource, Reference};

pub use pull::Pulled;
pub use push::About;

/// How often a registry may send us elsewhere for one answer.
const MOST_REDIRECTS: usize = 3;

/// How registries are spoken to.
#[derive(Clone)]
pub struct ClientOptions {
    /// A docker config file with the credentials.
    pub credentials: Option<PathBuf>,
    /// Whether to speak without TLS. A registry on this machine is spoken to so anyway.
    pub plain_http: bool,
    /// How long one pull or push may take in all.
    pub timeout: Duration,
    /// Counts that time: the real one, by which registries live.
    pub clock: Arc<dyn Clock>,
}

impl ClientOptions {
    /// As a source in a configuration says. Its files are as they stand there.
    pub fn of(source: &OciSource, clock: Arc<dyn Clock>) -> Self {
        Self {
            credentials: source.credentials.clone(),
            plain_http: source.plain_http,
            timeout: source.timeout.get(),
            clock,
        }
    }
}

/// Speaks with registries.
pub struct Client {
    http: reqwest::Client,
    options: ClientOptions,
    /// What the last challenge was answered with, the value of `Authorization`, after the registry
    /// that asked: it is for no other.
    authorization: Mutex<Option<(Url, String)>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Make a client.
    ///
    /// # Errors
    /// Where TLS can't be set up on this machine.
    pub fn new(options: ClientOptions) -> Result<Self, OciError> {
        // The first provider of a process stays; that it is there already is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            // Blobs often lie elsewhere. Credentials don't go along to another host.
            .redirect(Policy::custom(follow))
            .user_agent(concat!("suture/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| OciError::Client(error.to_string()))?;
        Ok(Self { http, options, authorization: Mutex::default() })
    }

    /// Whether the credentials for a registry can be read. Nobody is asked whether they are good.
    ///
    /// # Errors
    /// Why the file can't be used.
    pub fn check_credentials(&self, reference: &Reference) -> Result<(), OciError> {
        self.credentials(reference.registry()).map(drop)
    }

    fn credentials(&self, registry: &str) -> Result<Option<Credentials>, OciError> {
        match &self.options.credentials {
            Some(file) => credentials::read(file, registry),
            None => Ok(None),
        }
    }

    /// Do something within the time that there is.
    async fn within<T>(
        &self,
        reference: &Reference,
        work: impl Future<Output = Result<T, OciError>> + Send,
    ) -> Result<T, OciError> {
        let clock: &dyn Clock = &*self.options.clock;
        match clock.timeout(self.options.timeout, work).await {
            Some(done) => done,
            None => Err(OciError::Slow {
                reference: reference.to_string(),
                seconds: self.options.timeout.as_secs(),
            }),
        }
    }
}

/// Whether to go where a registry sends us: not for ever, and not away from TLS.
fn follow(attempt: Attempt<'_>) -> Action {
    let is_secure = attempt.previous().iter().any(|url| url.scheme() == "https");
    if attempt.previous().len() > MOST_REDIRECTS {
        attempt.error(format!("it sends us elsewhere more than {MOST_REDIRECTS} times"))
    } else if is_secure && attempt.url().scheme() != "https" {
        attempt.error("it sends us from https to http")
    } else {
        attempt.follow()
    }
}
