//! Incidents, runs and the like, a page at a time.

use axum::Json;
use axum::extract::{Query, RawQuery, State};
use axum::http::{StatusCode, Uri};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use suture_core::Timestamp;
use suture_engine::{Engine, ShownIncident};
use suture_journal::{Filter, JournalError, Page};

use super::Answer;
use crate::failure::Failure;

/// A page of a list, as of a time.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
pub(super) struct List<T> {
    #[serde(flatten)]
    page: Page<T>,
    /// What time it is to the host: what ages count from.
    now: Timestamp,
}

pub(super) async fn incidents(State(engine): State<Engine>, RawQuery(asked): RawQuery) -> Answer {
    let filter = filter(asked, Filter::check_for_incidents)?;
    let found = engine.journal().list_incidents(filter).await;
    list(&engine, found.map(|page| page.map(|incident| ShownIncident::of(&engine, incident))))
}

pub(super) async fn runs(State(engine): State<Engine>, RawQuery(asked): RawQuery) -> Answer {
    let filter = filter(asked, Filter::check_for_runs)?;
    list(&engine, engine.journal().list_runs(filter).await)
}

/// What is asked for. An empty parameter asks for nothing in particular.
pub(crate) fn filter<F: DeserializeOwned>(
    asked: Option<String>,
    check: impl Fn(&F) -> Result<(), String>,
) -> Result<F, Failure> {
    let bad = |message: String| Failure::new(StatusCode::BAD_REQUEST, "badRequest", message);
    let asked = asked.unwrap_or_default();
    let is_given = |pair: &&str| pair.split_once('=').is_none_or(|(_, value)| !value.is_empty());
    let given: Vec<&str> = asked.split('&').filter(is_given).collect();
    let uri: Uri =
        format!("/?{}", given.join("&")).parse().map_err(|_| bad("the query is none".to_owned()))?;
    let Query(filter) = Query::<F>::try_from_uri(&uri).map_err(|error| bad(error.body_text()))?;
    check(&filter).map_err(bad)?;
    Ok(filter)
}

pub(super) fn list<T: Serialize>(engine: &Engine, page: Result<Page<T>, JournalError>) -> Answer {
    let mut page = page.map_err(|error| Failure::internal(error.to_string()))?;
    for damaged in std::mem::take(&mut page.damaged) {
        tracing::error!(damaged, "a row of the journal can't be read");
    }
    Ok(Json(json!(List { page, now: engine.now() })))
}
