//! Who watches a run while it is at work.

use suture_core::Prepared;

use crate::entry::Entry;

/// Sees a run's record as it is written: for timelines that are read live, for
/// metrics, and for what the run's state is. Called between two effects, so it must
/// not take long.
pub trait Observer: Send + Sync {
    /// An entry was added. One that is [lazy](crate::Durability::Lazy) may not be on
    /// disk yet.
    fn entry(&self, entry: &Entry) {
        let _ = entry;
    }

    /// The run has to wait for a place among those that are worked on, or has one.
    fn crowded(&self, is_crowded: bool) {
        let _ = is_crowded;
    }

    /// The run can't go on because its journal can't be written or read, or it goes on.
    fn suspended(&self, is_suspended: bool) {
        let _ = is_suspended;
    }

    /// The run begins to wait (a wait, a sleep, a lock), or goes on.
    fn waiting(&self, on: Option<&Prepared>) {
        let _ = on;
    }
}
