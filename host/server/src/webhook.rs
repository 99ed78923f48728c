//! The webhook: what Alertmanager posts is on disk before it is answered.

mod readers;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use futures::future::{Either, select};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde_json::{Value, json};
use suture_core::alert::Read;
use suture_core::{Clock, Envelope, RealClock, names};
use suture_engine::{Engine, Receiver, Refusal};
use tokio::sync::Notify;

use crate::basic::Basic;
use crate::config;
use crate::drills::{Arrival, Drills, drill_of};
use crate::failure::Failure;
use crate::listener::Peer;
use crate::name::Name;
use crate::receivers::Receivers;
use crate::token::Token;
use readers::{Crowded, Readers, Reading, Room};

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests that are read at the same time, and the bytes of their bodies, whatever each may have.
const ROOM: Room = Room { places: 256, bytes: config::Webhook::MAX_BODY as usize };

/// How often it is said that alerts are missing.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// Drills of one notification that are looked for.
const MOST_DRILLS: usize = 32;
/// Alerts of a notification that are handed on as they were read: more are read again when their turn comes.
const MOST_READ: usize = 64;

pub(crate) struct Webhook {
    pub engine: Engine,
    pub clock: Arc<dyn Clock>,
    pub access: Access,
    pub max_body: usize,
    pub heard: Heard,
    readers: Readers,
}

/// Who hears of what came.
pub(crate) struct Heard {
    /// Knows who posts here.
    pub receivers: Arc<Receivers>,
    /// Asks Alertmanager for what is missing.
    pub reconciler: Arc<Notify>,
    /// Waits for alerts that were sent round for a try.
    pub drills: Arc<Drills>,
    /// When it was said last that alerts are missing.
    pub truncated_told: Mutex<Option<Duration>>,
}

impl Heard {
    fn of(&self, policy: Option<&str>, notification: &Envelope, drills: &BTreeSet<String>) {
        let receiver = &notification.receiver;
        for drill in drills {
            let (receiver, policy) = (names::shortened(receiver), policy.map(str::to_owned));
            self.drills.arrive(drill, Arrival { at: RealClock.now(), receiver, policy });
        }
        self.receivers.heard(Receiver { name: receiver.clone(), policy: policy.map(str::to_owned) });
        if notification.truncated_alerts > 0 {
            let now = RealClock.monotonic();
            let mut told = self.truncated_told.lock();
            if told.is_none_or(|told| now.saturating_sub(told) >= TOLD_EVERY) {
                *told = Some(now);
                tracing::warn!(
                    count = notification.truncated_alerts,
                    receiver = names::shortened(receiver),
                    "Alertmanager cut alerts off (`max_alerts`); its API is asked for them"
                );
            }
            self.reconciler.notify_one();
        }
    }
}

/// Who may post. Everybody, where there is neither.
pub(crate) struct Access {
    pub token: Option<Token>,
    /// A name and a password.
    pub basic: Option<Basic>,
}

impl Access {
    async fn check(&self, headers: &HeaderMap, peer: Option<&Peer>) -> Result<(), Failure> {
        let is_admitted = match (&self.token, &self.basic) {
            (None, None) => true,
            (token, basic) => {
                basic.as_ref().is_some_and(|basic| basic.admits(headers))
                    || match token {
                        Some(token) => token.admits(headers).await,
                        None => false,
                    }
            }
        };
        if !is_admitted {
            return Err(Failure::unauthorized(headers, self.basic.is_some()));
        }
        if let Some(peer) = peer {
            peer.trust();
        }
        Ok(())
    }
}

impl Webhook {
    pub fn new(engine: Engine, clock: Arc<dyn Clock>, access: Access, max_body: usize, heard: Heard) -> Self {
        Self { engine, clock, access, max_body, heard, readers: Readers::new(ROOM, max_body) }
    }
}

pub(crate) fn router(webhook: Webhook) -> Router {
    Router::new()
        .route("/hooks", post(for_all))
        .route("/hooks/", post(for_all))
        .route("/hooks/{policy}", post(for_one))
        // Written so by who joins an address and a path.
        .route("/hooks/{policy}/", post(for_one))
        .fallback(async |State(webhook): State<Arc<Webhook>>| {
            webhook.heard.receivers.refused("there is nothing at that path");
            Failure::not_found("post to /hooks, or to /hooks/POLICY")
        })
        .method_not_allowed_fallback(async || {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed", "alerts are sent with POST")
        })
        .with_state(Arc::new(webhook))
}

type Answer = Result<Json<Value>, Failure>;

async fn for_all(State(webhook): State<Arc<Webhook>>, request: Request) -> Answer {
    receive(&webhook, None, request).await
}

async fn for_one(State(webhook): State<Arc<Webhook>>, Name(policy): Name, request: Request) -> Answer {
    receive(&webhook, Some(&policy), request).await
}

async fn receive(webhook: &Webhook, policy: Option<&str>, request: Request) -> Answer {
    let began = RealClock.now();
    let answer = accept(webhook, policy, request).await;
    let result = match &answer {
        Ok(_) => "accepted",
        Err(failure) => failure.code,
    };
    if let Err(failure) = &answer
        && failure.status.is_client_error()
    {
        webhook.heard.receivers.refused(&failure.message);
    }
    let metrics = webhook.engine.metrics();
    metrics.notification(result);
    metrics.webhook(began.duration_until(RealClock.now()).try_into().unwrap_or_default());
    answer
}

async fn accept(webhook: &Webhook, policy: Option<&str>, request: Request) -> Answer {
    let peer: Option<Peer> = request.extensions().get().cloned();
    webhook.access.check(request.headers(), peer.as_ref()).await?;
    let now = webhook.clock.monotonic();
    let mut reading = webhook.readers.begin(peer.as_ref().map(Peer::group), now).map_err(|crowded| {
        Failure::unavailable(match crowded {
            Crowded::All => "too many requests at once; send it again later",
            Crowded::Peer => "too many requests at once from your address; send it again later",
        })
    })?;
    let body = read(webhook, request.into_body(), &mut reading).await?;
    let mut drills = BTreeSet::new();
    // They are routed as they were read here, unless there are too many.
    let mut read = Some(Vec::new());
    let notice = |alert: Read| {
        if drills.len() < MOST_DRILLS {
            drills.extend(drill_of(&alert));
        }
        read = match (read.take(), alert) {
            (Some(mut read), Read::Whole(alert)) if read.len() < MOST_READ => {
                read.push(alert);
                Some(read)
            }
            _ => None,
        };
    };
    let notification = Envelope::parse(&body, notice).map_err(|error| unreadable(&body, &error))?;
    let accepted = notification.alerts;
    webhook.engine.accept_read(policy, notification.clone(), read, body).await.map_err(|refusal| {
        match refusal {
            Refusal::UnknownPolicy(_) => Failure::not_found(refusal.to_string()),
            Refusal::Full(_) => {
                Failure::new(StatusCode::SERVICE_UNAVAILABLE, "journalFull", refusal.to_string())
            }
            Refusal::Overloaded(_) | Refusal::TooManyBytes(_) | Refusal::Stopping | Refusal::Journal(_) => {
                Failure::unavailable(refusal.to_string())
            }
        }
    })?;
    webhook.heard.of(policy, &notification, &drills);
    Ok(Json(json!({"accepted": accepted})))
}

async fn read(webhook: &Webhook, body: Body, reading: &mut Reading<'_>) -> Result<Vec<u8>, Failure> {
    let evicted = std::pin::pin!(reading.evicted());
    let collected = std::pin::pin!(collect(webhook, body, reading));
    let read = async {
        match select(collected, evicted).await {
            Either::Left((collected, _)) => collected,
            Either::Right(_) => {
                Err(Failure::unavailable("the body comes slowly, and others wait; send it again later"))
            }
        }
    };
    webhook.clock.timeout(BODY_TIMEOUT, read).await.unwrap_or_else(|| {
        let message = format!("the body took longer than {} s; send it again later", BODY_TIMEOUT.as_secs());
        // Not 408: Alertmanager gives up after any 4xx.
        Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", message))
    })
}

async fn collect(webhook: &Webhook, mut body: Body, reading: &mut Reading<'_>) -> Result<Vec<u8>, Failure> {
    let full = |crowded| {
        Failure::unavailable(match crowded {
            Crowded::All => "too much is being received at once; send it again later",
            Crowded::Peer => "too much is being received at once from your address; send it again later",
        })
    };
    let too_large = || {
        let message = format!("the body has more than {} bytes (`webhook.maxBody`)", webhook.max_body);
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "tooLarge", message)
    };
    // What it says of itself is enough to turn it away, and too little to hold room for it: who
    // sends slowly, or nothing, would hold that.
    let said = usize::try_from(body.size_hint().lower()).map_err(|_| too_large())?;
    if said > webhook.max_body {
        return Err(too_large());
    }
    reading.has_room(said).map_err(full)?;
    let mut bytes = Vec::with_capacity(said);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Failure::new(StatusCode::BAD_REQUEST, "unreadable", format!("the body broke off: {error}"))
        })?;
        let Ok(part) = frame.into_data() else { continue };
        if part.len() > webhook.max_body - bytes.len() {
            return Err(too_large());
        }
        reading.take(part.len()).map_err(full)?;
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// Says where in the body the error is: line, column, and the path to the field.
fn unreadable(body: &[u8], error: &serde_json::Error) -> Failure {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    let path = Envelope::read(tracked, drop).err().map(|_| names::shortened(&track.path().to_string()));
    let message = format!("the body is not an Alertmanager notification: {error}; {}", instead(body));
    Failure { path, ..Failure::new(StatusCode::BAD_REQUEST, "unreadable", message) }
}

/// What is to be done about a body that is none.
fn instead(body: &[u8]) -> &'static str {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'{') => {
            "where the receiver in Alertmanager has a `payload` of its own, take that out: only the usual body is read \
             here. Use a receiver with nothing but `url`, `send_resolved`, `max_alerts` and `http_config`"
        }
        Some(b'[') => {
            "a list of alerts is what Alertmanager itself is sent: give Prometheus the address of Alertmanager, and have \
             that post here with `webhook_configs`"
        }
        Some(_) | None => "have Alertmanager post here with `webhook_configs`",
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn that_alerts_are_missing_is_said_once_a_minute_whatever_receivers_call_themselves() {
        let dir = tempfile::tempdir().unwrap();
        let heard = Heard {
            receivers: Arc::new(Receivers::load(dir.path())),
            reconciler: Arc::default(),
            drills: Arc::default(),
            truncated_told: Mutex::default(),
        };
        let post = |receiver: &str, truncated_alerts: u64| {
            let notification =
                Envelope { receiver: receiver.to_owned(), truncated_alerts, ..Envelope::default() };
            heard.of(None, &notification, &BTreeSet::new());
        };
        let told = || *heard.truncated_told.lock();
        post("suture", 0);
        assert_eq!(told(), None);
        assert!(heard.reconciler.notified().now_or_never().is_none(), "nothing is missing");
        post("suture", 1);
        let first = told();
        assert!(first.is_some());
        for number in 0..100 {
            post(&number.to_string(), 1);
        }
        assert_eq!(told(), first, "it is said again");
        assert!(heard.reconciler.notified().now_or_never().is_some(), "Alertmanager is asked all the same");
    }
}
