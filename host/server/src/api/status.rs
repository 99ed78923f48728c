//! How a host stands: what is paused, what waits, and whether it takes alerts.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use suture_engine::{Engine, Waiting};

use super::{Answer, readiness::age};
use crate::failure::Failure;

pub(super) async fn show(State(engine): State<Engine>) -> Answer {
    let waiting = engine.waiting().await.map_err(|error| Failure::internal(error.to_string()))?;
    let now = engine.now();
    let waiting: Vec<Value> = waiting
        .iter()
        .map(|one| {
            let Waiting { policy, reason, message, count, since } = one;
            json!({
                "policy": policy, "reason": reason, "message": message, "count": count, "since": since,
                "oldestSeconds": since.map(|since| age(since, now)),
            })
        })
        .collect();
    let journal = engine.journal();
    let room = journal.room();
    Ok(Json(json!({
        "time": now,
        "stopping": engine.is_stopping(),
        "paused": engine.is_paused(),
        "pauses": engine.pauses(),
        "atWork": engine.at_work(),
        "waiting": waiting,
        "journal": {
            "error": journal.health().err().map(|error| error.to_string()),
            "usedBytes": room.used,
            "maxBytes": room.max,
            "isFull": room.is_full_with(0),
        },
    })))
}
