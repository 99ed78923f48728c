//! Approving and rejecting the plans of runs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use suture_core::{Digest, IncidentId, RunId};
use suture_engine::engine::Asked;
use suture_engine::{DecideError, Decided, Decision, Engine};

use super::body;
use crate::failure::Failure;
use crate::name::Name;
use crate::right::{Caller, Deed};

/// The body of an approval.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approve {
    /// The digest of the plan, as `GET /api/v1/runs/{id}/diff` tells it: what was looked at.
    #[schemars(with = "String")]
    digest: Option<Digest>,
    /// Whether what the run does after these changes is approved, too, within its grants.
    #[serde(default)]
    rest: bool,
    /// Why, for whoever looks.
    message: Option<String>,
}

/// The body of a rejection.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reject {
    /// The digest of the plan.
    #[schemars(with = "String")]
    digest: Option<Digest>,
    /// Why, for whoever looks.
    message: Option<String>,
}

/// What came of it.
#[derive(Serialize, schemars::JsonSchema)]
pub(crate) struct Answered {
    run: RunId,
    incident: IncidentId,
    /// How many people have approved the plan.
    given: u32,
    /// How many must, before the run acts.
    needed: u32,
    /// Whether it is rejected.
    rejected: bool,
}

pub(crate) async fn approve(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(id): Name,
    body: axum::body::Bytes,
) -> Result<(StatusCode, Json<Answered>), Failure> {
    let Approve { digest, rest, message } = body::read(&body, "{\"digest\": \"sha256:…\"}")?;
    decide(&engine, &caller, &id, digest, message, Asked::Approve { rest }).await
}

pub(crate) async fn reject(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(id): Name,
    body: axum::body::Bytes,
) -> Result<(StatusCode, Json<Answered>), Failure> {
    let Reject { digest, message } = body::read(&body, "{\"digest\": \"sha256:…\"}")?;
    decide(&engine, &caller, &id, digest, message, Asked::Reject).await
}

async fn decide(
    engine: &Engine,
    caller: &Caller,
    id: &str,
    digest: Option<Digest>,
    message: Option<String>,
    asked: Asked,
) -> Result<(StatusCode, Json<Answered>), Failure> {
    let message = body::words("message", message)?;
    caller.because(&message);
    let record = engine.journal().run_called(id).await?;
    let digest = digest.ok_or_else(|| Failure {
        path: Some("digest".to_owned()),
        ..Failure::new(
            StatusCode::BAD_REQUEST,
            "invalid",
            format!("`digest` is missing: that of the plan, as /api/v1/runs/{}/diff tells it", record.id),
        )
    })?;
    let decision = Decision { who: caller.name().to_owned(), digest, message, asked };
    let decided = engine.decide(&record.id, decision).await?;
    let deed = Deed {
        policy: Some(&record.policy),
        incident: Some(&record.incident),
        run: Some(&record.id),
        object: Some(digest.to_string()),
    };
    caller.did_to(asked.verb(), &deed);
    let Decided { incident, given, needed, rejected } = decided;
    Ok((StatusCode::ACCEPTED, Json(Answered { run: record.id, incident, given, needed, rejected })))
}

impl From<DecideError> for Failure {
    fn from(error: DecideError) -> Self {
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, error.to_string());
        match error.clone() {
            DecideError::NotFound => Self::not_found(error.to_string()),
            DecideError::Own => Self::new(StatusCode::FORBIDDEN, "forbidden", error.to_string()),
            DecideError::Stale(_) | DecideError::Changed => conflict("stale"),
            DecideError::Expired(_) => conflict("expired"),
            DecideError::Over
            | DecideError::NotAsked(_)
            | DecideError::AnotherRun(_)
            | DecideError::Twice => conflict("conflict"),
            DecideError::Unavailable(error) => error.into(),
        }
    }
}
