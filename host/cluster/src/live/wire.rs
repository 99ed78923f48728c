//! Requests to the API server: limited in rate, time and size. Each is sent once; see
//! `tries.rs` for what is sent again.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use suture_core::{Clock, Error, Reason, causes, retry};

use super::answer::Answer;
use super::limiter::Limiter;
use super::path;

/// The longest answer, in bytes: a page of objects.
const LONGEST_ANSWER: usize = 32 << 20;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// The request never reached the API server.
    NotSent(String),
    /// It may have.
    Lost(Error),
}

impl NoAnswer {
    pub fn error(self) -> Error {
        match self {
            Self::NotSent(why) => Error::new(Reason::UNAVAILABLE, why),
            Self::Lost(error) => error,
        }
    }
}

/// The way to an API server.
#[derive(Clone)]
pub(super) struct Wire {
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    limiter: Arc<Limiter>,
    timeout: Duration,
    on_request: Option<OnRequest>,
    /// Whether nothing is sent again, because who asks does that.
    pub asks_once: bool,
}

/// Is told of each request to the API server: its method, the status of the answer (none
/// where there was none), and how long the answer's head took.
pub type OnRequest = Arc<dyn Fn(&Method, Option<u16>, Duration) + Send + Sync>;

impl Wire {
    pub fn new(client: Client, clock: Arc<dyn Clock>, limiter: Limiter, timeout: Duration) -> Self {
        Self { client, clock, limiter: Arc::new(limiter), timeout, on_request: None, asks_once: false }
    }

    /// Nothing is sent again.
    pub fn asking_once(self) -> Self {
        Self { asks_once: true, ..self }
    }

    pub fn with_on_request(self, on_request: OnRequest) -> Self {
        Self { on_request: Some(on_request), ..self }
    }

    /// Send a request once.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Answer, NoAnswer> {
        let method = request.method().clone();
        let receive = async {
            let response = self.open(request).await?;
            let status = response.status().as_u16();
            let retry_after = self.asked_pause(&response);
            let body = all(response.into_body(), LONGEST_ANSWER).await.map_err(NoAnswer::Lost)?;
            Ok(Answer { status, retry_after, body })
        };
        self.limiter.turn().await;
        match self.clock.timeout(self.timeout, receive).await {
            Some(answer) => answer,
            None => {
                self.tell(&method, None, self.timeout);
                Err(NoAnswer::Lost(Error::new(
                    Reason::TIMEOUT,
                    format!("the API server did not answer within {} s", self.timeout.as_secs_f64()),
                )))
            }
        }
    }

    /// Send a request whose answer is read as it comes. The rate is the caller's to ask for.
    pub async fn open(&self, request: Request<Vec<u8>>) -> Result<Response<Body>, NoAnswer> {
        let (method, began) = (request.method().clone(), self.clock.now());
        let answer = self.client.send(request.map(Body::from)).await;
        let took = began.duration_until(self.clock.now()).try_into().unwrap_or_default();
        self.tell(&method, answer.as_ref().ok().map(|answer| answer.status().as_u16()), took);
        answer.map_err(no_answer)
    }

    fn tell(&self, method: &Method, status: Option<u16>, took: Duration) {
        if let Some(on_request) = &self.on_request {
            on_request(method, status, took);
        }
    }

    /// How long the server asks to wait, if it does.
    pub fn asked_pause(&self, response: &Response<Body>) -> Option<Duration> {
        let header = response.headers().get(http::header::RETRY_AFTER)?;
        retry::retry_after(header.to_str().ok()?, self.clock.now())
    }

    /// Wait for one's turn to ask.
    pub async fn turn(&self) {
        self.limiter.turn().await;
    }

    /// Whether the API server has read all that it needs. One that has just started may know
    /// nobody's rights yet, and refuses what it will allow in a moment.
    pub async fn is_ready(&self) -> bool {
        match self.status_of("/readyz").await {
            // Some clusters don't let everybody ask this; but discovery they do.
            Some(401 | 403) => self.status_of("/api").await.is_some_and(|status| status != 403),
            Some(200..500) => true,
            _ => false,
        }
    }

    async fn status_of(&self, path: &str) -> Option<u16> {
        let request = path::request(Method::GET, path, &[], None, Vec::new()).ok()?;
        self.send(request).await.ok().map(|answer| answer.status)
    }
}

/// All of a body.
pub(super) async fn all(mut body: Body, most: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| lost(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > most {
            let message = format!("the API server's answer is longer than {} MiB; ask for less", most >> 20);
            return Err(Error::new(Reason::other("RequestEntityTooLarge"), message));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

pub(super) fn lost(error: &dyn std::error::Error) -> Error {
    Error::new(Reason::UNAVAILABLE, format!("the API server broke off: {}", causes(error)))
}

fn no_answer(error: kube::Error) -> NoAnswer {
    let why = format!("the API server can't be reached: {}", causes(&error));
    if never_connected(&error) {
        NoAnswer::NotSent(why)
    } else {
        NoAnswer::Lost(Error::new(Reason::UNAVAILABLE, why))
    }
}

/// Whether an error says that there was no connection to send anything on.
fn never_connected(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::AddrNotAvailable
            );
        }
        next = error.source();
    }
    false
}
