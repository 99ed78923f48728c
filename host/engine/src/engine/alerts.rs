//! What Prometheus says is firing.

use suture_core::effect::ActiveAlert;
use suture_core::{Effect, Fault, Reply, RunId, Step};

use super::Engine;

impl Engine {
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
