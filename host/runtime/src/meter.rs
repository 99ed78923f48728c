//! How long a guest has been at work.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time that one instance has used.
///
/// Measured by the clock of the thread that runs it, so neither a wait for the host, nor
/// one for the executor, nor another process on the same core counts. The host's own
/// work on a call is left out; turning its arguments and its reply into the guest's
/// form is not. Asked once a [tick](crate::ticker::TICK), which is how far a guest can
/// go over its budget.
///
/// Only the task that runs the instance writes, from one thread at a time.
#[derive(Default)]
pub(crate) struct Meter {
    /// Until control was last given back.
    spent: AtomicU64,
    /// The thread's clock when the guest last got control.
    since: AtomicU64,
    /// The thread's clock when the executor last polled the run.
    polled: AtomicU64,
}

/// The CPU time of the calling thread, in nanoseconds.
fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |value: i64| u64::try_from(value).unwrap_or_default();
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

impl Meter {
    /// Run a future of which everything counts except what is [`outside`](Self::outside).
    pub(crate) async fn inside<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            self.polled.store(self.enter(), Relaxed);
            let poll = future.as_mut().poll(context);
            self.leave();
            poll
        })
        .await
    }

    /// Run a future that does not count, within one that does.
    pub(crate) async fn outside<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            self.leave();
            let poll: Poll<F::Output> = future.as_mut().poll(context);
            self.enter();
            poll
        })
        .await
    }

    fn enter(&self) -> u64 {
        let now = thread_time();
        self.since.store(now, Relaxed);
        now
    }

    fn leave(&self) {
        let passed = thread_time().saturating_sub(self.since.load(Relaxed));
        self.spent.fetch_add(passed, Relaxed);
    }

    /// What has been used so far. To be asked while the guest has control.
    pub(crate) fn spent(&self) -> Duration {
        let passed = thread_time().saturating_sub(self.since.load(Relaxed));
        Duration::from_nanos(self.spent.load(Relaxed) + passed)
    }

    /// For how long the run has kept its thread from the executor.
    pub(crate) fn slice(&self) -> Duration {
        Duration::from_nanos(thread_time().saturating_sub(self.polled.load(Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    fn work(duration: Duration) {
        let start = thread_time();
        while thread_time() - start < duration.as_nanos() as u64 {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn what_the_host_does_is_not_counted() {
        let meter = Meter::default();
        let long = Duration::from_millis(20);
        block_on(meter.inside(async {
            meter.outside(async { work(long) }).await;
            work(Duration::from_millis(1));
        }));
        let spent = Duration::from_nanos(meter.spent.load(Relaxed));
        assert!(spent >= Duration::from_millis(1), "{spent:?}");
        assert!(spent < long, "{spent:?}");
    }

    #[test]
    fn time_adds_up_over_polls_that_are_far_apart() {
        let meter = Meter::default();
        let mut left = 3;
        block_on(meter.inside(std::future::poll_fn(|context| {
            work(Duration::from_millis(1));
            left -= 1;
            context.waker().wake_by_ref();
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })));
        assert!(meter.spent.load(Relaxed) >= 3_000_000);
    }
}
