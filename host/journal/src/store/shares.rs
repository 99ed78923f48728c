//! How many bytes of the journal belong to each policy.

use std::collections::BTreeMap;

use rusqlite::Connection;

/// Bytes of incidents, runs and their entries, by policy. Summed up once, when the journal is
/// opened, and kept from then on: no question looks at all rows again.
#[derive(Debug, Default)]
pub(super) struct Shares(BTreeMap<String, u64>);

/// Each gives policies and their bytes.
const SUMS: [&str; 3] = [
    "SELECT policy, sum(octet_length(record)) FROM incidents GROUP BY policy",
    "SELECT policy, sum(octet_length(record) + coalesce(octet_length(header), 0)) FROM runs GROUP BY policy",
    "SELECT policy, sum(bytes) FROM (SELECT run, sum(octet_length(body)) AS bytes FROM entries GROUP BY run)
     JOIN runs ON runs.id = run GROUP BY policy",
];

impl Shares {
    /// Sum up. What damage hides counts for nothing.
    pub fn of(connection: &Connection) -> Self {
        let mut shares = Self::default();
        for sum in SUMS {
            let add = |shares: &mut Self| -> rusqlite::Result<()> {
                let mut select = connection.prepare(sum)?;
                let mut rows = select.query([])?;
                while let Some(row) = rows.next()? {
                    shares.change(row.get_ref(0)?.as_str().unwrap_or_default(), row.get(1)?);
                }
                Ok(())
            };
            if let Err(error) = add(&mut shares) {
                tracing::warn!(%error, "what policies hold in the journal can't be summed up");
            }
        }
        shares
    }

    /// A policy holds so many bytes more, or fewer.
    pub fn change(&mut self, policy: &str, bytes: i64) {
        match self.0.get_mut(policy) {
            Some(held) => *held = held.saturating_add_signed(bytes),
            None => drop(self.0.insert(policy.to_owned(), bytes.try_into().unwrap_or_default())),
        }
    }

    /// The policies, those that hold the most first.
    pub fn largest_first(&self) -> Vec<String> {
        let mut all: Vec<(&String, &u64)> = self.0.iter().collect();
        all.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
        all.into_iter().map(|(policy, _)| policy.clone()).collect()
    }

    #[cfg(test)]
    pub fn all(&self) -> &BTreeMap<String, u64> {
        &self.0
    }
}
