//! Numbers that would cost a look at all rows, kept with each change instead.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, params};

use super::seal::Seal;

/// Bytes of a policy's incidents, runs and their entries.
pub(super) const BYTES: &str = "bytes";
/// A policy's runs that have not ended.
pub(super) const RUNS: &str = "runs";
/// Stands there since all was counted.
const COUNTED: &str = "counted";

/// What is counted (one of the above, or the state of open incidents), and of which policy.
type Key = (String, String);

/// What a transaction changes.
#[derive(Debug, Default)]
pub(super) struct Changes(HashMap<Key, i64>);

impl Changes {
    pub fn add(&mut self, what: &str, policy: &str, number: i64) {
        if number != 0 {
            *self.0.entry((what.to_owned(), policy.to_owned())).or_default() += number;
        }
    }
}

/// All numbers, as they are on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tallies(BTreeMap<Key, i64>);

/// What an earlier version did not count: number, what, and policy of each row.
const COUNTS: [&str; 5] = [
    "SELECT count(*), state, policy FROM incidents WHERE closed_at IS NULL GROUP BY state, policy",
    "SELECT count(*), 'runs', policy FROM runs WHERE ended_at IS NULL GROUP BY policy",
    "SELECT sum(octet_length(record)), 'bytes', policy FROM incidents GROUP BY policy",
    "SELECT sum(octet_length(record) + coalesce(octet_length(packed_header), octet_length(header), 0)), 'bytes', policy
     FROM runs GROUP BY policy",
    "SELECT sum(bytes), 'bytes', policy FROM
     (SELECT run, sum(octet_length(body)) AS bytes FROM entries GROUP BY run) JOIN runs ON runs.id = run
     GROUP BY policy",
];

impl Tallies {
    /// Read them; none where they are missing or damaged.
    pub fn read(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        let mut found = BTreeMap::new();
        let mut select = connection.prepare_cached("SELECT what, policy, number, crc FROM tallies")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (what, policy): (String, String) = (row.get(0)?, row.get(1)?);
            let number = row.get(2)?;
            if row.get::<_, u32>(3)? != Seal::of_tally(&what, &policy, number) {
                return Ok(None);
            }
            found.insert((what, policy), number);
        }
        let was_counted = found.remove(&(COUNTED.to_owned(), String::new())).is_some();
        Ok(was_counted.then_some(Self(found)))
    }

    /// Look at all rows, and write down how many there are. What damage hides counts for nothing.
    pub fn count(connection: &mut Connection) -> rusqlite::Result<Self> {
        let transaction = connection.transaction()?;
        let mut changes = Changes::default();
        for sql in COUNTS {
            let add = |changes: &mut Changes| -> rusqlite::Result<()> {
                let mut select = transaction.prepare(sql)?;
                let mut rows = select.query([])?;
                while let Some(row) = rows.next()? {
                    changes.add(row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?, row.get(0)?);
                }
                Ok(())
            };
            if let Err(error) = add(&mut changes) {
                tracing::warn!(%error, "what the journal holds can't be counted");
            }
        }
        let mut counted = Self::default();
        transaction.execute("DELETE FROM tallies", [])?;
        changes.add(COUNTED, "", 1);
        counted.write(&transaction, &changes)?;
        transaction.commit()?;
        counted.apply(changes);
        counted.0.remove(&(COUNTED.to_owned(), String::new()));
        Ok(counted)
    }

    /// Write what they become by these changes, within their transaction.
    pub fn write(&self, connection: &Connection, changes: &Changes) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO tallies (what, policy, number, crc) VALUES (?, ?, ?, ?)";
        let mut write = connection.prepare_cached(sql)?;
        for (key, change) in changes.0.iter().filter(|(_, change)| **change != 0) {
            let number = self.0.get(key).copied().unwrap_or_default().saturating_add(*change);
            let (what, policy) = key;
            write.execute(params![what, policy, number, Seal::of_tally(what, policy, number)])?;
        }
        Ok(())
    }

    /// These changes are on disk.
    pub fn apply(&mut self, changes: Changes) {
        for (key, change) in changes.0 {
            *self.0.entry(key).or_default() += change;
        }
    }

    /// How many there are of something, all policies together.
    pub fn all(&self, what: &str) -> i64 {
        self.0.iter().filter(|((of, _), _)| of == what).map(|(_, number)| number).sum()
    }

    /// What there is of each policy, and how many.
    pub fn each(&self) -> impl Iterator<Item = (&str, &str, i64)> {
        self.0.iter().map(|((what, policy), number)| (what.as_str(), policy.as_str(), *number))
    }

    /// The policies, those that hold the most bytes first.
    pub fn largest_first(&self) -> Vec<String> {
        let mut all: Vec<_> = self.each().filter(|(what, ..)| *what == BYTES).collect();
        all.sort_by_key(|(.., bytes)| std::cmp::Reverse(*bytes));
        all.into_iter().map(|(_, policy, _)| policy.to_owned()).collect()
    }
}
