//! How a client is told of the time.

use std::future::pending;

use parking_lot::Mutex;
use suture_core::clock::{Hold, Timestamp};

use super::super::ManualTime;

/// The time, where it is told, and how far a client is.
pub struct Telling {
    time: Option<ManualTime>,
    told: Mutex<Progress>,
}

struct Progress {
    /// What the client was told last.
    last: Timestamp,
    /// There until the client lives by it: it is told of no other time before.
    hold: Option<Hold>,
}

impl Telling {
    /// For a client that knows what time it is.
    pub fn after(now: Timestamp, time: Option<ManualTime>) -> Self {
        Self { time, told: Mutex::new(Progress { last: now, hold: None }) }
    }

    /// The next time to tell. May be dropped, and begun anew.
    pub async fn next(&self) -> Timestamp {
        let Some(time) = &self.time else { return pending().await };
        let last = self.told.lock().last;
        let (now, hold) = time.after(last).await;
        *self.told.lock() = Progress { last: now, hold: Some(hold) };
        now
    }

    /// The client lives by a time.
    pub fn reached(&self, now: Timestamp) {
        let mut told = self.told.lock();
        if told.last <= now {
            told.hold = None;
        }
    }
}
