//! Since when storms are over, because somebody resumed: a restart must not bring them back.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use suture_core::Timestamp;

use super::Journal;
use crate::error::JournalError;

impl Journal {
    /// Since when incidents count for a storm again: of policies, or (the empty name) of all.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn storms_over(&self) -> Result<BTreeMap<String, Timestamp>, JournalError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT policy, at FROM storms_over")?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut over = BTreeMap::new();
            for row in rows {
                let (policy, at): (String, i64) = row?;
                over.insert(policy, Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH));
            }
            Ok(over)
        })
        .await
    }
}

pub(super) fn write(connection: &Connection, policy: &str, at: i64) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO storms_over (policy, at) VALUES (?, ?)";
    connection.prepare_cached(sql)?.execute(params![policy, at])?;
    Ok(())
}
