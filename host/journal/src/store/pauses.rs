//! Pauses in the journal.

use rusqlite::{Connection, params};
use suture_core::Timestamp;

use super::Journal;
use super::row::parse;
use super::seal::{Seal, verify};
use super::select::{Legible, bytes, legible};
use crate::error::JournalError;
use crate::pause::PauseRecord;

/// The table, in messages.
const TABLE: &str = "pauses";

impl Journal {
    /// What is paused. One that can't be read any more is among them, as one that only a person
    /// ends: damage must not set a host to work that somebody stopped.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn pauses(&self) -> Result<Vec<PauseRecord>, JournalError> {
        let found = self.read(all).await?;
        Ok(self.legible(found))
    }
}

fn all(connection: &Connection) -> rusqlite::Result<Legible<PauseRecord>> {
    let mut select = connection.prepare_cached("SELECT policy, crc, record FROM pauses ORDER BY policy")?;
    let mut rows = select.query([])?;
    let mut found = Legible::new();
    while let Some(row) = rows.next()? {
        let policy = String::from_utf8_lossy(bytes(row, "policy")?).into_owned();
        let pause = read(&policy, row);
        if let Err(damage) = &pause {
            found.add(Ok(unreadable(&policy, damage)));
        }
        found.add(pause);
    }
    Ok(found)
}

fn read(policy: &str, row: &rusqlite::Row<'_>) -> Result<PauseRecord, String> {
    legible(TABLE, policy, || {
        let record = bytes(row, "record")?;
        let verified = verify(TABLE, policy, row.get("crc")?, Seal::of_content(policy, record));
        Ok(verified.and_then(|()| parse(TABLE, policy, record)))
    })
}

fn unreadable(policy: &str, damage: &str) -> PauseRecord {
    PauseRecord {
        policy: Some(policy.to_owned()).filter(|policy| !policy.is_empty()),
        who: "suture".to_owned(),
        reason: format!("somebody paused it, and the record of that is damaged: {damage}"),
        since: Timestamp::UNIX_EPOCH,
        until: None,
        drain: None,
    }
}

/// What is wrong with any of them.
pub(super) fn damage(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    Ok(all(connection)?.damaged)
}

/// Write one; or that there is none any more.
pub(super) fn write(connection: &Connection, policy: &str, record: Option<&str>) -> rusqlite::Result<()> {
    match record {
        Some(record) => {
            let sql = "INSERT OR REPLACE INTO pauses (policy, crc, record) VALUES (?, ?, ?)";
            let crc = Seal::of_content(policy, record.as_bytes());
            connection.prepare_cached(sql)?.execute(params![policy, crc, record])?
        }
        None => connection.prepare_cached("DELETE FROM pauses WHERE policy = ?")?.execute([policy])?,
    };
    Ok(())
}
