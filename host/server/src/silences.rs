//! Whether alerts are silenced, by the word of each Alertmanager.

use std::collections::BTreeSet;

use async_trait::async_trait;
use suture_cluster::AlertmanagerClient;
use suture_engine::{SilenceQuery, Silences};

use crate::assemble;
use crate::config::{ConfigError, Loaded};
use crate::snapshot::{ALERT_NAME, Snapshot};

/// Asks all of them.
pub(crate) struct AskedAlertmanagers(Vec<AlertmanagerClient>);

impl AskedAlertmanagers {
    /// Those of a configuration; none where it has none.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn of(loaded: &Loaded) -> Result<Option<Self>, ConfigError> {
        let clients = assemble::alertmanagers(loaded)?;
        Ok((!clients.is_empty()).then_some(Self(clients)))
    }
}

#[async_trait]
impl Silences for AskedAlertmanagers {
    async fn silenced(&self, alerts: &[SilenceQuery]) -> Result<Vec<Option<String>>, String> {
        let names = alerts.iter().filter_map(|alert| alert.labels.get(ALERT_NAME));
        let names: BTreeSet<&str> = names.map(String::as_str).collect();
        let snapshots = Snapshot::ask_about(&self.0, &names).await?;
        let why = |alert: &SilenceQuery| {
            snapshots.iter().find_map(|one| one.why_silenced(&alert.labels, &alert.key))
        };
        Ok(alerts.iter().map(why).collect())
    }
}
