//! How often the API server is asked.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use suture_core::{Clock, Timestamp, clock::later};

/// A token bucket: so many requests at once, so many a second after that, in the order in
/// which they come.
pub(super) struct Limiter {
    clock: Arc<dyn Clock>,
    /// Between two requests, on average.
    interval: Duration,
    /// How far ahead of their time requests may be.
    ahead: Duration,
    /// When the bucket is full again, as far as it is empty now.
    next: Mutex<Timestamp>,
}

impl Limiter {
    pub fn new(clock: Arc<dyn Clock>, per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let next = Mutex::new(clock.now());
        Self { clock, interval, ahead: interval * burst.max(1), next }
    }

    /// Wait for one's turn.
    pub async fn turn(&self) {
        let (now, at) = {
            let mut next = self.next.lock();
            let now = self.clock.now();
            *next = later((*next).max(now), self.interval);
            (now, *next)
        };
        let late: Duration = now.duration_until(at).try_into().unwrap_or_default();
        if let Some(pause) = late.checked_sub(self.ahead) {
            self.clock.sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use suture_core::VirtualClock;
    use suture_core::clock::Driven;

    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let clock = VirtualClock::new(start, later(start, Duration::from_secs(3600)));
        let limiter = Limiter::new(Arc::new(clock.clone()), 10, 5);
        let asked = async {
            let mut times = Vec::new();
            for _ in 0..8 {
                limiter.turn().await;
                times.push(clock.now().as_millisecond() - start.as_millisecond());
            }
            times
        };
        let Driven::Done(times) = pollster::block_on(clock.drive(asked)) else { panic!("stalled") };
        assert_eq!(times, [0, 0, 0, 0, 0, 100, 200, 300]);
    }
}
