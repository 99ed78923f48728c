//! The lane for guests that have used much of a processor: they come after the others.
//!
//! A run of a policy takes microseconds of CPU; one that has used [`FRESH`] is at some long
//! work, or spins. From then on it goes on only with one of the places here, of which there
//! is one less than there are processors. So however many policies spin, a fresh run finds a
//! processor that none of them holds. Whoever has a place keeps it until it calls the host
//! or ends, giving way to fresh runs every tick: one after the other they come to their end
//! or to their limit, rather than all at the same late time.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::thread::available_parallelism;
use std::time::Duration;

use parking_lot::Mutex;
use suture_core::clock::Hold;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// The CPU time that a run uses beside all others, before it comes after them.
pub(crate) const FRESH: Duration = Duration::from_millis(5);

/// The places of an engine.
#[derive(Clone)]
pub(crate) struct Lane(Arc<Semaphore>);

/// One run in the lane, or beside it.
#[derive(Clone)]
pub(crate) struct Turn {
    places: Arc<Semaphore>,
    held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Lane {
    pub(crate) fn new() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(processors.saturating_sub(1).max(1))))
    }

    pub(crate) fn turn(&self) -> Turn {
        Turn { places: self.0.clone(), held: Arc::default() }
    }
}

impl Turn {
    /// Whether it must [take](Self::take) a place before it goes on.
    pub(crate) fn is_due(&self, spent: Duration) -> bool {
        spent >= FRESH && self.held.lock().is_none()
    }

    /// Wait for a place. While it waits, virtual time stands still.
    pub(crate) async fn take(self, hold: impl FnOnce() -> Hold + Send) {
        give_way().await;
        let place = match self.places.clone().try_acquire_owned() {
            Ok(place) => Some(place),
            // The semaphore is never closed.
            Err(TryAcquireError::Closed) => None,
            Err(TryAcquireError::NoPermits) => {
                let _hold = hold();
                self.places.clone().acquire_owned().await.ok()
            }
        };
        *self.held.lock() = place;
    }

    /// Leave the place to the next: this one waits for the host.
    pub(crate) fn give_up(&self) {
        self.held.lock().take();
    }
}

/// Let the executor's other tasks go first, once. Not tokio's own yield: it wakes the task
/// later, when a virtual clock has already taken the run for one that waits.
async fn give_way() {
    let mut is_first = true;
    poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}
