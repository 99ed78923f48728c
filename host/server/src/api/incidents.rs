//! One incident.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde_json::json;
use suture_engine::engine::CloseError;
use suture_engine::{Engine, ShownIncident};
use suture_journal::{ListedIncident, NameError};

use super::Answer;
use crate::failure::Failure;
use crate::name::Name;
use crate::right::{Caller, Deed};

pub(super) async fn show(State(engine): State<Engine>, Name(id): Name) -> Answer {
    let journal = engine.journal();
    let incident = journal.incident_called(&id).await?;
    let outcome = match incident.runs.last() {
        Some(last) => journal.run(last).await.ok().flatten().and_then(|run| run.outcome),
        None => None,
    };
    Ok(Json(json!(ShownIncident::of(&engine, ListedIncident::new(incident, outcome)))))
}

/// Close an incident, whatever its alert does.
pub(crate) async fn close(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(id): Name,
) -> Answer {
    let incident = engine.journal().incident_called(&id).await?;
    engine.close(&incident.id, caller.name()).await.map_err(|error| match &error {
        CloseError::NotFound => Failure::not_found(error.to_string()),
        CloseError::Over | CloseError::AtWork(_) => {
            Failure::new(StatusCode::CONFLICT, "conflict", error.to_string())
        }
        CloseError::Unavailable(_) => Failure::unavailable(error.to_string()),
    })?;
    caller.did_to("close", &Deed::of_incident(&incident));
    Ok(Json(json!({"incident": incident.id, "closed": true})))
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        match &error {
            NameError::Unknown { .. } | NameError::Incident { .. } | NameError::Run { .. } => {
                Self::not_found(error.to_string())
            }
            NameError::Ambiguous { .. } => Self::new(StatusCode::CONFLICT, "ambiguous", error.to_string()),
            NameError::Journal(_) => Self::internal(error.to_string()),
        }
    }
}
