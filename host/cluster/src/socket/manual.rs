//! Time that somebody lets pass.

use std::sync::Arc;
use std::time::Duration;

use suture_core::clock::{Hold, later};
use suture_core::{Clock, RealClock, Timestamp, VirtualClock};
use tokio::sync::watch;

use super::awake::{Awake, awake};

/// How long a look at what is at work takes, in real time.
const LOOK: Duration = Duration::from_millis(2);

/// The time of clusters that stands still unless it is told to [`pass`](Self::pass). Their clients
/// are told of it, and live by it, too. Clones are the same time.
#[derive(Clone)]
pub struct ManualTime {
    clock: VirtualClock,
    now: watch::Sender<Timestamp>,
}

impl ManualTime {
    /// Time that begins.
    pub fn starting_at(now: Timestamp) -> Self {
        Self { clock: VirtualClock::new(now, Timestamp::MAX), now: watch::Sender::new(now) }
    }

    /// The clock that the cluster lives by.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    /// Let time pass, here and for every client. Wait until all has [settled](Self::settled)
    /// before, so that nobody is told of a time before they have done what was due.
    pub fn pass(&self, duration: Duration) {
        let now = later(self.clock.now(), duration);
        // In this order: clients are told of the time before they get an answer that it brings.
        self.now.send_replace(now);
        while self.clock.step(now) {}
    }

    /// Wait until every client lives by the time that it was told, and every question that can be
    /// answered now has its answer. What is at work elsewhere in a client is not seen.
    pub async fn settled(&self) {
        let real: &dyn Clock = &RealClock;
        loop {
            self.clock.released().await;
            // It ends no sooner than the runtime has looked at what clients have sent until now.
            real.sleep(LOOK).await;
            if !self.clock.is_held() {
                return;
            }
        }
    }

    /// Work on this side that counts as a question does: time has not settled while it can go on.
    pub fn awaiting<F: Future>(&self, work: F) -> Awake<F> {
        awake(&self.clock(), work)
    }

    /// The next time after one, which is held for whoever is told of it.
    pub(super) async fn after(&self, last: Timestamp) -> (Timestamp, Hold) {
        let mut now = self.now.subscribe();
        // It never fails: who tells is here.
        let now = now.wait_for(|now| *now > last).await.map_or(last, |now| *now);
        (now, self.clock.hold())
    }
}
