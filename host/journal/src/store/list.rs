//! Lists for people: filtered, a page at a time, whatever the journal holds.

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use suture_core::{IncidentId, RunId, Timestamp};

use super::Journal;
use super::select::{Legible, Table, bytes, record, record_of};
use crate::error::JournalError;
use crate::listed::{ListedIncident, ListedRun};
use crate::page::{Filter, Page};
use crate::record::{IncidentRecord, RunRecord, RunState};

/// Bytes of records after which a page takes in no more.
const PAGE_BYTES: usize = 4 << 20;
/// Rows that are looked at for a page where no index finds those that are wanted.
const LOOKED_AT: usize = 10_000;

impl Journal {
    /// Incidents, newest first.
    ///
    /// # Errors
    /// When the journal can't be read, or `after` is not the `next` of a page.
    pub async fn incidents(&self, filter: Filter) -> Result<Page<IncidentRecord>, JournalError> {
        let page = self.incidents_with(filter, Joins::Wanted).await?;
        Ok(page.map(|listed| listed.incident))
    }

    /// Runs, newest first.
    ///
    /// # Errors
    /// When the journal can't be read, or `after` is not the `next` of a page.
    pub async fn runs(&self, filter: Filter) -> Result<Page<RunRecord>, JournalError> {
        let page = self.runs_with(filter, Joins::Wanted).await?;
        Ok(page.map(|listed| listed.run))
    }

    /// Incidents with what they are about, newest first.
    ///
    /// # Errors
    /// When the journal can't be read, or `after` is not the `next` of a page.
    pub async fn list_incidents(&self, filter: Filter) -> Result<Page<ListedIncident>, JournalError> {
        self.incidents_with(filter, Joins::All).await
    }

    /// Runs with what they are about, newest first.
    ///
    /// # Errors
    /// When the journal can't be read, or `after` is not the `next` of a page.
    pub async fn list_runs(&self, filter: Filter) -> Result<Page<ListedRun>, JournalError> {
        self.runs_with(filter, Joins::All).await
    }

    async fn incidents_with(
        &self,
        filter: Filter,
        joins: Joins,
    ) -> Result<Page<ListedIncident>, JournalError> {
        let (place, now) = (filter.place().map_err(JournalError::NoSuchPage)?, self.0.clock.now());
        let list = move |connection: &Connection| {
            page(connection, Table::Incidents, &filter, place, now, |row| {
                Ok(match record_of::<IncidentRecord>(Table::Incidents, row) {
                    Err(damage) => Some(Err(damage)),
                    Ok(incident) => {
                        let last = incident.runs.last().filter(|_| joins.need(&filter.outcome)).cloned();
                        let outcome = outcome(connection, last)?;
                        let listed = ListedIncident::new(incident, outcome);
                        listed.is_wanted(&filter).then_some(Ok(listed))
                    }
                })
            })
        };
        self.read(list).await
    }

    async fn runs_with(&self, filter: Filter, joins: Joins) -> Result<Page<ListedRun>, JournalError> {
        let (place, now) = (filter.place().map_err(JournalError::NoSuchPage)?, self.0.clock.now());
        let list = move |connection: &Connection| {
            page(connection, Table::Runs, &filter, place, now, |row| {
                Ok(match record_of::<RunRecord>(Table::Runs, row) {
                    Err(damage) => Some(Err(damage)),
                    Ok(run) => {
                        let is_needed = joins.need(&filter.namespace) || filter.state.is_some();
                        let of = Some(&run.incident).filter(|_| is_needed).cloned();
                        let listed = ListedRun::new(run, incident(connection, of)?);
                        listed.is_wanted(&filter).then_some(Ok(listed))
                    }
                })
            })
        };
        self.read(list).await
    }
}

/// What is looked up beside each row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joins {
    /// All that is shown.
    All,
    /// What the filter asks for, and no more: a host that starts reads many rows.
    Wanted,
}

impl Joins {
    fn need(self, filter: &Option<String>) -> bool {
        self == Self::All || filter.is_some()
    }
}

/// What a run came to.
fn outcome(connection: &Connection, run: Option<RunId>) -> rusqlite::Result<Option<String>> {
    let Some(run) = run else { return Ok(None) };
    let run = record::<RunRecord>(connection, Table::Runs, run.as_str())?.ok().flatten();
    Ok(run.and_then(|run| run.outcome))
}

/// An incident. One that is damaged is told of where incidents are listed.
fn incident(connection: &Connection, id: Option<IncidentId>) -> rusqlite::Result<Option<IncidentRecord>> {
    let Some(id) = id else { return Ok(None) };
    Ok(record::<IncidentRecord>(connection, Table::Incidents, id.as_str())?.ok().flatten())
}

/// As what a state stands in its column: that a run waits, its incident knows.
fn in_column(table: Table, state: &str) -> &str {
    match (table, state) {
        (Table::Runs, "waiting") => RunState::Running.as_str(),
        (Table::Runs | Table::Incidents, state) => state,
    }
}

/// A page of a table. What has an index is looked for by it; of what has none, so many rows are
/// looked at and no more.
fn page<T>(
    connection: &Connection,
    table: Table,
    filter: &Filter,
    before: i64,
    now: Timestamp,
    mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<Option<Result<T, String>>>,
) -> rusqlite::Result<Page<T>> {
    let first_id = filter.first_id(now);
    let floor = match &first_id {
        None => i64::MIN,
        Some(id) => match first_place(connection, table, id)? {
            Some(place) => place,
            None => return Ok(Page { items: Vec::new(), next: None, damaged: Vec::new() }),
        },
    };
    let mut sql = format!("SELECT {} FROM {} WHERE place < ? AND place >= ?", table.columns(), table.name());
    let mut values: Vec<&dyn ToSql> = vec![&before, &floor];
    // One of them by its index. Two would be found by the index of either, and looked for in
    // all that this has.
    let given = filter.state.as_deref().map(|state| in_column(table, state));
    let mut state = given;
    if let Some(policy) = &filter.policy {
        sql.push_str(" AND policy = ?");
        values.push(policy);
    } else if let Some(given) = &given {
        sql.push_str(" AND state = ?");
        values.push(given);
        state = None;
    }
    sql.push_str(" ORDER BY place DESC");

    let is_wanted = |row: &Row<'_>| -> rusqlite::Result<bool> {
        let is_state =
            state.is_none_or(|state| bytes(row, "state").is_ok_and(|there| there == state.as_bytes()));
        let is_later = match &first_id {
            Some(first) => bytes(row, "id")? >= first.as_bytes(),
            None => true,
        };
        let is_over = row.get::<_, Option<i64>>("ended").is_ok_and(|ended| ended.is_some());
        Ok(is_state && is_later && filter.open.is_none_or(|open| open != is_over))
    };
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    let mut found = Legible::new();
    let mut last_place = None;
    let (size, mut count, mut looked_at, mut room) = (filter.page_size(), 0, 0, PAGE_BYTES);
    while let Some(row) = rows.next()? {
        let length = bytes(row, "record")?.len();
        if count == size || looked_at == LOOKED_AT || (length > room && count > 0) {
            let next = last_place.map(|place: i64| place.to_string());
            return Ok(Page { items: found.items, next, damaged: found.damaged });
        }
        last_place = Some(row.get("place")?);
        looked_at += 1;
        if let Some(result) = if is_wanted(row)? { read(row)? } else { None } {
            count += 1;
            room = room.saturating_sub(length);
            found.add(result);
        }
    }
    Ok(Page { items: found.items, next: None, damaged: found.damaged })
}

/// The place of the first row that has an id like this, or a later one. Ids sort by time, and
/// rows come in that order.
fn first_place(connection: &Connection, table: Table, id: &str) -> rusqlite::Result<Option<i64>> {
    let sql = format!("SELECT place FROM {} WHERE id >= ? ORDER BY id LIMIT 1", table.name());
    connection.prepare_cached(&sql)?.query_row([id], |row| row.get(0)).optional()
}
