//! Saying the same at most once in a while.

use std::time::Duration;

use parking_lot::Mutex;

/// Lets something through at most once in a while: a line of the log about what fails every second.
#[derive(Debug)]
pub struct Throttle {
    every: Duration,
    last: Mutex<Option<Duration>>,
}

impl Throttle {
    /// Once in so long.
    pub const fn new(every: Duration) -> Self {
        Self { every, last: Mutex::new(None) }
    }

    /// Once a minute: what people read.
    pub const fn of_the_log() -> Self {
        Self::new(Duration::from_secs(60))
    }

    /// Whether it is time again; then it is not for a while. `now` is [monotonic](crate::Clock::monotonic).
    pub fn lets_through(&self, now: Duration) -> bool {
        let mut last = self.last.lock();
        let is_due = last.is_none_or(|last| now.saturating_sub(last) >= self.every);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_every_second_is_let_through_once_a_minute() {
        let throttle = Throttle::of_the_log();
        let through = (0..600).filter(|second| throttle.lets_through(Duration::from_secs(*second)));
        assert_eq!(through.collect::<Vec<_>>(), [0, 60, 120, 180, 240, 300, 360, 420, 480, 540]);
    }
}
