//! From a configuration to the pieces of a host.

mod cluster;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use suture_cluster::{AlertmanagerClient, PostedAlert, PrometheusClient};
use suture_core::{Clock, Labels, Program, RealClock};
use suture_engine::confirm::ExternalLabels;
use suture_engine::progress::Listeners;
use suture_engine::{Cluster, Confirm, NoPager, Page, Pager, PolicyConfig};
use suture_runtime::Compiler;

pub(crate) use cluster::{Host, cluster, kubeconfig, offline, prometheus};

use crate::config::{ConfigError, ConfirmBy, Loaded, PolicyEntry};

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

/// How alerts are confirmed, where a policy wants them to be.
///
/// # Errors
/// What is wrong with Prometheus's URL.
pub fn confirm(loaded: &Loaded, by: ConfirmBy) -> Result<Confirm, ConfigError> {
    if by == ConfirmBy::None {
        return Ok(Confirm::None);
    }
    let given = loaded.config.prometheus.as_ref().and_then(|config| config.external_labels.clone());
    Ok(match (given, prometheus(loaded)?) {
        (Some(labels), _) => Confirm::Prometheus(Arc::new(labels)),
        (None, Some(client)) => Confirm::Prometheus(Arc::new(FromPrometheus(client))),
        (None, None) => Confirm::prometheus(),
    })
}

/// Reads external labels where they are configured: in Prometheus itself.
struct FromPrometheus(PrometheusClient);

#[async_trait]
impl ExternalLabels for FromPrometheus {
    async fn external_labels(&self) -> Labels {
        self.0.external_labels().await
    }
}

/// The Alertmanager of a configuration, if it has one.
pub(crate) fn alertmanager(loaded: &Loaded) -> Result<Option<AlertmanagerClient>, ConfigError> {
    let Some(config) = &loaded.config.alertmanager else { return Ok(None) };
    AlertmanagerClient::new(&config.url.value, Arc::new(RealClock))
        .map(Some)
        .map_err(|error| loaded.error(config.url.referenced, error))
}

/// How people are told.
pub(crate) fn pager(loaded: &Loaded) -> Result<Arc<dyn Pager>, ConfigError> {
    Ok(match alertmanager(loaded)? {
        Some(client) => Arc::new(ToAlertmanager(client)),
        None => Arc::new(NoPager),
    })
}

struct ToAlertmanager(AlertmanagerClient);

#[async_trait]
impl Pager for ToAlertmanager {
    async fn page(&self, page: &Page) -> Result<(), String> {
        let alert = PostedAlert {
            labels: page.labels.clone(),
            annotations: page.annotations.clone(),
            starts_at: page.starts_at,
            ends_at: page.ends_at,
            generator_url: String::new(),
        };
        self.0.post_alert(&alert).await
    }
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
    Ok(PolicyConfig { settings, ..config })
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
        confirm: confirm(loaded, entry.confirm)?,
        trust: entry.trust.clone(),
        settings: settings.map_or_else(|| serde_json::json!({}), |settings| settings.value.clone()),
        grants: entry.grants.iter().map(|grant| grant.value.clone()).collect(),
        limits: entry.limits.clone(),
        retry: entry.retry.clone(),
    })
}
