//! What a run did in an earlier process.

use std::collections::BTreeSet;

use suture_core::{Effect, Reply, Timestamp};
use suture_journal::{Answer, Body, Call, Entry};

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
        let is_change = |entry: &Entry| match &entry.body {
            Body::Intent { prepared, .. } => prepared.effect.is_mutation(),
            Body::Call { .. } | Body::Reply { .. } | Body::Kept { .. } | Body::Ended { .. } => false,
        };
        self.entries.iter().any(is_change)
    }
}

/// The locks that a record says are held.
fn names(entries: &[Entry]) -> BTreeSet<String> {
    // A record holds whole objects: what is not about a lock is not copied.
    let of_locks = entries.iter().filter(|entry| match &entry.body {
        Body::Intent { prepared, .. } => matches!(prepared.effect, Effect::Exclusive { .. }),
        Body::Reply { answer } => *answer == Answer::Ok(Reply::Held),
        Body::Call { .. } | Body::Kept { .. } | Body::Ended { .. } => false,
    });
    let calls = Call::all(of_locks).into_iter();
    let held = calls.filter_map(|call| match (call.effect(), call.reply()) {
        (Effect::Exclusive { name, .. }, Some(Reply::Held)) => Some(name.clone()),
        _ => None,
    });
    held.collect()
}
