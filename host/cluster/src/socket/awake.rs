//! Work that keeps time from moving while it can go on.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;
use suture_core::Clock;
use suture_core::clock::Hold;

/// Hold a clock while a future can go on: from the moment in which it is woken until it waits
/// again. So time that moves only when nothing holds it waits for work that a busy machine has
/// not come to yet.
pub fn awake<F: Future>(clock: &Arc<dyn Clock>, future: F) -> Awake<F> {
    let rest = Rest { task: None, hold: Some(clock.hold()) };
    Awake {
        future: Box::pin(future),
        alarm: Arc::new(Alarm { clock: clock.clone(), rest: Mutex::new(rest) }),
    }
}

/// A future that holds a clock while it can go on.
pub struct Awake<F> {
    future: Pin<Box<F>>,
    alarm: Arc<Alarm>,
}

struct Alarm {
    clock: Arc<dyn Clock>,
    rest: Mutex<Rest>,
}

struct Rest {
    /// Whom to wake: none before the first look, and once it is over.
    task: Option<Waker>,
    /// There while it is awake, and nobody looks after it.
    hold: Option<Hold>,
}

impl<F: Future> Future for Awake<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // Held until the end of this look; woken meanwhile, it is held on.
        let _hold = {
            let mut rest = self.alarm.rest.lock();
            rest.task = Some(context.waker().clone());
            rest.hold.take()
        };
        let waker = Waker::from(self.alarm.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        let task = {
            let mut rest = self.rest.lock();
            let Some(task) = rest.task.clone() else { return };
            rest.hold.get_or_insert_with(|| self.clock.hold());
            task
        };
        task.wake();
    }
}

impl<F> Drop for Awake<F> {
    fn drop(&mut self) {
        // Whoever still has its waker must not hold time for it.
        *self.alarm.rest.lock() = Rest { task: None, hold: None };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::poll;
    use suture_core::VirtualClock;
    use suture_core::clock::{Timestamp, later};

    use super::*;

    #[tokio::test]
    async fn a_future_holds_time_from_when_it_is_woken_until_it_waits_again() {
        let start = Timestamp::UNIX_EPOCH;
        let virtual_clock = VirtualClock::new(start, Timestamp::MAX);
        let clock: Arc<dyn Clock> = Arc::new(virtual_clock.clone());
        let sleeps = clock.clone();
        let mut work = awake(&clock, async move {
            sleeps.sleep(Duration::from_secs(1)).await;
            sleeps.sleep(Duration::from_secs(1)).await;
        });
        assert!(virtual_clock.is_held(), "it has not begun yet");
        assert!(poll!(&mut work).is_pending());
        assert!(!virtual_clock.is_held());
        assert!(virtual_clock.step(later(start, Duration::from_secs(9))));
        assert!(virtual_clock.is_held(), "it was woken, and nobody has looked yet");
        assert!(poll!(&mut work).is_pending());
        assert!(!virtual_clock.is_held());
        assert!(virtual_clock.step(later(start, Duration::from_secs(9))));
        drop(work);
        assert!(!virtual_clock.is_held(), "it is over");
    }
}
