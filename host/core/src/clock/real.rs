//! Clocks that follow the machine's.

use std::time::Duration;

use super::{Clock, Sleep, Timestamp, later};

/// Goes on while the machine sleeps, which `std::time::Instant` does not on Linux.
#[cfg(target_os = "linux")]
const UPTIME: rustix::time::ClockId = rustix::time::ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const UPTIME: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealClock;

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is injected")]
    fn now(&self) -> Timestamp {
        Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> Duration {
        let time = rustix::time::clock_gettime(UPTIME);
        Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        Box::pin(sleep_until(*self, at, LOOK, 1.0))
    }
}

/// How long a timer runs before the clock is looked at again: it sees neither that somebody
/// set the clock, nor that the machine slept.
const LOOK: Duration = Duration::from_secs(30);

/// Wait until a clock shows a time, or as much time has passed as there was to wait. So a
/// clock that is set forward ends a wait, as a host that was away would find it ended; and one
/// that is set back makes none longer. `factor` is by how much it runs faster than the
/// machine's.
#[expect(clippy::disallowed_methods, reason = "for the clocks that are injected")]
async fn sleep_until(clock: impl Clock, at: Timestamp, look: Duration, factor: f64) {
    let enough = clock.monotonic().saturating_add(clock.now().until_or_zero(at));
    loop {
        let by_time = clock.now().until_or_zero(at);
        let left = by_time.min(enough.saturating_sub(clock.monotonic()));
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.div_f64(factor).min(look)).await;
    }
}

/// A clock that runs faster than the machine's: an hour of waiting in a minute. For
/// demos and end-to-end tests on a simulated cluster. It knows nothing of the time that
/// people set.
#[derive(Clone, Copy, Debug)]
pub struct ScaledClock {
    started: Duration,
    epoch: Timestamp,
    factor: f64,
}

impl ScaledClock {
    /// A clock that shows `epoch` now and runs `factor` times as fast (at least 1).
    pub fn starting_at(epoch: Timestamp, factor: f64) -> Self {
        Self { started: RealClock.monotonic(), epoch, factor: factor.max(1.0) }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        let passed = RealClock.monotonic().saturating_sub(self.started);
        later(self.epoch, passed.mul_f64(self.factor))
    }

    fn monotonic(&self) -> Duration {
        RealClock.monotonic().mul_f64(self.factor)
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        Box::pin(sleep_until(*self, at, LOOK, self.factor))
    }
}

trait UntilOrZero {
    fn until_or_zero(self, later: Timestamp) -> Duration;
}

impl UntilOrZero for Timestamp {
    fn until_or_zero(self, later: Timestamp) -> Duration {
        Duration::try_from(self.duration_until(later)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    /// A clock that can be set.
    #[derive(Clone, Default)]
    struct Settable(Arc<Mutex<jiff::SignedDuration>>);

    impl Settable {
        fn set(&self, hours: i64) {
            *self.0.lock() = jiff::SignedDuration::from_hours(hours);
        }
    }

    impl Clock for Settable {
        fn now(&self) -> Timestamp {
            RealClock.now() + *self.0.lock()
        }

        fn monotonic(&self) -> Duration {
            RealClock.monotonic()
        }

        fn sleep_until(&self, at: Timestamp) -> Sleep {
            Box::pin(sleep_until(self.clone(), at, Duration::from_millis(5), 1.0))
        }
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn a_clock_that_is_set_forward_ends_a_sleep() {
        let settable = Settable::default();
        let clock: Arc<dyn Clock> = Arc::new(settable.clone());
        block_on(async {
            let mut sleep = clock.sleep(Duration::from_secs(3600));
            assert!(futures::poll!(&mut sleep).is_pending());
            settable.set(5);
            sleep.await;
        });
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_sleep_longer() {
        let settable = Settable::default();
        let clock: Arc<dyn Clock> = Arc::new(settable.clone());
        block_on(async {
            let began = clock.monotonic();
            let mut sleep = clock.sleep(Duration::from_millis(30));
            assert!(futures::poll!(&mut sleep).is_pending());
            settable.set(-5);
            sleep.await;
            assert!(clock.monotonic() >= began + Duration::from_millis(30));
        });
    }

    #[test]
    fn a_time_that_has_passed_is_not_waited_for() {
        let clock = Settable::default();
        block_on(clock.sleep_until(RealClock.now()));
        clock.set(1);
        block_on(clock.sleep_until(later(RealClock.now(), Duration::from_secs(60))));
    }

    #[test]
    fn monotonic_time_goes_on_with_the_machine_and_a_scaled_clock_scales_it() {
        let (before, scaled) = (RealClock.monotonic(), ScaledClock::starting_at(RealClock.now(), 1000.0));
        let began = scaled.monotonic();
        std::thread::sleep(Duration::from_millis(5));
        assert!(RealClock.monotonic() >= before + Duration::from_millis(5));
        assert!(scaled.monotonic() >= began + Duration::from_secs(5));
    }
}
