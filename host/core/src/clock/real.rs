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

    #[expect(clippy::disallowed_methods, reason = "this is the clock that is injected")]
    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let wait = self.now().until_or_zero(at);
        Box::pin(tokio::time::sleep(wait))
    }
}

/// A clock that runs faster than the machine's: an hour of waiting in a minute. For
/// demos and end-to-end tests on a simulated cluster.
#[derive(Clone, Copy, Debug)]
pub struct ScaledClock {
    started: Timestamp,
    epoch: Timestamp,
    factor: f64,
}

impl ScaledClock {
    /// A clock that shows `epoch` now and runs `factor` times as fast (at least 1).
    pub fn starting_at(epoch: Timestamp, factor: f64) -> Self {
        Self { started: RealClock.now(), epoch, factor: factor.max(1.0) }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        let passed = self.started.until_or_zero(RealClock.now());
        later(self.epoch, passed.mul_f64(self.factor))
    }

    fn monotonic(&self) -> Duration {
        RealClock.monotonic().mul_f64(self.factor)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that is injected")]
    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let wait = self.now().until_or_zero(at);
        Box::pin(tokio::time::sleep(wait.div_f64(self.factor)))
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
    use super::*;

    #[test]
    fn monotonic_time_goes_on_with_the_machine_and_a_scaled_clock_scales_it() {
        let (before, scaled) = (RealClock.monotonic(), ScaledClock::starting_at(RealClock.now(), 1000.0));
        let began = scaled.monotonic();
        std::thread::sleep(Duration::from_millis(5));
        assert!(RealClock.monotonic() >= before + Duration::from_millis(5));
        assert!(scaled.monotonic() >= began + Duration::from_secs(5));
    }
}
