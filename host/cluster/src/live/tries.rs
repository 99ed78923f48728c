//! When something is tried again.

use std::time::Duration;

use suture_core::{Error, Reason, Timestamp};

use super::answer::asked_pause;
use super::wire::Wire;

/// How long something is tried again, in all.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first pause between two tries; they double.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Tries that go on for a while, with pauses.
pub(super) struct Tries<'a> {
    wire: &'a Wire,
    end: Timestamp,
    pause: Duration,
    was_unauthorized: bool,
    was_ready: bool,
}

impl<'a> Tries<'a> {
    pub fn new(wire: &'a Wire) -> Self {
        let end = wire.clock.after(PATIENCE);
        Self { wire, end, pause: FIRST_PAUSE, was_unauthorized: false, was_ready: false }
    }

    /// Wait before the next try; false where that is of no use, or there were enough.
    pub async fn again(&mut self, error: &Error) -> bool {
        match error.status {
            // A token may just be in the middle of being replaced; one that is not won't be.
            Some(401) if std::mem::replace(&mut self.was_unauthorized, true) => false,
            // Refused by one that was ready when it was asked, it is refused.
            Some(403) if self.was_ready => false,
            Some(403) => {
                self.was_ready = self.wire.is_ready().await;
                self.was_ready || self.pause(error).await
            }
            _ => is_passing(error) && self.pause(error).await,
        }
    }

    /// No two hosts wait for exactly as long.
    async fn pause(&mut self, error: &Error) -> bool {
        let clock = &self.wire.clock;
        let jitter = f64::from(clock.now().subsec_nanosecond().unsigned_abs() % 1000) / 1000.0;
        let pause = self.pause.mul_f64(0.5 + jitter).max(asked_pause(error));
        if clock.after(pause) > self.end {
            return false;
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        clock.sleep(pause).await;
        true
    }
}

/// Whether the same request may be answered otherwise a little later.
pub(super) fn is_passing(error: &Error) -> bool {
    match error.status {
        Some(status) => matches!(status, 401 | 429 | 502 | 503 | 504),
        None => [Reason::UNAVAILABLE, Reason::TIMEOUT].contains(&error.reason),
    }
}
