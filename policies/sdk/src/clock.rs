//! The host's clock. The only one: a policy has none of its own.

use crate::{Duration, Time, host};

/// The present moment.
pub fn now() -> Time {
    Time::from_millis(host::call(|host| host.now()))
}

/// Pause the run. It may last hours: a waiting run costs next to nothing.
pub fn sleep(duration: Duration) {
    host::call(|host| host.sleep(duration.as_millis()));
}
