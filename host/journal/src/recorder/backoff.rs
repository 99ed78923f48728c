//! Trying again, a bounded number of times.

use std::time::Duration;

use suture_core::{Error, Reason};

/// How long something is tried again, in the pauses between tries.
const LONG_ENOUGH: Duration = Duration::from_secs(31);
/// And an undo: what a run changed is not left so because the API server is upgraded meanwhile.
const LONG_ENOUGH_TO_UNDO: Duration = Duration::from_secs(3600);
/// The longest pause that a server can ask for.
const LONGEST: Duration = Duration::from_secs(60);

/// The pauses between tries: 1 s, 2 s, 4 s, … up to a minute.
pub(super) struct Backoff {
    next: Duration,
    left: Duration,
}

impl Backoff {
    pub fn new() -> Self {
        Self { next: Duration::from_secs(1), left: LONG_ENOUGH }
    }

    /// For an undo.
    pub fn of_undo() -> Self {
        Self { left: LONG_ENOUGH_TO_UNDO, ..Self::new() }
    }

    /// Whether it has been tried for as long as something else would be.
    pub fn is_patient(&self) -> bool {
        LONG_ENOUGH_TO_UNDO.saturating_sub(self.left) > LONG_ENOUGH
    }

    /// How long to wait before the next try; none where that would not help, or it was tried for
    /// long enough.
    pub fn next(&mut self, error: &Error) -> Option<Duration> {
        let pause = self.next;
        if !is_transient(error) || pause > self.left {
            return None;
        }
        self.left -= pause;
        self.next = (2 * pause).min(LONGEST);
        let asked = error.retry_after_ms.map(Duration::from_millis).unwrap_or_default();
        Some(pause.max(asked).min(LONGEST))
    }
}

/// Whether the same call may succeed a little later.
fn is_transient(error: &Error) -> bool {
    error.reason == Reason::UNAVAILABLE
        || error.reason == Reason::TIMEOUT
        || error.reason == Reason::CONFLICT
        || error.status.is_some_and(|status| status == 429 || status >= 500)
        || error.reason.as_str() == "TooManyRequests"
}

/// Whether a change that failed so may have taken place all the same.
pub(super) fn leaves_doubt(error: &Error) -> bool {
    error.reason == Reason::UNAVAILABLE
        || error.reason == Reason::TIMEOUT
        || error.reason == Reason::UNKNOWN
        || error.status.is_some_and(|status| status >= 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let mut backoff = Backoff::new();
        let error = Error::new(Reason::UNAVAILABLE, "down");
        let pauses: Vec<_> =
            std::iter::from_fn(|| backoff.next(&error)).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16]);
    }

    #[test]
    fn an_undo_is_tried_for_an_hour() {
        let mut backoff = Backoff::of_undo();
        let error = Error::new(Reason::UNAVAILABLE, "down");
        let pauses: Vec<_> = std::iter::from_fn(|| backoff.next(&error)).collect();
        assert_eq!(pauses.iter().max(), Some(&LONGEST));
        let all: Duration = pauses.iter().sum();
        assert!(all <= LONG_ENOUGH_TO_UNDO && all > LONG_ENOUGH_TO_UNDO - LONGEST, "{all:?}");
    }

    #[test]
    fn a_server_may_ask_for_more_time_but_not_for_hours() {
        let mut error = Error::new(Reason::other("TooManyRequests"), "slow down");
        error.retry_after_ms = Some(7_000);
        assert_eq!(Backoff::new().next(&error), Some(Duration::from_secs(7)));
        error.retry_after_ms = Some(86_400_000);
        assert_eq!(Backoff::new().next(&error), Some(LONGEST));
    }

    #[test]
    fn what_will_fail_again_is_not_tried_again() {
        assert_eq!(Backoff::new().next(&Error::new(Reason::DENIED, "no")), None);
        assert_eq!(Backoff::new().next(&Error::new(Reason::INVALID, "no")), None);
    }
}
