//! The rows of an audit trail.

use serde_json::Value;
use suture_journal::AuditFilter;

use super::{Listed, Records};
use crate::error::CliError;

impl Records {
    /// A page of rows.
    ///
    /// # Errors
    /// Where they can't be read.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Listed<Value>, CliError> {
        match self {
            Self::Journal(journal, path) => {
                filter.check().map_err(CliError::usage)?;
                Listed::read(journal.audit(filter.clone()).await, path)
            }
            Self::Server(server) => server.get("/api/v1/audit", &query(filter)).await,
        }
    }
}

/// A filter as the API takes it.
fn query(filter: &AuditFilter) -> Vec<(&'static str, String)> {
    let given = [
        ("who", filter.who.clone()),
        ("what", filter.what.clone()),
        ("outcome", filter.outcome.clone()),
        ("since", filter.since.map(|since| since.to_string())),
        ("oldestFirst", filter.oldest_first.map(|oldest| oldest.to_string())),
        ("limit", filter.limit.map(|limit| limit.to_string())),
        ("after", filter.after.clone()),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
