//! Whether notifications can be accepted: only where they can't be is a host not ready. A host
//! that is paused, say, must go on taking them, or Alertmanager would lose its receiver.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use suture_core::Timestamp;
use suture_engine::Engine;
use suture_engine::waiting::Reason;
use suture_journal::{Change, Durability, InboxRecord, JournalError};

use crate::failure::Failure;

/// Whether a journal that failed can be written again. Somebody must try: a host that is
/// not ready is sent nothing that it would write.
pub(crate) async fn writable(engine: &Engine) -> Result<(), Failure> {
    let nothing = InboxRecord {
        received_at: engine.now(),
        policy: None,
        waits: false,
        body: br#"{"receiver":"readyz","alerts":[]}"#.to_vec(),
    };
    let journal = engine.journal();
    let failed = |error: JournalError| Failure::unavailable(error.to_string());
    let id = journal.reserve().map_err(failed)?;
    // It is gone again at once: nobody would come for it before something is posted.
    let changes = vec![Change::Accept(Some(id), nothing), Change::Routed(vec![id])];
    journal.commit(changes, Durability::Synced).await.map_err(failed)?;
    // What can't be read again is not handled.
    journal.inbox(1).await.map(drop).map_err(failed)
}

/// Whether a host takes what is posted.
pub(super) async fn not_ready(engine: &Engine) -> Result<(), Failure> {
    if engine.is_stopping() {
        return Err(Failure::unavailable("the host is shutting down"));
    }
    if engine.journal().health().is_err() {
        writable(engine).await?;
    }
    engine.keeps_up().map_err(|error| Failure::unavailable(error.to_string()))
}

/// Asked with `?verbose`, it says what waits, and for how long. That names no policy and no
/// person: everybody may ask.
pub(super) async fn ready(
    State(engine): State<Engine>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    not_ready(&engine).await?;
    let is_verbose =
        |query: &str| query.split('&').any(|word| word == "verbose" || word.starts_with("verbose="));
    match query.as_deref().is_some_and(is_verbose) {
        true => Ok(Json(json!({"ready": true, "waiting": waiting(&engine).await?})).into_response()),
        false => Ok("ready\n".into_response()),
    }
}

async fn waiting(engine: &Engine) -> Result<Value, Failure> {
    let all = engine.waiting().await.map_err(|error| Failure::unavailable(error.to_string()))?;
    let mut by_reason: BTreeMap<Reason, (usize, Option<Timestamp>)> = BTreeMap::new();
    for one in all {
        let (count, since) = by_reason.entry(one.reason).or_default();
        *count += one.count;
        *since = since.iter().copied().chain(one.since).min();
    }
    let now = engine.now();
    let shown = by_reason.into_iter().map(|(reason, (count, since))| {
        json!({"reason": reason, "count": count, "oldestSeconds": since.map(|since| age(since, now))})
    });
    Ok(shown.collect())
}

/// For how many seconds.
pub(super) fn age(since: Timestamp, now: Timestamp) -> i64 {
    since.duration_until(now).as_secs().max(0)
}
