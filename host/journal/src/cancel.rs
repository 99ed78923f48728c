//! How a run is ended from outside.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::future::{Either, select};
use suture_core::Halt;
use tokio::sync::watch;

/// Ends a run from outside: somebody cancels it, its deadline passes, the host shuts
/// down. Clones share one flag.
///
/// The run ends before its next effect; a wait, a sleep or a lock that it waits for is
/// given up. A change that has begun is finished and recorded first.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<Flags>);

#[derive(Debug)]
struct Flags {
    /// Why the run is to end.
    reason: watch::Sender<Option<Halt>>,
    /// The host stops, whatever the reason is by which the run ends.
    is_host_stopping: watch::Sender<bool>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self(Arc::new(Flags {
            reason: watch::Sender::new(None),
            is_host_stopping: watch::Sender::new(false),
        }))
    }

    /// End the run, for a reason. The first reason stays.
    pub fn halt(&self, halt: Halt) {
        if halt == Halt::Shutdown {
            self.0.is_host_stopping.send_replace(true);
        }
        self.0.reason.send_if_modified(|reason| {
            let is_first = reason.is_none();
            if is_first {
                *reason = Some(halt);
            }
            is_first
        });
    }

    /// The reason, where the run is to end.
    pub fn halted(&self) -> Option<Halt> {
        self.0.reason.borrow().clone()
    }

    /// The reason, as soon as there is one.
    pub async fn wait(&self) -> Halt {
        let mut receiver = self.0.reason.subscribe();
        loop {
            if let Some(halt) = receiver.borrow_and_update().clone() {
                return halt;
            }
            if receiver.changed().await.is_err() {
                // Can't be: the sender is in `self`. Nobody would ever raise the flag.
                return futures::future::pending().await;
            }
        }
    }

    /// Ends when the host stops, also where the run was to end for another reason before.
    pub async fn host_stops(&self) {
        let mut receiver = self.0.is_host_stopping.subscribe();
        if receiver.wait_for(|is_stopping| *is_stopping).await.is_err() {
            // Can't be: the sender is in `self`.
            futures::future::pending::<()>().await;
        }
    }

    /// The output of a future, unless the run is ended first; then the future is
    /// dropped.
    ///
    /// # Errors
    /// Why the run is to end.
    pub async fn race<F: Future>(&self, future: F) -> Result<F::Output, Halt> {
        match select(pin!(future), pin!(self.wait())).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right((halt, _)) => Err(halt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stays() {
        let cancel = Cancel::new();
        assert_eq!(cancel.halted(), None);
        let other = cancel.clone();
        other.halt(Halt::Cancelled("by hand".into()));
        other.halt(Halt::Shutdown);
        assert_eq!(cancel.halted(), Some(Halt::Cancelled("by hand".into())));
    }

    #[test]
    fn of_a_run_that_was_cancelled_before_it_is_known_that_the_host_stops() {
        let cancel = Cancel::new();
        cancel.halt(Halt::Cancelled("by hand".into()));
        cancel.halt(Halt::Shutdown);
        pollster::block_on(cancel.host_stops());
        assert_eq!(cancel.halted(), Some(Halt::Cancelled("by hand".into())));
    }

    #[test]
    fn what_is_done_already_wins_over_the_flag() {
        let cancel = Cancel::new();
        cancel.halt(Halt::Shutdown);
        assert_eq!(pollster::block_on(cancel.race(async { 1 })), Ok(1));
        assert_eq!(pollster::block_on(cancel.race(futures::future::pending::<()>())), Err(Halt::Shutdown));
    }

    #[test]
    fn a_flag_raised_on_another_thread_ends_the_waiting() {
        let cancel = Cancel::new();
        let other = cancel.clone();
        let thread = std::thread::spawn(move || other.halt(Halt::Shutdown));
        assert_eq!(pollster::block_on(cancel.wait()), Halt::Shutdown);
        thread.join().unwrap();
    }
}
