//! What a run did in an earlier process.

use std::collections::BTreeSet;

use suture_core::{Effect, Reply, Timestamp};
use suture_journal::{Call, Entry};

use crate::locks::{Held, Locks};

/// What a run did in an earlier process: enough to go on where that ended.
pub struct Past {
    /// Its record.
    pub entries: Vec<Entry>,
    /// When it began: its deadline counts from there.
    pub started_at: Timestamp,
    /// The locks that it holds, by the names that its policy gave them.
    pub locks: Vec<(String, Held)>,
}

impl Past {
    /// The past of a run of a policy. Its locks are taken at once, before any run can ask
    /// for them that did not hold them.
    pub fn new(entries: Vec<Entry>, started_at: Timestamp, policy: &str, locks: &Locks) -> Self {
        let locks = names(&entries)
            .into_iter()
            .filter_map(|name| Some((name.clone(), locks.try_acquire(format!("{policy}/{name}"))?)))
            .collect();
        Self { entries, started_at, locks }
    }

    /// Whether it began to change anything.
    pub fn has_changes(&self) -> bool {
        let mut calls = Call::all(&self.entries).into_iter();
        calls.any(|call| call.prepared.is_some_and(|prepared| prepared.effect.is_mutation()))
    }
}

/// The locks that a record says are held.
fn names(entries: &[Entry]) -> BTreeSet<String> {
    let calls = Call::all(entries).into_iter();
    let held = calls.filter_map(|call| match (call.effect(), call.reply()) {
        (Effect::Exclusive { name, .. }, Some(Reply::Held)) => Some(name.clone()),
        _ => None,
    });
    held.collect()
}
