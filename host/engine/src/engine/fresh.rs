//! The alerts of the notifications that were accepted last, as they were read then: most are routed
//! in the same moment, and neither read from the disk nor parsed again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use suture_core::Alert;

/// The most notifications that are kept, and the most bytes that their bodies have. What goes beyond
/// is read again, from the inbox.
const MOST: usize = 8192;
const MOST_BYTES: usize = 8 << 20;

/// Notifications, by their ids in the inbox.
#[derive(Default)]
pub(crate) struct Fresh(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    notifications: BTreeMap<i64, Notification>,
    bytes: usize,
}

struct Notification {
    bytes: usize,
    policy: Option<String>,
    alerts: Vec<Arc<Alert>>,
}

/// A notification that is being written. It is forgotten unless it is [complete](Arrival::complete).
pub(super) struct Arrival<'a> {
    fresh: &'a Fresh,
    id: i64,
    is_written: bool,
}

impl Arrival<'_> {
    pub fn complete(mut self) {
        self.is_written = true;
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        if !self.is_written {
            self.fresh.take(self.id);
        }
    }
}

impl Fresh {
    /// Keep all alerts of a notification, posted to the path of a policy, perhaps, while there is room.
    pub(super) fn keep(
        &self,
        id: i64,
        bytes: usize,
        policy: Option<&str>,
        alerts: Vec<Arc<Alert>>,
    ) -> Arrival<'_> {
        let mut kept = self.0.lock();
        if kept.notifications.len() < MOST && kept.bytes + bytes <= MOST_BYTES {
            kept.bytes += bytes;
            let policy = policy.map(str::to_owned);
            kept.notifications.insert(id, Notification { bytes, policy, alerts });
        }
        drop(kept);
        Arrival { fresh: self, id, is_written: false }
    }

    /// The notifications that are kept.
    pub fn ids(&self) -> BTreeSet<i64> {
        self.0.lock().notifications.keys().copied().collect()
    }

    /// The policy that a notification was posted to, and its alerts, where they are kept; then they are
    /// no longer.
    pub fn take(&self, id: i64) -> Option<(Option<String>, Vec<Arc<Alert>>)> {
        let mut kept = self.0.lock();
        let notification = kept.notifications.remove(&id)?;
        kept.bytes -= notification.bytes;
        Some((notification.policy, notification.alerts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_had_once_by_their_id_and_what_is_kept_is_bounded() {
        let fresh = Fresh::default();
        fresh.keep(1, 1, None, Vec::new()).complete();
        drop(fresh.keep(2, 1, None, Vec::new()));
        assert_eq!(fresh.ids(), BTreeSet::from([1]), "one that was not written is forgotten");
        assert_eq!((fresh.take(1), fresh.take(1)), (Some((None, Vec::new())), None));
        for id in 0..2 * MOST as i64 {
            fresh.keep(id, 1, None, Vec::new()).complete();
        }
        assert_eq!(fresh.ids(), (0..MOST as i64).collect(), "the first is routed first");
        (0..MOST as i64).for_each(|id| drop(fresh.take(id)));
        fresh.keep(1, MOST_BYTES + 1, None, Vec::new()).complete();
        fresh.keep(2, MOST_BYTES, None, Vec::new()).complete();
        fresh.keep(3, 1, None, Vec::new()).complete();
        assert_eq!(fresh.ids(), BTreeSet::from([2]));
    }
}
