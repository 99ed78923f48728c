//! Alerts of which nothing becomes an incident.

use axum::Json;
use axum::extract::State;
use serde_json::json;
use suture_engine::Engine;

use super::Answer;

/// Those that nobody handles, by name.
pub(super) async fn unmatched(State(engine): State<Engine>) -> Answer {
    let (items, others) = engine.unmatched();
    Ok(Json(json!({"items": items, "next": null, "others": others})))
}
