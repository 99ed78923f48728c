//! From a configuration to the pieces of a host.

mod cluster;
mod pager;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use suture_cluster::{AlertmanagerClient, PrometheusClient};
use suture_core::{AlertRelabeling, Clock, Error, Labels, Program, RealClock};
use suture_engine::progress::Listeners;
use suture_engine::{ByPrometheus, Cluster, Confirm, PolicyConfig, RelabelingSource};
use suture_runtime::Compiler;
use tokio::sync::Mutex;

pub use cluster::prometheus;
pub(crate) use cluster::{Host, cluster, kubeconfig, offline};
pub(crate) use pager::pager;

use crate::config::{AlertmanagerConfig, ConfigError, ConfirmBy, Loaded, PolicyEntry};

/// A simulated cluster, and the clock that it lives by.
pub struct Simulated {
    /// The cluster.
    pub cluster: Arc<dyn Cluster>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
}

/// Makes a simulated cluster from a scenario file, for a speed of time.
pub type MakeSimulated = Arc<dyn Fn(&Path, f64) -> Result<Simulated, String> + Send + Sync>;

/// What a host needs beside its configuration.
#[derive(Clone)]
pub struct ServeOptions {
    /// Makes a simulated cluster: scenarios are read by a crate above this one.
    pub simulated: MakeSimulated,
    /// Who watches.
    pub listeners: Option<Listeners>,
    /// Who compiles modules.
    pub compiler: Compiler,
}

impl ServeOptions {
    /// Options with a way to make simulated clusters, and who compiles modules: for all that is
    /// shipped, [`Compiler::this_program`].
    pub fn new(simulated: MakeSimulated, compiler: Compiler) -> Self {
        Self { simulated, listeners: None, compiler }
    }
}

/// How alerts are confirmed, where a policy wants them to be. Its key is what tells its
/// incidents apart; none while there is no module.
///
/// # Errors
/// What is wrong with Prometheus's URL or access; or a key that is asked for, and is none.
pub fn confirm(loaded: &Loaded, entry: &PolicyEntry, key: Option<&[String]>) -> Result<Confirm, ConfigError> {
    let key: Option<BTreeSet<String>> = match (entry.confirm, key) {
        (ConfirmBy::None, _) => return Ok(Confirm::None),
        (ConfirmBy::Key, Some([])) => {
            let message = format!(
                "policy `{}` has `confirm: {{by: key}}`, and its manifest names no key: each alert is an incident of its \
                 own; leave `confirm` out, and see `prometheus.dropLabels`",
                entry.name.value
            );
            return Err(loaded.error(entry.name.referenced, message));
        }
        (ConfirmBy::Key, Some(key)) => Some(key.iter().cloned().collect()),
        (ConfirmBy::Key, None) | (ConfirmBy::Prometheus, _) => None,
    };
    let relabeling: Arc<dyn RelabelingSource> = match (&loaded.config.prometheus, prometheus(loaded)?) {
        (Some(config), Some(client)) => {
            let (given, ignored) = (config.external_labels.clone(), config.drop_labels.clone());
            Arc::new(OfPrometheus { client, given, ignored, known: Mutex::default() })
        }
        (Some(_) | None, _) => Arc::new(AlertRelabeling::default()),
    };
    Ok(Confirm::Prometheus(ByPrometheus { relabeling, key }))
}

/// What a Prometheus does to labels: as it is configured here, or else as it says itself.
struct OfPrometheus {
    client: PrometheusClient,
    given: Option<Labels>,
    ignored: BTreeSet<String>,
    /// What it said last, and when.
    known: Mutex<Option<(Instant, AlertRelabeling)>>,
}

/// For how long what a Prometheus said of itself is believed: it is asked about many alerts.
const KNOWN_FOR: Duration = Duration::from_secs(60);

impl OfPrometheus {
    /// One asks, and the others wait for the answer. What was true a while ago is better than none.
    async fn asked(&self) -> Result<AlertRelabeling, Error> {
        let mut known = self.known.lock().await;
        if let Some((at, relabeling)) = &*known
            && at.elapsed() < KNOWN_FOR
        {
            return Ok(relabeling.clone());
        }
        let before = known.as_ref().map(|(_, relabeling)| relabeling.clone());
        let relabeling = match (self.client.relabeling().await, before) {
            (Ok(Some(relabeling)), _) => relabeling,
            (Ok(None), before) => before.unwrap_or_default(),
            (Err(_), Some(before)) => return Ok(before),
            (Err(error), None) => return Err(error),
        };
        *known = Some((Instant::now(), relabeling.clone()));
        Ok(relabeling)
    }
}

#[async_trait]
impl RelabelingSource for OfPrometheus {
    async fn relabeling(&self) -> Result<AlertRelabeling, Error> {
        let mut relabeling = match &self.given {
            Some(external) => external.clone().into(),
            None => self.asked().await?,
        };
        relabeling.ignored.extend(self.ignored.iter().cloned());
        Ok(relabeling)
    }
}

/// The Alertmanagers of a configuration.
///
/// # Errors
/// What is wrong with a URL, or with how one is let in.
pub(crate) fn alertmanagers(loaded: &Loaded) -> Result<Vec<AlertmanagerClient>, ConfigError> {
    let client = |config: &AlertmanagerConfig| {
        AlertmanagerClient::with_access(&config.url.value, config.access(loaded)?, Arc::new(RealClock))
            .map(|client| client.noting(loaded.contacts.clone()))
            .map_err(|error| loaded.error(config.url.referenced, error))
    };
    loaded.config.alertmanagers().map(client).collect()
}

/// What the operator says of a policy, for a module: its settings are checked and filled in
/// by the module's schema.
///
/// # Errors
/// Where its settings don't fit the module; or a Prometheus that can't be asked.
pub(crate) fn policy_config(
    loaded: &Loaded,
    entry: &PolicyEntry,
    program: &dyn Program,
) -> Result<PolicyConfig, ConfigError> {
    let config = unfilled(loaded, entry)?;
    let settings = program.manifest().settings_schema.fill(config.settings).map_err(|error| {
        let first = error.0.first().map(|error| error.path.as_str()).unwrap_or_default();
        let at = loaded.place_of_setting(entry, first);
        loaded.error(at, format!("the settings of policy `{}`: {error}", entry.name.value))
    })?;
    let confirm = confirm(loaded, entry, Some(&program.manifest().key))?;
    Ok(PolicyConfig { settings, confirm, ..config })
}

/// The same while there is no module: the settings are as they were written.
///
/// # Errors
/// A Prometheus that can't be asked.
pub(crate) fn unfilled(loaded: &Loaded, entry: &PolicyEntry) -> Result<PolicyConfig, ConfigError> {
    let settings = entry.settings.as_ref();
    Ok(PolicyConfig {
        name: entry.name.value.clone(),
        mode: entry.mode,
        matchers: entry.matchers.clone(),
        instead_of_manifest: entry.instead_of_manifest.clone(),
        confirm: confirm(loaded, entry, None)?,
        trust: entry.trust.clone(),
        settings: settings.map_or_else(|| serde_json::json!({}), |settings| settings.value.clone()),
        grants: entry.grants.iter().map(|grant| grant.value.clone()).collect(),
        limits: entry.limits.clone(),
        retry: entry.retry.clone(),
        approval: entry.approval.value.clone(),
    })
}
