//! After a repair: does the alert clear?

use std::time::Duration;

use suture_core::clock::later;
use suture_core::{Fault, IncidentId, RunId, Step, Timestamp};
use suture_journal::{IncidentState, JournalError};

use super::{Command, Dispatcher};
use crate::metrics::Stage;

/// How often Prometheus is asked, at the most and at the least.
const POLL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

impl Dispatcher {
    /// Ask about repairs that are to be looked at.
    pub(super) async fn verify(&mut self, now: Timestamp) {
        for id in self.polls.due(now) {
            match self.fetch(&id).await {
                Ok(()) => self.check(&id),
                Err(error) => self.poll_later(&id, &error),
            }
        }
    }

    fn poll_later(&mut self, id: &IncidentId, error: &JournalError) {
        tracing::error!(incident = %id, %error, "an incident can't be read; it is tried again");
        self.polls.set(id, later(self.now(), POLL.1));
    }

    fn check(&mut self, id: &IncidentId) {
        self.polls.remove(id);
        let Some(incident) = self.incidents.get(id) else { return };
        if incident.state != IncidentState::Verifying {
            return;
        }
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

    pub(super) async fn checked(&mut self, id: &IncidentId, firing: Result<bool, String>) {
        if let Err(error) = self.fetch(id).await {
            return self.poll_later(id, &error);
        }
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
        self.polls.set(id, later(self.now(), pause));
    }
}
