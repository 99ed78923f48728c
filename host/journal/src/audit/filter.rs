//! Which rows of the trail, a page at a time.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use suture_core::Timestamp;

use super::ActOutcome;
use crate::page::{Filter, one_of, place};
use crate::since::Since;

/// Which rows of the audit trail, newest first unless asked otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AuditFilter {
    /// Only what this person did.
    pub who: Option<String>,
    /// Only acts of this kind: `pause`, `start`, …
    pub what: Option<String>,
    /// Only what came to this: `done`, `refused`, `failed`, `unknown`.
    pub outcome: Option<String>,
    /// Only what was done since then: an RFC 3339 time, or how long ago (`2h`).
    pub since: Option<Since>,
    /// `true`: the oldest first, as they are chained.
    pub oldest_first: Option<bool>,
    /// How many at most: 100 where absent or 0, at most 1000.
    pub limit: Option<usize>,
    /// Where the page begins: the `next` of the one before.
    pub after: Option<String>,
}

impl AuditFilter {
    /// How many this page has at most.
    pub fn page_size(&self) -> usize {
        Filter { limit: self.limit, ..Filter::default() }.page_size()
    }

    /// That all of it can be looked for.
    ///
    /// # Errors
    /// Which value is none that exists, and which do.
    pub fn check(&self) -> Result<(), String> {
        one_of("outcome", self.outcome.as_deref(), &ActOutcome::ALL.map(ActOutcome::as_str))?;
        self.place().map(drop)
    }

    /// The number of the row after which the page begins.
    pub(crate) fn place(&self) -> Result<Option<i64>, String> {
        self.after.as_deref().map(place).transpose()
    }

    /// Whether a row is one of these. One that does not say when it was written is not left out.
    pub(crate) fn admits(&self, row: &Map<String, Value>, now: Timestamp) -> bool {
        let is = |field: &str, wanted: &Option<String>| {
            wanted.as_deref().is_none_or(|wanted| row.get(field).and_then(Value::as_str) == Some(wanted))
        };
        let at = || row.get("at").and_then(Value::as_str)?.parse::<Timestamp>().ok();
        let is_late = self.since.is_none_or(|since| at().is_none_or(|at| at >= since.at(now)));
        is("who", &self.who) && is("what", &self.what) && is("outcome", &self.outcome) && is_late
    }
}
