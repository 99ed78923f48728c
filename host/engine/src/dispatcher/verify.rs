//! After a repair: does the alert clear?

use std::time::Duration;

use suture_core::clock::later;
use suture_core::{Fault, IncidentId, RunId, Step, Timestamp};
use suture_journal::IncidentState;

use super::{Command, Dispatcher};
use crate::metrics::Stage;

/// How often Prometheus is asked, at the most and at the least.
const POLL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

impl Dispatcher {
    /// Ask about repairs that are to be looked at, and give up on those whose time is over.
    pub(super) fn verify(&mut self, now: Timestamp) {
        let verifying: Vec<IncidentId> = self
            .incidents
            .values()
            .filter(|incident| incident.state == IncidentState::Verifying)
            .map(|incident| incident.id.clone())
            .collect();
        for id in verifying {
            let Some(incident) = self.incidents.get(&id).cloned() else { continue };
            if incident.due.is_none_or(|due| due <= now) {
                let why = format!("repaired, but the alert did not clear in time. {}", incident.summary);
                self.try_again(&id, &incident.policy, None, why);
            } else if self.polls.get(&id).is_some_and(|at| *at <= now) {
                self.check(&id);
            }
        }
    }

    fn check(&mut self, id: &IncidentId) {
        self.polls.remove(id);
        let Some(incident) = self.incidents.get(id) else { return };
        let Some(policy) = self.policy(&incident.policy) else { return };
        let confirm = policy.config.confirm.clone();
        if !confirm.is_required() {
            // Only Alertmanager's word that it is resolved will do.
            return;
        }
        let (labels, cluster) = (incident.alert.labels.clone(), self.shared.cluster.clone());
        let (commands, incident) = (self.shared.commands.clone(), id.clone());
        let clock = self.shared.clock.clone();
        tokio::spawn(async move {
            let step = Step { run: RunId::new(incident.as_str()), number: 0 };
            let cleared = confirm.has_cleared(&labels, &cluster, &step, &clock).await;
            let firing = cleared.map(|cleared| !cleared).map_err(|fault: Fault| fault.to_string());
            let _ = commands.send(Command::Checked { incident, firing });
        });
    }

    pub(super) fn checked(&mut self, id: &IncidentId, firing: Result<bool, String>) {
        let Some(incident) = self.incidents.get(id) else { return };
        if incident.state != IncidentState::Verifying {
            return;
        }
        self.shared.metrics.alert_checked(&incident.policy, Stage::After, firing.as_ref().ok().copied());
        match firing {
            Ok(false) => return self.resolve(id),
            Ok(true) => {}
            Err(error) => {
                tracing::warn!(incident = %id, policy = incident.policy, error, "Prometheus can't say whether the alert cleared")
            }
        }
        let settle =
            self.policy(&incident.policy).map(|policy| policy.config.retry.settle.get()).unwrap_or_default();
        let pause = (settle / 20).clamp(POLL.0, POLL.1);
        self.polls.insert(id.clone(), later(self.now(), pause));
    }
}
