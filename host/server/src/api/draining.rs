//! Draining the host.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use suture_core::HumanDuration;
use suture_engine::{DrainOrder, Engine};

use super::{Answer, body};
use crate::failure::Failure;
use crate::right::Caller;

/// The body; it may be empty.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Drain {
    /// Why, for whoever looks.
    reason: Option<String>,
    /// How long the runs at work may take to end by themselves.
    wait: Option<HumanDuration>,
}

/// Begin to drain it. How far it is says `GET`.
pub(super) async fn drain(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    given: Bytes,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let Drain { reason, wait } = body::read(&given, "{\"reason\": \"…\", \"wait\": \"10m\"}")?;
    let wait = wait.unwrap_or_default().get();
    let reason = body::reason(reason)?;
    caller.because(&reason);
    let order = DrainOrder { who: caller.name().to_owned(), reason, wait };
    engine.drain(order).await?;
    caller.did("drain", "the host");
    Ok((StatusCode::ACCEPTED, show(State(engine)).await?))
}

/// How far it is, and what is left; `null` where nobody drains it.
pub(super) async fn show(State(engine): State<Engine>) -> Answer {
    let status = engine.drain_status().await.map_err(|error| Failure::internal(error.to_string()))?;
    Ok(Json(json!({"drain": status})))
}
