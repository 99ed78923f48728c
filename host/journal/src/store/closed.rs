//! What is over, and how it leaves.

use rusqlite::{Connection, Row, params};

use super::select::Table;
use super::tally::{self, Changes, Tallies};

/// Runs, or incidents, that leave in one transaction: what is to be written meanwhile
/// waits no longer than that takes.
pub(super) const BATCH: usize = 50;
/// Bytes after which a transaction takes in no more of them.
pub(super) const BATCH_BYTES: i64 = 8 << 20;

/// A run that has ended, or an incident that is closed and has no run left.
struct Closed {
    table: Table,
    place: i64,
    id: String,
    policy: String,
    at: i64,
    bytes: i64,
}

const RUNS: &str = "SELECT place, id, policy, ended_at AS at,
    octet_length(record) + coalesce(octet_length(packed_header), octet_length(header), 0) AS bytes FROM runs WHERE state = 'ended'";

const INCIDENTS: &str =
    "SELECT place, id, policy, closed_at AS at, octet_length(record) AS bytes FROM incidents";

impl Closed {
    fn of(table: Table, row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            table,
            place: row.get("place")?,
            id: row.get("id")?,
            policy: row.get("policy")?,
            at: row.get("at")?,
            bytes: row.get("bytes")?,
        })
    }

    /// Delete it, with the entries of a run (ON DELETE CASCADE); how many bytes that were.
    fn delete(&self, connection: &Connection) -> rusqlite::Result<i64> {
        let entries = match self.table {
            Table::Incidents => 0,
            Table::Runs => connection
                .prepare_cached("SELECT coalesce(sum(octet_length(body)), 0) FROM entries WHERE run = ?")?
                .query_row([&self.id], |row| row.get::<_, i64>(0))?,
        };
        let sql = format!("DELETE FROM {} WHERE place = ?", self.table.name());
        connection.prepare_cached(&sql)?.execute([self.place])?;
        Ok(self.bytes + entries)
    }
}

/// Runs that ended before a time and stand before a place, the oldest first.
pub(super) fn runs_before(
    connection: &mut Connection,
    tallies: &mut Tallies,
    time: i64,
    place: i64,
) -> rusqlite::Result<usize> {
    let sql = format!("{RUNS} AND ended_at < ?1 AND place < ?2 ORDER BY ended_at LIMIT ?3");
    let found = {
        let mut select = connection.prepare_cached(&sql)?;
        select
            .query_map(params![time, place, BATCH as i64], |row| Closed::of(Table::Runs, row))?
            .collect::<Result<Vec<_>, _>>()?
    };
    delete(connection, tallies, &found, BATCH_BYTES)
}

/// Incidents that were closed before a time and have no run left.
pub(super) fn incidents_before(
    connection: &mut Connection,
    tallies: &mut Tallies,
    time: i64,
) -> rusqlite::Result<usize> {
    let sql = format!(
        "{INCIDENTS} WHERE closed_at < ?1 AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.incident = incidents.id)
         ORDER BY closed_at LIMIT ?2"
    );
    let found = {
        let mut select = connection.prepare_cached(&sql)?;
        select
            .query_map(params![time, BATCH as i64], |row| Closed::of(Table::Incidents, row))?
            .collect::<Result<Vec<_>, _>>()?
    };
    delete(connection, tallies, &found, BATCH_BYTES)
}

/// Some of what is over, the oldest first, of the policy that holds the most and has any: about
/// so many bytes. The policy; none where nothing is over.
pub(super) fn oldest_of_the_largest(
    connection: &mut Connection,
    tallies: &mut Tallies,
    bytes: i64,
) -> rusqlite::Result<Option<String>> {
    for policy in tallies.largest_first() {
        let found = oldest_of(connection, &policy)?;
        if !found.is_empty() {
            delete(connection, tallies, &found, bytes)?;
            return Ok(Some(policy));
        }
    }
    Ok(None)
}

fn oldest_of(connection: &Connection, policy: &str) -> rusqlite::Result<Vec<Closed>> {
    let runs = format!("{RUNS} AND policy = ?1 AND ended_at IS NOT NULL ORDER BY ended_at LIMIT ?2");
    // Of those that still have a run, that is older, and leaves first.
    let incidents = format!(
        "SELECT * FROM ({INCIDENTS} WHERE policy = ?1 AND closed_at IS NOT NULL ORDER BY closed_at LIMIT ?2) AS closed
         WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.incident = closed.id)"
    );
    let mut found = Vec::new();
    for (table, sql) in [(Table::Runs, runs), (Table::Incidents, incidents)] {
        let mut select = connection.prepare_cached(&sql)?;
        let rows = select.query_map(params![policy, BATCH as i64], |row| Closed::of(table, row))?;
        for row in rows {
            found.push(row?);
        }
    }
    found.sort_by_key(|closed| closed.at);
    found.truncate(BATCH);
    Ok(found)
}

/// Delete as many as one transaction takes in; how many those are.
fn delete(
    connection: &mut Connection,
    tallies: &mut Tallies,
    found: &[Closed],
    most: i64,
) -> rusqlite::Result<usize> {
    let transaction = connection.transaction()?;
    let mut changes = Changes::default();
    let (mut bytes, mut count) = (0, 0);
    for closed in found {
        if bytes >= most {
            break;
        }
        let deleted = closed.delete(&transaction)?;
        changes.add(tally::BYTES, &closed.policy, -deleted);
        bytes += deleted;
        count += 1;
    }
    tallies.write(&transaction, &changes)?;
    transaction.commit()?;
    tallies.apply(changes);
    Ok(count)
}
