//! Answers that never come, and those that are no good.

use std::sync::atomic::{AtomicI64, Ordering};

use kube::Config;
use suture_core::clock::Sleep;
use suture_core::{RealClock, Timestamp};

use super::*;
use crate::testing::{Behaviour, Impatient, TestServer};

/// Longer than any pause.
const NEVER: Duration = Duration::from_secs(3600);

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
        if at.duration_since(self.now()).unsigned_abs() >= NEVER {
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
    let answer = wire(&server.url(), Hurried::new(), NEVER).read(anything()).await;
    let error = answer.and_then(Answer::json);
    assert_eq!(error.unwrap_err().reason, Reason::UNAVAILABLE);
    let asked = server.requests().len();
    assert!((3..50).contains(&asked), "{asked}");
}

#[tokio::test]
async fn an_api_server_that_forbids_everything_has_just_started() {
    let server = TestServer::answering(403, r#"{"reason": "Forbidden"}"#).await;
    // It refuses even discovery: nobody's rights are known yet.
    let wire = wire(&server.url(), Hurried::new(), NEVER);
    assert_eq!(wire.read(anything()).await.unwrap().json().unwrap_err().reason, Reason::FORBIDDEN);
    let asked =
        |path: &str| server.requests().iter().filter(|all| all.starts_with(&format!("GET {path} "))).count();
    assert!(asked("/api/v1") > 2 && asked("/readyz") > 2, "{:?}", server.requests());
}

#[tokio::test]
async fn who_asks_again_himself_is_answered_at_once() {
    for (status, body, reason) in [
        (503, "{}", Reason::UNAVAILABLE),
        (500, "{}", Reason::INTERNAL_ERROR),
        (401, r#"{"reason": "Unauthorized"}"#, Reason::UNAUTHORIZED),
        // It has just started, and will be asked again.
        (403, r#"{"reason": "Forbidden"}"#, Reason::UNAVAILABLE),
    ] {
        let server = TestServer::answering(status, body).await;
        let wire = wire(&server.url(), Hurried::new(), NEVER).asking_once();
        let error = wire.read(anything()).await.and_then(Answer::json).unwrap_err();
        let asked = server.requests().iter().filter(|all| all.starts_with("GET /api/v1 ")).count();
        assert_eq!((error.reason, asked), (reason, 1), "{status}");
    }
}

#[tokio::test]
async fn an_api_server_that_breaks_down_over_a_read_is_asked_again_and_a_login_page_is_not() {
    let broken = TestServer::answering(500, "{}").await;
    let answer = wire(&broken.url(), Hurried::new(), NEVER).read(anything()).await;
    assert_eq!(answer.and_then(Answer::json).unwrap_err().reason, Reason::INTERNAL_ERROR);
    assert!(broken.requests().len() > 3, "{:?}", broken.requests());
    let page = TestServer::answering(302, "<html>Please log in").await;
    let answer = wire(&page.url(), Hurried::new(), NEVER).read(anything()).await;
    assert_eq!(answer.and_then(Answer::json).unwrap_err().reason, Reason::UNAVAILABLE);
    assert_eq!(page.requests().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_tried_twice() {
    let server = TestServer::answering(401, r#"{"reason": "Unauthorized"}"#).await;
    let answer = wire(&server.url(), Hurried::new(), NEVER).read(anything()).await;
    let error = answer.and_then(Answer::json);
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
