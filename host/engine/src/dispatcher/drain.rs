//! Ending the runs of a host that is drained. A run is interrupted, as at the end of a host, and
//! then seen through, as by the next host for which it can't go on.

use suture_core::Halt;
use suture_core::Timestamp;
use suture_journal::{IncidentRecord, PauseRecord};

use super::Dispatcher;

impl Dispatcher {
    /// From when on runs are ended; none where the host is not drained.
    pub(super) fn drain_at(&self) -> Option<Timestamp> {
        self.shared.pauses.host(self.now()).and_then(|pause| pause.drain)
    }

    /// When that is, where it is still to come.
    pub(super) fn next_drain(&self) -> Option<Timestamp> {
        let now = self.now();
        self.drain_at().filter(|at| *at > now)
    }

    /// Whether runs are ended now. A host that shuts down leaves them to the next.
    pub(super) fn is_draining(&self) -> bool {
        self.shutdown.is_none() && self.drain_at().is_some_and(|at| at <= self.now())
    }

    /// End the runs at work, where it is time; and see those through that have ended.
    pub(super) async fn drain(&mut self) {
        if self.is_draining() {
            let since = self.shared.pauses.host(self.now()).map(|PauseRecord { since, .. }| since);
            if self.drained != since {
                self.drained = since;
                self.at_work.values().for_each(|at_work| at_work.cancel.halt(Halt::Shutdown));
            }
        }
        // Where somebody has resumed meanwhile, they go on.
        for record in std::mem::take(&mut self.interrupted) {
            self.take_up_run(record).await;
        }
    }

    /// Why a run must not go on, although it could.
    pub(super) fn must_end(&self, incident: &IncidentRecord) -> Option<String> {
        if let Some(why) = &incident.cancelled {
            return Some(format!("it was cancelled {why}"));
        }
        self.is_draining().then(|| "the host is drained".to_owned())
    }
}
