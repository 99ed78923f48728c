//! The admin API, metrics and health.

mod alerts;
pub(crate) mod approving;
mod audit;
mod body;
mod described;
mod doctor;
mod draining;
pub(crate) mod effects;
pub(crate) mod incidents;
pub(crate) mod lists;
mod openapi;
pub(crate) mod pausing;
pub(crate) mod policies;
mod readiness;
mod routes;
pub(crate) mod status;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use suture_cluster::Contacts;
use suture_core::{Labels, display, names};
use suture_engine::engine::{CancelError, CancelIncidentError, RetryError, StartError};
use suture_engine::{ByHand, Engine};

pub(crate) use readiness::writable;

use crate::admission::Admission;
use crate::catalog::Handle;
use crate::console::{self, Console};
use crate::doctor::Doctor;
use crate::failure::Failure;
use crate::name::Name;
use crate::right::{Caller, Deed, Right};
use crate::sweep;
use routes::Routes;

pub(crate) type Answer = Result<Json<Value>, Failure>;

/// The largest body that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

pub(crate) fn router(
    engine: Engine,
    handle: Handle,
    sweeper: sweep::Shared,
    doctor: Arc<Doctor>,
    admission: Arc<Admission>,
    contacts: Contacts,
    console: &Arc<Console>,
) -> Router {
    routes(admission)
        .into_router()
        .layer(Extension(console.clone()))
        .merge(console::router(console))
        .layer(Extension(handle))
        .layer(Extension(sweeper))
        .layer(Extension(doctor))
        .layer(Extension(contacts))
        .layer(Extension(console.trail.clone()))
        .fallback(async || Failure::not_found("there is nothing here; the API is at /api/v1"))
        .method_not_allowed_fallback(async || {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed", "this path takes another method")
        })
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .layer(map_response(too_large))
        .with_state(engine)
}

/// All routes. What each does is said in [`described`].
fn routes(admission: Arc<Admission>) -> Routes {
    Routes::new(admission)
        .get(Right::View, "/status", status::show)
        .get(Right::View, "/config", policies::config)
        .get(Right::View, "/openapi.json", async || Json(openapi()))
        .get(Right::View, "/audit", audit::list)
        .get(Right::View, "/doctor", doctor::examine)
        .post(Right::Operate, "/doctor/drills", doctor::drill)
        .get(Right::View, "/doctor/drills/{id}", doctor::drilled)
        .get(Right::View, "/alerts/unmatched", alerts::unmatched)
        .post(Right::Operate, "/pause", pausing::pause)
        .post(Right::Operate, "/resume", pausing::resume)
        .post(Right::Operate, "/drain", draining::drain)
        .get(Right::View, "/drain", draining::show)
        .get(Right::View, "/policies", policies::list)
        .get(Right::View, "/policies/{name}", policies::show)
        .post(Right::Accept, "/policies/{name}/accept", policies::accept)
        .post(Right::Operate, "/policies/{name}/pause", pausing::pause_policy)
        .post(Right::Operate, "/policies/{name}/resume", pausing::resume_policy)
        .post(Right::Operate, "/policies/{name}/runs", start)
        .post(Right::Operate, "/policies/{name}/sweep", policies::sweep)
        .get(Right::View, "/incidents", lists::incidents)
        .get(Right::View, "/incidents/{id}", incidents::show)
        .post(Right::Operate, "/incidents/{id}/cancel", cancel_incident)
        .post(Right::Operate, "/incidents/{id}/retry", retry)
        .post(Right::Operate, "/incidents/{id}/close", incidents::close)
        .get(Right::View, "/runs", lists::runs)
        .get(Right::View, "/runs/{id}", effects::run)
        .get(Right::View, "/runs/{id}/diff", effects::diff)
        .post(Right::Operate, "/runs/{id}/cancel", cancel)
        .post(Right::Approve, "/runs/{id}/approve", approving::approve)
        .post(Right::Approve, "/runs/{id}/reject", approving::reject)
        .post(Right::View, "/console/links", console::link)
        .beside(Some(Right::Metrics), "/metrics", metrics)
        // Health is for the kubelet, which has no token.
        .beside(None, "/healthz", async || "ok\n")
        .beside(None, "/readyz", readiness::ready)
}

/// The API as a document: OpenAPI 3.1.
pub fn openapi() -> Value {
    let nobody = Arc::new(Admission::new(None, None, None, &[]));
    described::document().of(routes(nobody).all())
}

/// A body that is too large is refused before a route sees it.
async fn too_large(response: Response) -> Response {
    match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("the body is larger than {MAX_BODY} bytes");
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "tooLarge", message).into_response()
        }
        _ => response,
    }
}

/// The body of a run that is started by hand.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Start {
    /// The labels of the alert.
    labels: Labels,
    /// Whether it starts without Prometheus's confirmation.
    #[serde(default)]
    force: bool,
}

async fn start(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    body: axum::body::Bytes,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let Start { labels, force } = serde_json::from_slice(&body).map_err(|error| {
        Failure::new(
            StatusCode::BAD_REQUEST,
            "unreadable",
            format!("the body is not {{\"labels\": {{…}}}}: {error}"),
        )
    })?;
    let object = Some(names::shortened(&display::labels(&labels)));
    if force {
        caller.forces();
        caller.require(Right::Force)?;
    }
    let by = ByHand { who: caller.name().to_owned(), is_forced: force };
    let incident = engine.start_run(&name, labels, by).await.map_err(|error| {
        let help = match &error {
            StartError::NotFiring(_) => "; give exactly the labels of an alert that fires, or force the run",
            StartError::Silenced(_) => "; end the silence, or force the run",
            StartError::Policy(_)
            | StartError::Labels(_)
            | StartError::Busy(_)
            | StartError::Unavailable(_) => "",
        };
        let failure = Failure::from(error);
        Failure { message: failure.message.clone() + help, ..failure }
    })?;
    let deed = Deed { policy: Some(&name), incident: Some(&incident), object, ..Deed::default() };
    caller.did_to("start", &deed);
    if force {
        tracing::warn!(who = caller.name(), %incident, policy = name, "a run is forced: nothing confirms its alert");
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"incident": incident}))))
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let conflict = |code| Failure::new(StatusCode::CONFLICT, code, error.to_string());
        match &error {
            StartError::Policy(_) => Failure::not_found(error.to_string()),
            StartError::Labels(_) => Failure {
                path: Some("labels".to_owned()),
                ..Failure::new(StatusCode::BAD_REQUEST, "invalid", error.to_string())
            },
            StartError::Busy(_) => conflict("conflict"),
            StartError::NotFiring(_) => conflict("notFiring"),
            StartError::Silenced(_) => conflict("silenced"),
            StartError::Unavailable(_) => Failure::unavailable(error.to_string()),
        }
    }
}

/// Handle an incident again that has come to rest.
pub(crate) async fn retry(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(id): Name,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let record = engine.journal().incident_called(&id).await?;
    let incident = &record.id;
    engine.retry(incident, caller.name()).await.map_err(|error| match error {
        RetryError::NotFound => Failure::not_found(format!("there is no incident `{incident}`")),
        RetryError::Over | RetryError::AtWork(_) => {
            Failure::new(StatusCode::CONFLICT, "conflict", error.to_string())
        }
        RetryError::Start(error) => error.into(),
    })?;
    caller.did_to("retry", &Deed::of_incident(&record));
    Ok((StatusCode::ACCEPTED, Json(json!({"incident": incident}))))
}

/// Leave an incident alone until its alert has cleared once.
pub(crate) async fn cancel_incident(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(id): Name,
) -> Answer {
    let record = engine.journal().incident_called(&id).await?;
    let incident = &record.id;
    let why = format!("by {}, through the API", caller.name());
    engine.cancel_incident(incident, &why).await.map_err(|error| match error {
        CancelIncidentError::NotFound => Failure::not_found(format!("there is no incident `{incident}`")),
        CancelIncidentError::Over => Failure::new(StatusCode::CONFLICT, "conflict", error.to_string()),
        CancelIncidentError::Unavailable(error) => error.into(),
    })?;
    caller.did_to("cancel", &Deed::of_incident(&record));
    Ok(Json(json!({"incident": incident, "cancelled": true})))
}

pub(crate) async fn cancel(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(id): Name,
) -> Answer {
    let record = engine.journal().run_called(&id).await?;
    let run = &record.id;
    let why = format!("by {}, through the API", caller.name());
    engine.cancel(run, &why).await.map_err(|error| match error {
        CancelError::NotFound => Failure::not_found(format!("there is no run `{run}`")),
        CancelError::Ended => Failure::new(StatusCode::CONFLICT, "conflict", error.to_string()),
    })?;
    let of_incident = engine.journal().incident(&record.incident).await.ok().flatten();
    let deed = of_incident.as_ref().map(Deed::of_incident).unwrap_or_default();
    caller.did_to("cancel", &Deed { policy: Some(&record.policy), run: Some(run), ..deed });
    Ok(Json(json!({"run": run, "cancelled": true})))
}

async fn metrics(State(engine): State<Engine>) -> impl IntoResponse {
    exposition(engine.exposition().await)
}

/// Metrics, as Prometheus reads them.
pub(crate) fn exposition(metrics: String) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], metrics)
}
