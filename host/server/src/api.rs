//! The admin API, metrics and health.

mod effects;
mod lists;
mod policies;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use suture_core::{Labels, RunId, Timestamp};
use suture_engine::Engine;
use suture_engine::engine::{CancelError, StartError};
use suture_journal::{Change, Durability, InboxRecord};

use crate::admission::{self, Admission};
use crate::catalog::Handle;
use crate::failure::Failure;
use crate::name::Name;
use crate::sweep;

pub(crate) type Answer = Result<Json<Value>, Failure>;

/// The largest body that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

pub(crate) fn router(
    engine: Engine,
    handle: Handle,
    sweeper: sweep::Shared,
    tokens: Arc<Admission>,
) -> Router {
    let api = Router::new()
        .route("/config", get(policies::config))
        .route("/policies", get(policies::list))
        .route("/policies/{name}", get(policies::show))
        .route("/policies/{name}/accept", post(policies::accept))
        .route("/policies/{name}/runs", post(start))
        .route("/policies/{name}/sweep", post(policies::sweep))
        .route("/incidents", get(lists::incidents))
        .route("/incidents/{id}", get(lists::incident))
        .route("/runs", get(lists::runs))
        .route("/runs/{id}", get(effects::run))
        .route("/runs/{id}/cancel", post(cancel))
        .route("/pause", post(pause))
        .route("/resume", post(resume));
    let api = api.layer(Extension(handle)).layer(Extension(sweeper));
    let counted = Router::new().route("/metrics", get(metrics));
    Router::new()
        .nest("/api/v1", api)
        .layer(from_fn_with_state(tokens.clone(), admission::all))
        .merge(counted.layer(from_fn_with_state(tokens, admission::metrics)))
        // Health is for the kubelet, which has no token.
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .fallback(async || Failure::not_found("there is nothing here; the API is at /api/v1"))
        .method_not_allowed_fallback(async || {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed", "this path takes another method")
        })
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .with_state(engine)
}

/// The body of a run that is started by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    labels: Labels,
}

async fn start(
    State(engine): State<Engine>,
    Name(name): Name,
    body: axum::body::Bytes,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let start: Start = serde_json::from_slice(&body).map_err(|error| {
        Failure::new(
            StatusCode::BAD_REQUEST,
            "unreadable",
            format!("the body is not {{\"labels\": {{…}}}}: {error}"),
        )
    })?;
    let by = suture_engine::ByHand { who: "admin".to_owned(), is_forced: false };
    let incident = engine.start_run(&name, start.labels, by).await.map_err(|error| match &error {
        StartError::Policy(_) => Failure::not_found(error.to_string()),
        StartError::Labels(_) => Failure {
            path: Some("labels".to_owned()),
            ..Failure::new(StatusCode::BAD_REQUEST, "invalid", error.to_string())
        },
        StartError::Busy(_) | StartError::NotFiring => {
            Failure::new(StatusCode::CONFLICT, "conflict", error.to_string())
        }
        StartError::Unavailable(_) => Failure::unavailable(error.to_string()),
    })?;
    Ok((StatusCode::ACCEPTED, Json(json!({"incident": incident}))))
}

async fn cancel(State(engine): State<Engine>, Name(id): Name) -> Answer {
    let run = RunId::new(id);
    engine.cancel(&run, "through the API").await.map_err(|error| match error {
        CancelError::NotFound => Failure::not_found(format!("there is no run `{run}`")),
        CancelError::Ended => Failure::new(StatusCode::CONFLICT, "conflict", error.to_string()),
    })?;
    Ok(Json(json!({"run": run, "cancelled": true})))
}

async fn pause(State(engine): State<Engine>) -> Json<Value> {
    engine.pause();
    Json(json!({"paused": true}))
}

async fn resume(State(engine): State<Engine>) -> Json<Value> {
    engine.resume();
    Json(json!({"paused": false}))
}

async fn metrics(State(engine): State<Engine>) -> impl IntoResponse {
    exposition(engine.exposition())
}

/// Metrics, as Prometheus reads them.
pub(crate) fn exposition(metrics: String) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], metrics)
}

/// Whether a journal that failed can be written again. Somebody must try: a host that is
/// not ready is sent nothing that it would write.
async fn writable(engine: &Engine) -> Result<(), Failure> {
    let nothing = InboxRecord {
        received_at: Timestamp::UNIX_EPOCH,
        policy: None,
        body: br#"{"receiver":"readyz","alerts":[]}"#.to_vec(),
    };
    engine
        .journal()
        .commit(vec![Change::Accept(nothing)], Durability::Synced)
        .await
        .map_err(|error| Failure::unavailable(error.to_string()))
}

async fn ready(State(engine): State<Engine>) -> Result<&'static str, Failure> {
    if engine.is_stopping() {
        return Err(Failure::unavailable("the host is shutting down"));
    }
    if engine.journal().health().is_err() {
        writable(&engine).await?;
    }
    let policies = engine.policies();
    // One that is held back keeps its alerts; one that is not loaded hears of none.
    if !policies.is_empty() && policies.iter().all(|policy| policy.digest.is_none()) {
        return Err(Failure::unavailable("no policy could be loaded; see /api/v1/policies"));
    }
    Ok("ready\n")
}
