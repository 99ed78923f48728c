//! Policies: what is in force, what waits, and what became of the configuration.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use suture_engine::{Engine, Policy, PolicyStatus};

use super::Answer;
use crate::catalog::{AcceptError, Handle};
use crate::failure::Failure;
use crate::name::Name;
use crate::right::{Caller, Deed};
use crate::sweep::{self, SweepError};

/// All policies.
pub(super) async fn list(State(engine): State<Engine>) -> Answer {
    Ok(Json(json!({
        "items": engine.policies(),
        "next": null,
        "paused": engine.is_paused(),
        "pauses": engine.pauses(),
    })))
}

/// One policy, with what it requests, what it is granted, and its settings.
pub(super) async fn show(State(engine): State<Engine>, Name(name): Name) -> Answer {
    let (status, policy) = find(&engine, &name)?;
    let mut shown = serde_json::to_value(status).unwrap_or_default();
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("settings".into(), policy.config.settings.clone());
        shown.insert("grants".into(), json!(policy.config.grants));
        let requested = policy.program.as_ref().ok().map(|program| program.manifest().permissions.clone());
        shown.insert("requested".into(), json!(requested));
    }
    Ok(Json(shown))
}

/// The policy of a name.
pub(crate) fn find(engine: &Engine, name: &str) -> Result<(PolicyStatus, Arc<Policy>), Failure> {
    let unknown = || Failure::not_found(format!("there is no policy `{name}`"));
    let status = engine.policies().into_iter().find(|status| status.name == name).ok_or_else(unknown)?;
    Ok((status, engine.policy(name).ok_or_else(unknown)?))
}

/// The body of an acceptance.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Accept {
    /// That of the module, whole: `sha256:…`.
    digest: String,
}

/// Accept a module that waits: it takes the place of the one at work. It works when this is answered.
pub(super) async fn accept(
    State(engine): State<Engine>,
    Extension(handle): Extension<Handle>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    body: axum::body::Bytes,
) -> Answer {
    let Accept { digest } = serde_json::from_slice(&body).map_err(|error| {
        let what = format!("the body is not {{\"digest\": \"sha256:…\"}}: {error}");
        Failure::new(StatusCode::BAD_REQUEST, "unreadable", what)
    })?;
    handle.accept(&name, &digest).await.map_err(|error| match &error {
        AcceptError::UnknownPolicy(_) => Failure::not_found(error.to_string()),
        AcceptError::NothingWaits(_) | AcceptError::OtherDigest(_) => {
            Failure::new(StatusCode::CONFLICT, "conflict", error.to_string())
        }
        AcceptError::Failed(_) | AcceptError::Stopping => Failure::unavailable(error.to_string()),
    })?;
    let object = Some(format!("module {digest}"));
    caller.did_to("accept", &Deed { policy: Some(&name), object, ..Deed::default() });
    show(State(engine), Name(name)).await
}

/// The body of a sweep; it may be empty.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Sweep {
    /// Show what would be accepted, and accept nothing.
    dry_run: bool,
}

/// Ask Prometheus for what is firing, and handle it as if it had been posted.
pub(super) async fn sweep(
    Extension(sweeper): Extension<sweep::Shared>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    body: axum::body::Bytes,
) -> Answer {
    let Sweep { dry_run } = match body.is_empty() {
        true => Sweep::default(),
        false => serde_json::from_slice(&body).map_err(|error| {
            let what = format!("the body is not {{\"dryRun\": true}}: {error}");
            Failure::new(StatusCode::BAD_REQUEST, "unreadable", what)
        })?,
    };
    let swept = sweeper.sweep(&name, dry_run).await.map_err(|error| match &error {
        SweepError::UnknownPolicy(_) => Failure::not_found(error.to_string()),
        SweepError::NotLoaded(..) | SweepError::Unavailable(_) => Failure::unavailable(error.to_string()),
    })?;
    if dry_run {
        caller.only_looked();
    } else {
        caller.did_to("sweep", &Deed { policy: Some(&name), ..Deed::default() });
    }
    Ok(Json(json!(swept)))
}

/// What became of the configuration on disk.
pub(super) async fn config(Extension(handle): Extension<Handle>) -> Answer {
    Ok(Json(json!(handle.config())))
}
