//! Whether the path from an alert to its repair is alive.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use suture_core::Labels;

use super::{Answer, body};
use crate::doctor::Doctor;
use crate::failure::Failure;
use crate::name::Name;
use crate::right::Caller;

/// Look at all of it.
pub(super) async fn examine(Extension(doctor): Extension<Arc<Doctor>>) -> Answer {
    let report = doctor.examine().await;
    Ok(Json(json!({"worst": report.worst(), "findings": report.findings})))
}

/// The body of a drill; it may be empty.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Drill {
    /// Labels that its alert has beside its own, for routes that want some.
    labels: Labels,
}

/// Send an alert round.
pub(super) async fn drill(
    Extension(doctor): Extension<Arc<Doctor>>,
    Extension(caller): Extension<Caller>,
    given: axum::body::Bytes,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let Drill { labels } = body::read(&given, "{\"labels\": {…}}")?;
    let drill = doctor.drill(labels).await.map_err(Failure::unavailable)?;
    caller.did("drill", &drill.id);
    Ok((StatusCode::ACCEPTED, Json(json!(drill))))
}

/// Whether it came back.
pub(super) async fn drilled(Extension(doctor): Extension<Arc<Doctor>>, Name(id): Name) -> Answer {
    let drill = doctor.drills.find(&id);
    let drill = drill
        .ok_or_else(|| Failure::not_found(format!("there is no drill `{id}`; the last few are known")))?;
    Ok(Json(json!(drill)))
}
