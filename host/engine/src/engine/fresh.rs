//! The alerts of the notifications that were accepted last, as they were read then: most are routed
//! in the same moment, and need not be read again.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;
use suture_core::Alert;

/// The most notifications that are kept, and the most bytes that their bodies have. What goes beyond
/// is read again, from the inbox.
const MOST: usize = 256;
const MOST_BYTES: usize = 1 << 20;

/// Notifications, oldest first.
#[derive(Default)]
pub(crate) struct Fresh {
    /// Nobody who posts knows the keys, and so none whose body passes for another.
    keys: [RandomState; 2],
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    notifications: VecDeque<Notification>,
    bytes: usize,
}

struct Notification {
    body: [u64; 2],
    bytes: usize,
    alerts: Vec<Arc<Alert>>,
}

impl Fresh {
    /// Keep the alerts that were read off a body: all of them.
    pub fn keep(&self, body: &[u8], alerts: Vec<Arc<Alert>>) {
        if body.len() > MOST_BYTES {
            return;
        }
        let notification = Notification { body: self.digest(body), bytes: body.len(), alerts };
        let mut kept = self.kept.lock();
        kept.bytes += notification.bytes;
        kept.notifications.push_back(notification);
        while kept.bytes > MOST_BYTES || kept.notifications.len() > MOST {
            let Some(oldest) = kept.notifications.pop_front() else { break };
            kept.bytes -= oldest.bytes;
        }
    }

    /// The alerts of a body, where they are kept; then they are no longer.
    pub fn take(&self, body: &[u8]) -> Option<Vec<Arc<Alert>>> {
        if self.kept.lock().notifications.is_empty() {
            return None;
        }
        let digest = self.digest(body);
        let mut kept = self.kept.lock();
        let place = kept.notifications.iter().position(|notification| notification.body == digest)?;
        let notification = kept.notifications.remove(place)?;
        kept.bytes -= notification.bytes;
        Some(notification.alerts)
    }

    fn digest(&self, body: &[u8]) -> [u64; 2] {
        self.keys.each_ref().map(|key| key.hash_one(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_had_once_by_their_body_and_what_is_kept_is_bounded() {
        let fresh = Fresh::default();
        fresh.keep(b"a", Vec::new());
        assert!(fresh.take(b"b").is_none());
        assert_eq!((fresh.take(b"a").map(|alerts| alerts.len()), fresh.take(b"a")), (Some(0), None));
        for number in 0..2 * MOST {
            fresh.keep(format!("{number}").as_bytes(), Vec::new());
        }
        assert!(fresh.take(b"0").is_none() && fresh.take(format!("{}", 2 * MOST - 1).as_bytes()).is_some());
        fresh.keep(&vec![b'x'; MOST_BYTES], Vec::new());
        assert_eq!(fresh.kept.lock().notifications.len(), 1, "the rest had to go");
        fresh.keep(&vec![b'x'; MOST_BYTES + 1], Vec::new());
        assert_eq!(fresh.kept.lock().bytes, MOST_BYTES);
    }
}
