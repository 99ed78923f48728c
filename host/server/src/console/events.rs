//! Server-sent events: that something changed of what an open page shows. The page then fetches
//! itself; an event has no content.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde::Deserialize;
use suture_core::{IncidentId, RunId};
use suture_engine::progress::Listeners;
use suture_engine::{Engine, Progress};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::AbortHandle;

use super::Console;
use crate::failure::Failure;
use crate::listener::Limits;

/// The most streams at once; and never more than half of the connections that there may be.
const STREAMS: usize = 256;
/// How often a stream looks whether something changed; the more there are, the less often each.
const EVERY: Duration = Duration::from_secs(1);
const SLOWER: Duration = Duration::from_millis(20);
/// After how many looks something is sent all the same, and whether the session still is.
const HEARTBEAT: u32 = 15;
/// How long a stream lasts; the page opens another.
const LONGEST: Duration = Duration::from_secs(3600);
/// The most incidents and runs of which it is known when they changed last.
const KNOWN: usize = 4096;

/// What a page shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subject {
    /// One run.
    run: Option<RunId>,
    /// One incident; neither: all of them.
    incident: Option<IncidentId>,
}

/// What has changed, for the pages that are open. While none is, nothing is listened to.
pub(super) struct Changes {
    listeners: Listeners,
    most: usize,
    state: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    /// Counts what happened.
    count: u64,
    /// The last that says something of all incidents.
    all: u64,
    runs: HashMap<RunId, u64>,
    incidents: HashMap<IncidentId, u64>,
    /// Up to here it was forgotten what happened to whom.
    forgotten: u64,
    streams: usize,
    listening: Option<AbortHandle>,
}

impl Heard {
    fn hear(&mut self, progress: &Progress) {
        self.count += 1;
        let count = self.count;
        if self.runs.len() >= KNOWN || self.incidents.len() >= KNOWN {
            self.forget();
        }
        match progress {
            Progress::Incident(incident) => {
                self.all = count;
                self.incidents.insert(incident.id.clone(), count);
            }
            Progress::Began(run) | Progress::Ended(run) => {
                self.all = count;
                self.incidents.insert(run.incident.clone(), count);
                self.runs.insert(run.id.clone(), count);
            }
            Progress::Entry(run, _) => {
                self.runs.insert(run.clone(), count);
            }
        }
    }

    fn forget(&mut self) {
        self.runs.clear();
        self.incidents.clear();
        self.forgotten = self.count;
        self.all = self.count;
    }

    /// When a subject changed last.
    fn of(&self, subject: &Subject) -> u64 {
        let known = match subject {
            Subject { run: Some(run), .. } => self.runs.get(run).copied(),
            Subject { incident: Some(incident), .. } => self.incidents.get(incident).copied(),
            Subject { run: None, incident: None } => Some(self.all),
        };
        known.unwrap_or_default().max(self.forgotten)
    }
}

impl Changes {
    pub fn new(listeners: Listeners) -> Self {
        let most = (Limits::of_admin().all / 2).min(STREAMS);
        Self { listeners, most, state: Arc::default() }
    }

    /// Listen for a page, as long as the result lives; none where there is no room.
    fn open(&self) -> Option<Open> {
        let mut heard = self.state.lock();
        if heard.streams >= self.most {
            return None;
        }
        heard.streams += 1;
        if heard.listening.is_none() {
            // What happened while nobody listened is not known.
            heard.count += 1;
            heard.forget();
            let task = tokio::spawn(listen(self.listeners.subscribe(), self.state.clone()));
            heard.listening = Some(task.abort_handle());
        }
        Some(Open { state: self.state.clone() })
    }
}

async fn listen(mut progress: Receiver<Progress>, state: Arc<Mutex<Heard>>) {
    loop {
        match progress.recv().await {
            Ok(told) => state.lock().hear(&told),
            Err(RecvError::Lagged(_)) => {
                let mut heard = state.lock();
                heard.count += 1;
                heard.forget();
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// A stream that is open.
struct Open {
    state: Arc<Mutex<Heard>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut heard = self.state.lock();
        heard.streams = heard.streams.saturating_sub(1);
        if heard.streams == 0
            && let Some(listening) = heard.listening.take()
        {
            listening.abort();
        }
    }
}

/// What a stream goes by.
struct Stream {
    open: Open,
    subject: Subject,
    seen: u64,
    looks: u32,
    console: Arc<Console>,
    engine: Engine,
    headers: HeaderMap,
    ends: Duration,
}

/// Tell when what a page shows has changed.
pub(super) async fn stream(
    State(engine): State<Engine>,
    Extension(console): Extension<Arc<Console>>,
    headers: HeaderMap,
    subject: Result<Query<Subject>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Failure> {
    let Query(subject) =
        subject.map_err(|error| Failure::new(StatusCode::BAD_REQUEST, "badRequest", error.body_text()))?;
    let full = || Failure::unavailable("as many pages are open as are kept up to date");
    let open = console.changes.open().ok_or_else(full)?;
    let seen = open.state.lock().of(&subject);
    let ends = console.clock.monotonic() + LONGEST;
    let stream = Stream { open, subject, seen, looks: 0, console, engine, headers, ends };
    let first = Bytes::from_static(b"retry: 3000\n: open\n\n");
    let rest = futures::stream::unfold(stream, |mut stream| async move {
        let bytes = stream.next().await?;
        Some((bytes, stream))
    });
    let all = futures::StreamExt::chain(futures::stream::iter([first]), rest);
    let body = Body::from_stream(futures::StreamExt::map(all, Ok::<_, std::convert::Infallible>));
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], body).into_response())
}

impl Stream {
    /// What is sent next; none where the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let crowd = u32::try_from(self.open.state.lock().streams).unwrap_or(u32::MAX);
            self.console.clock.sleep(EVERY + SLOWER * crowd).await;
            if self.engine.is_stopping() || self.console.clock.monotonic() > self.ends {
                return None;
            }
            self.looks += 1;
            let is_due = self.looks.is_multiple_of(HEARTBEAT);
            // Whoever was removed, or has signed out, hears no more.
            if is_due && self.console.visit(&self.headers).await.is_none() {
                return None;
            }
            let now = self.open.state.lock().of(&self.subject);
            if now != self.seen {
                self.seen = now;
                return Some(Bytes::from_static(b"event: changed\ndata: \n\n"));
            }
            if is_due {
                return Some(Bytes::from_static(b": still here\n\n"));
            }
        }
    }
}
