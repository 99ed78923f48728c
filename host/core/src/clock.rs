//! Time. One clock is injected everywhere; nothing else asks what time it is.

mod real;
mod simulated;
mod written;

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub use jiff::Timestamp;
pub use real::{RealClock, ScaledClock};
pub use simulated::{Driven, VirtualClock};
pub use written::{written, written_if_any};

/// The time in a `Date` of HTTP (`Fri, 27 Nov 2026 09:56:05 GMT`); none where it can't be read.
pub fn of_http(date: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(date).ok().map(|time| time.timestamp())
}

/// A future that ends when a time has come.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Keeps virtual time from moving while something is in flight outside the futures
/// that the clock drives (a commit on another thread). Ends when dropped.
#[derive(Default)]
pub struct Hold(#[expect(dead_code, reason = "held for its drop")] Option<Box<dyn Any + Send>>);

/// What time it is, and how to wait.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// How long it is since some moment in the past, by a clock that nobody sets: it never
    /// goes back, and never jumps as [`now`](Self::now) does when the time is corrected.
    fn monotonic(&self) -> Duration;

    /// Wait until a time; at once where it has passed.
    fn sleep_until(&self, at: Timestamp) -> Sleep;

    /// Keep virtual time from moving while the result lives. Does nothing on others.
    fn hold(&self) -> Hold {
        Hold(None)
    }
}

impl dyn Clock {
    /// Wait for a while.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.after(duration))
    }

    /// The time in a while; the end of time where that would be later.
    pub fn after(&self, duration: Duration) -> Timestamp {
        later(self.now(), duration)
    }

    /// Run a future for a while at most: `None` where the time was up first.
    pub async fn timeout<F: Future>(&self, duration: Duration, future: F) -> Option<F::Output> {
        let future = std::pin::pin!(future);
        match futures::future::select(future, self.sleep(duration)).await {
            futures::future::Either::Left((output, _)) => Some(output),
            futures::future::Either::Right(_) => None,
        }
    }
}

/// A time and a duration later, at most the end of time (year 9999).
pub fn later(time: Timestamp, duration: Duration) -> Timestamp {
    time.saturating_add(jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX))
        .unwrap_or(Timestamp::MAX)
}

/// A time as Kubernetes writes it: RFC 3339, UTC, whole seconds.
pub fn kubernetes_time(time: Timestamp) -> String {
    format!("{time:.0}")
}
