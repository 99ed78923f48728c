//! Requests to the API server: limited in rate, time and size, and repeated where that is
//! safe.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use suture_core::{Clock, Error, Reason, Timestamp};

use super::answer::{Answer, asked_pause};
use super::limiter::Limiter;

/// The longest answer, in bytes: a page of objects.
const LONGEST_ANSWER: usize = 32 << 20;
/// How long something is tried again, in all.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first pause between two tries; they double.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

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
}

/// Tries that go on for a while, with pauses.
pub(super) struct Tries<'a> {
    clock: &'a Arc<dyn Clock>,
    end: Timestamp,
    pause: Duration,
    was_unauthorized: bool,
}

impl Tries<'_> {
    /// Wait before the next try; false where there were enough. No two hosts wait for
    /// exactly as long.
    pub async fn again(&mut self, error: &Error) -> bool {
        // A token may just be in the middle of being replaced; one that is not won't be.
        if error.status == Some(401) && std::mem::replace(&mut self.was_unauthorized, true) {
            return false;
        }
        let jitter = f64::from(self.clock.now().subsec_nanosecond().unsigned_abs() % 1000) / 1000.0;
        let pause = self.pause.mul_f64(0.5 + jitter).max(asked_pause(error));
        if self.clock.after(pause) > self.end {
            return false;
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.clock.sleep(pause).await;
        true
    }
}

impl Wire {
    pub fn new(client: Client, clock: Arc<dyn Clock>, limiter: Limiter, timeout: Duration) -> Self {
        Self { client, clock, limiter: Arc::new(limiter), timeout }
    }

    pub fn tries(&self) -> Tries<'_> {
        Tries {
            clock: &self.clock,
            end: self.clock.after(PATIENCE),
            pause: FIRST_PAUSE,
            was_unauthorized: false,
        }
    }

    /// Send a request once.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Answer, NoAnswer> {
        let receive = async {
            let response = self.open(request).await?;
            let status = response.status().as_u16();
            let header = response.headers().get(http::header::RETRY_AFTER);
            let retry_after = header.and_then(|value| value.to_str().ok()?.parse().ok());
            let body = all(response.into_body(), LONGEST_ANSWER).await.map_err(NoAnswer::Lost)?;
            Ok(Answer { status, retry_after, body })
        };
        self.limiter.turn().await;
        match self.clock.timeout(self.timeout, receive).await {
            Some(answer) => answer,
            None => Err(NoAnswer::Lost(Error::new(
                Reason::TIMEOUT,
                format!("the API server did not answer within {} s", self.timeout.as_secs_f64()),
            ))),
        }
    }

    /// Send a request whose answer is read as it comes. The rate is the caller's to ask for.
    pub async fn open(&self, request: Request<Vec<u8>>) -> Result<Response<Body>, NoAnswer> {
        self.client.send(request.map(Body::from)).await.map_err(no_answer)
    }

    /// Wait for one's turn to ask.
    pub async fn turn(&self) {
        self.limiter.turn().await;
    }

    /// Send a request that changes nothing, again where that may help.
    pub async fn read(&self, request: Request<Vec<u8>>) -> Result<Answer, Error> {
        let mut tries = self.tries();
        loop {
            let error = match self.send(request.clone()).await {
                Ok(answer) => match answer.refused() {
                    Some(error) if is_passing(&error) => error,
                    _ => return Ok(answer),
                },
                Err(none) => none.error(),
            };
            if !is_passing(&error) || !tries.again(&error).await {
                return Err(error);
            }
        }
    }
}

/// Whether the same request may be answered otherwise a little later.
pub(super) fn is_passing(error: &Error) -> bool {
    match error.status {
        Some(status) => matches!(status, 401 | 429 | 502 | 503 | 504),
        None => [Reason::UNAVAILABLE, Reason::TIMEOUT].contains(&error.reason),
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
    Error::new(Reason::UNAVAILABLE, format!("the API server broke off: {}", crate::http::causes(error)))
}

fn no_answer(error: kube::Error) -> NoAnswer {
    let why = format!("the API server can't be reached: {}", crate::http::causes(&error));
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use http::Method;
    use kube::Config;
    use suture_core::RealClock;
    use suture_core::clock::Sleep;

    use super::*;
    use crate::live::path;
    use crate::testing::{Behaviour, Impatient, TestServer};

    /// Longer than any pause, in seconds.
    const NEVER: i64 = 3600;

    /// A clock on which pauses pass in no time, and timeouts never.
    struct Hurried(AtomicI64);

    impl Hurried {
        fn new() -> Arc<Self> {
            Arc::new(Self(AtomicI64::new(0)))
        }
    }

    impl Clock for Hurried {
        fn now(&self) -> Timestamp {
            Timestamp::from_millisecond(self.0.load(Ordering::Relaxed)).unwrap()
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep_until(&self, at: Timestamp) -> Sleep {
            if at.duration_since(self.now()).as_secs() >= NEVER {
                return Box::pin(std::future::pending());
            }
            self.0.store(at.as_millisecond(), Ordering::Relaxed);
            Box::pin(std::future::ready(()))
        }
    }

    fn wire(url: &str, clock: Arc<dyn Clock>, timeout: Duration) -> Wire {
        crate::install_crypto();
        let mut config = Config::new(url.parse().unwrap());
        config.default_retry = false;
        let limiter = Limiter::new(clock.clone(), 1000, 1000);
        Wire::new(Client::try_from(config).unwrap(), clock, limiter, timeout)
    }

    fn anything() -> Request<Vec<u8>> {
        path::request(Method::GET, "/api/v1", &[], None, Vec::new()).unwrap()
    }

    #[tokio::test]
    async fn what_is_away_for_a_moment_is_asked_again_but_not_for_ever() {
        let server = TestServer::answering(503, "{}").await;
        let error = wire(&server.url(), Hurried::new(), Duration::from_secs(NEVER.unsigned_abs()))
            .read(anything())
            .await;
        assert_eq!(error.unwrap_err().reason, Reason::UNAVAILABLE);
        let asked = server.requests().len();
        assert!((3..50).contains(&asked), "{asked}");
    }

    #[tokio::test]
    async fn a_token_that_is_not_accepted_is_tried_twice() {
        let server = TestServer::answering(401, r#"{"reason": "Unauthorized"}"#).await;
        let error = wire(&server.url(), Hurried::new(), Duration::from_secs(NEVER.unsigned_abs()))
            .read(anything())
            .await;
        assert_eq!(error.unwrap_err().reason.as_str(), "Unauthorized");
        assert_eq!(server.requests().len(), 2);
    }

    #[tokio::test]
    async fn what_the_api_server_refuses_is_asked_once() {
        let server = TestServer::answering(422, r#"{"reason": "Invalid"}"#).await;
        let answer = wire(&server.url(), Arc::new(RealClock), Duration::from_secs(5)).read(anything()).await;
        assert_eq!(answer.unwrap().json().unwrap_err().reason, Reason::INVALID);
        assert_eq!(server.requests().len(), 1);
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut_off_and_not_asked_for_again() {
        let server = TestServer::start(Behaviour::Flood).await;
        let error = wire(&server.url(), Arc::new(RealClock), Duration::from_secs(60)).read(anything()).await;
        assert!(error.unwrap_err().message.contains("longer than"));
        assert_eq!(server.requests().len(), 1);
    }

    #[tokio::test]
    async fn who_never_answers_may_have_done_it_and_who_is_not_there_has_not() {
        let server = TestServer::start(Behaviour::Hang).await;
        let sent = wire(&server.url(), Arc::new(Impatient), Duration::from_secs(5)).send(anything()).await;
        let Err(NoAnswer::Lost(error)) = sent else { panic!("{sent:?}") };
        assert_eq!(error.reason, Reason::TIMEOUT);

        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let wire = wire(&format!("http://{nobody}"), Arc::new(RealClock), Duration::from_secs(5));
        let sent = wire.send(anything()).await;
        assert!(matches!(sent, Err(NoAnswer::NotSent(_))), "{sent:?}");
    }

    #[tokio::test]
    async fn a_connection_that_breaks_in_the_middle_leaves_it_open() {
        let server = TestServer::start(Behaviour::Break).await;
        let wire = wire(&server.url(), Arc::new(RealClock), Duration::from_secs(5));
        let sent = wire.send(anything()).await;
        let Err(NoAnswer::Lost(error)) = sent else { panic!("{sent:?}") };
        assert_eq!(error.reason, Reason::UNAVAILABLE);
    }
}
