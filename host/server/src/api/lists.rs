//! Policies, incidents and runs.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use suture_core::IncidentId;
use suture_engine::{Engine, WaitingFor};
use suture_journal::{Filter, IncidentRecord, JournalError, Page};

use super::Answer;
use crate::failure::Failure;
use crate::name::Name;

pub(super) type Asked = Result<Query<Filter>, axum::extract::rejection::QueryRejection>;

/// An empty parameter asks for nothing in particular.
fn filter(asked: Asked) -> Result<Filter, Failure> {
    let bad = |message: String| Failure::new(StatusCode::BAD_REQUEST, "badRequest", message);
    let Query(mut filter) = asked.map_err(|error| bad(error.body_text()))?;
    for parameter in [&mut filter.policy, &mut filter.state, &mut filter.after] {
        if parameter.as_deref() == Some("") {
            *parameter = None;
        }
    }
    filter.place().map_err(bad)?;
    Ok(filter)
}

fn page<T: Serialize>(page: Result<Page<T>, JournalError>) -> Answer {
    let page = page.map_err(|error| Failure::internal(error.to_string()))?;
    for damaged in &page.damaged {
        tracing::error!(damaged, "a row of the journal can't be read");
    }
    Ok(Json(json!({"items": page.items, "next": page.next})))
}

pub(super) async fn incidents(State(engine): State<Engine>, asked: Asked) -> Answer {
    let found = engine.journal().incidents(filter(asked)?).await;
    page(found.map(|page| Page {
        items: page.items.into_iter().map(|incident| shown(&engine, incident)).collect(),
        next: page.next,
        damaged: page.damaged,
    }))
}

/// An incident, and what it waits for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    incident: IncidentRecord,
    waiting_for: Option<WaitingFor>,
}

fn shown(engine: &Engine, incident: IncidentRecord) -> Shown {
    Shown { waiting_for: engine.waiting_for(&incident), incident }
}

pub(super) async fn runs(State(engine): State<Engine>, asked: Asked) -> Answer {
    page(engine.journal().runs(filter(asked)?).await)
}

pub(super) async fn incident(State(engine): State<Engine>, Name(id): Name) -> Answer {
    let found = engine.journal().incident(&IncidentId::new(id.clone())).await;
    match found.map_err(|error| Failure::internal(error.to_string()))? {
        Some(incident) => Ok(Json(json!(shown(&engine, incident)))),
        None => {
            Err(Failure::not_found(format!("there is no incident `{}`", suture_core::names::shortened(&id))))
        }
    }
}
