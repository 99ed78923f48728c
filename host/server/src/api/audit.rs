//! The audit trail, a page at a time.

use axum::extract::{RawQuery, State};
use suture_engine::Engine;
use suture_journal::AuditFilter;

use super::Answer;
use super::lists;

pub(super) async fn list(State(engine): State<Engine>, RawQuery(asked): RawQuery) -> Answer {
    let filter = lists::filter(asked, AuditFilter::check)?;
    lists::list(&engine, engine.journal().audit(filter).await)
}
