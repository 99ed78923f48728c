//! Finding one incident or run by what people call it.

use rusqlite::Connection;
use suture_core::names::shortened;
use suture_core::{IncidentId, RunId};

use super::Journal;
use super::select::Table;
use crate::error::JournalError;
use crate::record::{IncidentRecord, RunRecord};

/// Ids that an error lists.
const LISTED: usize = 3;

/// Why no one record is called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is none.
    #[error("there is no {what} `{}`", shortened(.name))]
    Unknown {
        /// `run`, `incident`.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// There are several.
    #[error("`{name}` is the beginning or the end of more than one {what}: {}; write more of it", ids.join(", "))]
    Ambiguous {
        /// `run`, `incident`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// Some of them.
        ids: Vec<String>,
    },
    /// It is an incident, where a run is asked for.
    #[error("`{name}` is an incident, and a run is wanted; {}", match runs.as_slice() {
        [] => "it has had none".to_owned(),
        runs => format!("its runs, newest first: {}", runs.join(", ")),
    })]
    Incident {
        /// What was asked for.
        name: String,
        /// Its runs, newest first.
        runs: Vec<String>,
    },
    /// It is a run, where an incident is asked for.
    #[error("`{name}` is a run, and an incident is wanted; its incident is {incident}")]
    Run {
        /// What was asked for.
        name: String,
        /// Its incident.
        incident: String,
    },
    /// The journal can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Journal {
    /// The run with an id; or the only one whose id ends so, or begins so.
    ///
    /// # Errors
    /// Why there is no such one.
    pub async fn run_called(&self, name: &str) -> Result<RunRecord, NameError> {
        if let Some(run) = self.find_run(name).await? {
            return Ok(run);
        }
        let name = shortened(name).to_string();
        match self.find_incident(&name).await {
            Ok(Some(incident)) => {
                let runs = incident.runs.iter().rev().map(ToString::to_string).collect();
                Err(NameError::Incident { name, runs })
            }
            _ => Err(NameError::Unknown { what: "run", name }),
        }
    }

    /// The incident with an id; or the only one whose id ends so, or begins so.
    ///
    /// # Errors
    /// Why there is no such one.
    pub async fn incident_called(&self, name: &str) -> Result<IncidentRecord, NameError> {
        if let Some(incident) = self.find_incident(name).await? {
            return Ok(incident);
        }
        let name = shortened(name).to_string();
        match self.find_run(&name).await {
            Ok(Some(run)) => Err(NameError::Run { name, incident: run.incident.to_string() }),
            _ => Err(NameError::Unknown { what: "incident", name }),
        }
    }

    async fn find_run(&self, name: &str) -> Result<Option<RunRecord>, NameError> {
        if let Some(run) = self.run(&RunId::new(name)).await? {
            return Ok(Some(run));
        }
        match self.only_one(Table::Runs, "run", name).await? {
            Some(id) => Ok(self.run(&RunId::new(id)).await?),
            None => Ok(None),
        }
    }

    async fn find_incident(&self, name: &str) -> Result<Option<IncidentRecord>, NameError> {
        if let Some(incident) = self.incident(&IncidentId::new(name)).await? {
            return Ok(Some(incident));
        }
        match self.only_one(Table::Incidents, "incident", name).await? {
            Some(id) => Ok(self.incident(&IncidentId::new(id)).await?),
            None => Ok(None),
        }
    }

    async fn only_one(
        &self,
        table: Table,
        what: &'static str,
        name: &str,
    ) -> Result<Option<String>, NameError> {
        let part = name.to_ascii_lowercase();
        let is_part = (1..=26).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_part {
            return Ok(None);
        }
        let mut ids = self.read(move |connection| ids(connection, table, &part)).await?;
        match ids.len() {
            0 | 1 => Ok(ids.pop()),
            count => {
                ids.truncate(LISTED);
                if count > LISTED {
                    ids.push("…".to_owned());
                }
                Err(NameError::Ambiguous { what, name: name.to_owned(), ids })
            }
        }
    }
}

/// Some ids that begin or end so, those that end so first. The index of ids is all that is read.
fn ids(connection: &Connection, table: Table, part: &str) -> rusqlite::Result<Vec<String>> {
    let table = table.name();
    let sql = format!(
        "SELECT id FROM (SELECT id FROM {table} WHERE substr(id, -length(?1)) = ?1 LIMIT {most})
         UNION SELECT id FROM (SELECT id FROM {table} WHERE id >= ?1 AND id < ?1 || '~' LIMIT {most}) LIMIT {most}",
        most = LISTED + 1
    );
    let mut select = connection.prepare_cached(&sql)?;
    let found = select.query_map([part], |row| row.get(0))?;
    found.collect()
}
