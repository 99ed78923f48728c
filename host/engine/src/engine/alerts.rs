//! What Prometheus says is firing.

use suture_core::effect::ActiveAlert;
use suture_core::{Effect, Fault, Labels, Reply, RunId, Step};

use super::Engine;
use crate::confirm::{Confirm, Listed, Standing};
use crate::policy::Policy;

impl Engine {
    /// How each of these alerts stands, as the configuration of a policy wants that confirmed: one
    /// question for all of them.
    ///
    /// # Errors
    /// Why Prometheus can't be asked.
    pub async fn standing(&self, policy: &Policy, alerts: &[&Labels]) -> Result<Vec<Standing>, String> {
        match &policy.config.confirm {
            Confirm::None => Ok(alerts.iter().map(|_| Standing::Unasked).collect()),
            Confirm::Prometheus(by) => {
                let step = Step { run: RunId::new("reconcile"), number: 0 };
                let listed = Listed::ask(&self.0.cluster, by, &step).await;
                let listed = listed.map_err(|fault| fault.to_string())?;
                Ok(alerts.iter().map(|labels| listed.standing(labels)).collect())
            }
        }
    }

    /// The alerts that Prometheus knows of, firing or pending, with its own labels only.
    ///
    /// # Errors
    /// Why it can't be asked.
    pub async fn alerts(&self) -> Result<Vec<ActiveAlert>, String> {
        let step = Step { run: RunId::new("sweep"), number: 0 };
        let failed = |fault: Fault| fault.to_string();
        let cluster = &self.0.cluster;
        let prepared = cluster.prepare(&step, &Effect::Alerts).await.map_err(failed)?;
        match cluster.perform(&prepared).await.map_err(failed)? {
            Reply::Alerts(alerts) => Ok(alerts),
            other => Err(format!("Prometheus's alerts were asked for, and the answer was {other:?}")),
        }
    }
}
