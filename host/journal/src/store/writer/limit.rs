//! Keeping the journal within its limit.

use std::sync::atomic::Ordering;

use super::Thread;
use crate::store::error::explain;
use crate::store::room::{self, Room};
use crate::store::{closed, prune, wal};

impl Thread {
    /// Look how much of the limit is used, and whether something is to be done about it.
    pub(super) fn measure(&mut self) {
        let pages = room::pages(&self.connection);
        self.measured(pages);
    }

    /// So many bytes of pages are used, and free.
    pub(super) fn measured(&mut self, pages: rusqlite::Result<(u64, u64)>) {
        let Ok((held, free)) = pages else { return };
        let log = wal::beside(&self.shared.path).metadata().map_or(0, |found| found.len());
        let room = self.shared.gauge.note(held.saturating_add(log));
        // A reader that keeps the log from being folded in costs room, and no run its record.
        let usual = log.min(self.shared.gauge.log_bytes());
        self.log_bytes = log;
        let Some(max) = room.max else { return };
        let lasting = Room { used: held.saturating_add(usual), ..room };
        if lasting.is_to_be_pruned()
            && !self.shared.nothing_is_over.load(Ordering::Acquire)
            && !self.is_making_room
        {
            self.is_making_room = true;
            tracing::warn!(
                "the journal nears `storage.maxSize`: the oldest closed runs are removed before their time"
            );
        }
        self.is_making_room &= lasting.is_scarce();
        let was_shrinking = self.is_shrinking;
        self.is_shrinking = free > 0 && held.saturating_add(free).saturating_add(usual) > max;
        if was_shrinking && !self.is_shrinking {
            wal::fold(&mut self.connection);
        }
    }

    /// Remove some of what is over. What is to be written meanwhile waits for no more than that.
    pub(super) fn make_room(&mut self) {
        let bytes = self.shared.gauge.batch_bytes();
        let mut tallies = self.shared.tallies.lock();
        let removed = closed::oldest_of_the_largest(&mut self.connection, &mut tallies, bytes);
        drop(tallies);
        match removed {
            Ok(Some(policy)) => {
                tracing::debug!(policy, "its oldest closed runs are removed from the journal")
            }
            Ok(None) => {
                self.shared.nothing_is_over.store(true, Ordering::Release);
                self.is_making_room = false;
            }
            Err(error) => {
                let error = explain(&self.shared.path, "written", error);
                self.tell(&error);
                // With the next commit it is tried again.
                self.is_making_room = false;
            }
        }
    }

    /// Give free pages back to the disk: the limit was lowered.
    pub(super) fn shrink(&mut self) {
        if !prune::vacuum(&mut self.connection).unwrap_or(false) {
            self.is_shrinking = false;
            wal::fold(&mut self.connection);
        }
    }
}
