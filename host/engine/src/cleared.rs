//! Whether alerts have cleared without anybody's word: Alertmanager posts nothing of an alert that
//! is silenced when it clears, and a `resolved` can be lost. An incident that rests while its alert
//! fires would rest for ever, and so would one that waits for the end of a silence.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use suture_core::{Clock, IncidentId, RunId, Step};
use suture_journal::{IncidentRecord, JournalError};

use crate::confirm::{Confirm, Listed, Standing};
use crate::dispatcher::Command;
use crate::engine::Shared;

/// How often Prometheus is asked.
const EVERY: Duration = Duration::from_secs(300);
/// Incidents that are read at a time.
const AT_ONCE: usize = 1000;
/// The most incidents that are looked at each time; where more are open, the next ones follow.
const MOST: usize = 20_000;

/// Look for alerts that have cleared until the host stops.
pub(crate) async fn run(clock: Arc<dyn Clock>, shared: Weak<Shared>) {
    let mut look = Look::default();
    loop {
        clock.sleep(EVERY).await;
        let Some(shared) = shared.upgrade() else { return };
        if shared.stopping.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = look.round(&shared).await {
            tracing::debug!(%error, "it is not known whether the alerts of incidents that rest have cleared");
        }
    }
}

/// Where the look is.
struct Look {
    from: IncidentId,
    /// Those whose alerts were not there the last time: a Prometheus that has just started lists
    /// nothing, so one answer proves nothing.
    gone: HashSet<IncidentId>,
}

impl Default for Look {
    fn default() -> Self {
        Self { from: IncidentId::new(""), gone: HashSet::new() }
    }
}

impl Look {
    async fn round(&mut self, shared: &Shared) -> Result<(), JournalError> {
        let resting = self.resting(shared).await?;
        let mut gone = HashSet::new();
        for policy in shared.table.all().iter() {
            let of_policy: Vec<&IncidentRecord> =
                resting.iter().filter(|incident| incident.policy == policy.config.name).collect();
            let Confirm::Prometheus(by) = &policy.config.confirm else { continue };
            if of_policy.is_empty() {
                continue;
            }
            let step = Step { run: RunId::new("cleared"), number: 0 };
            let Ok(listed) = Listed::ask(&shared.cluster, by, &step).await else { continue };
            for incident in of_policy {
                match listed.standing(&incident.alert.labels) {
                    Standing::KeptFiring(_) | Standing::Absent(_) => drop(gone.insert(incident.id.clone())),
                    Standing::Unasked | Standing::Firing { .. } | Standing::Pending => {}
                }
            }
        }
        let cleared: Vec<IncidentId> = gone.iter().filter(|id| self.gone.contains(*id)).cloned().collect();
        if !cleared.is_empty() {
            let _ = shared.commands.send(Command::Cleared(cleared));
        }
        self.gone = gone;
        Ok(())
    }

    /// The next of those that are open and need nothing of the host.
    async fn resting(&mut self, shared: &Shared) -> Result<Vec<IncidentRecord>, JournalError> {
        let mut resting = Vec::new();
        let mut seen = 0;
        while seen < MOST {
            let slice = shared.journal.open_from(&self.from, AT_ONCE).await?;
            seen += AT_ONCE;
            // What somebody forced may have no alert that could clear.
            let rests = |incident: &IncidentRecord| {
                incident.state.rests() && !incident.said_resolved && !incident.forced
            };
            resting.extend(slice.incidents.into_iter().filter(rests));
            match slice.next {
                Some(next) => self.from = next,
                None => {
                    self.from = IncidentId::new("");
                    break;
                }
            }
        }
        Ok(resting)
    }
}
