//! From a configuration to the pieces of a host.

mod cluster;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use suture_cluster::{AlertmanagerClient, PostedAlert, PrometheusClient};
use suture_core::{Clock, Grant, Labels, Program, RealClock};
use suture_engine::confirm::ExternalLabels;
use suture_engine::progress::Listeners;
use suture_engine::{Cluster, Confirm, NoPager, Page, Pager, Policy, PolicyConfig};
use suture_runtime::{ModuleCache, Runtime};

pub(crate) use cluster::{Host, cluster, offline, prometheus};

use crate::config::{ConfigError, ConfirmBy, Loaded, PolicyEntry, Source};

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
}

impl ServeOptions {
    /// Options with a way to make simulated clusters.
    pub fn new(simulated: MakeSimulated) -> Self {
        Self { simulated, listeners: None }
    }
}

/// How alerts are confirmed, where a policy wants them to be.
fn confirm(loaded: &Loaded, by: ConfirmBy) -> Result<Confirm, ConfigError> {
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

/// How people are told.
pub(crate) fn pager(loaded: &Loaded) -> Result<Arc<dyn Pager>, ConfigError> {
    let Some(config) = &loaded.config.alertmanager else { return Ok(Arc::new(NoPager)) };
    let client = AlertmanagerClient::new(&config.url.value, Arc::new(RealClock))
        .map_err(|error| loaded.error(config.url.referenced, error.to_string()))?;
    Ok(Arc::new(ToAlertmanager(client)))
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

/// A policy, put together.
pub(crate) struct Assembled {
    /// It; not loaded where its module can't be, or its settings don't fit the module.
    pub policy: Policy,
    /// Why its settings don't fit.
    pub unfit: Option<ConfigError>,
}

/// One policy: its component, checked, and its settings, filled in. What is wrong with
/// one policy is its own status, and keeps no other from its work.
///
/// # Errors
/// What is wrong with more than this policy.
pub(crate) async fn policy(
    loaded: &Loaded,
    entry: &PolicyEntry,
    runtime: &Runtime,
    cache: Option<&ModuleCache>,
    clock: &dyn Clock,
) -> Result<Assembled, ConfigError> {
    let file = source(loaded, entry)?;
    let mut program = program(loaded, entry, runtime, cache).await?;
    let mut settings =
        entry.settings.as_ref().map_or_else(|| serde_json::json!({}), |settings| settings.value.clone());
    let mut unfit = None;
    if let Ok(module) = &program {
        match module.manifest().settings_schema.fill(settings.clone()) {
            Ok(filled) => settings = filled,
            Err(error) => {
                let at = entry.settings.as_ref().map_or(entry.name.referenced, |given| given.referenced);
                let error =
                    loaded.error(at, format!("the settings of policy `{}`: {error}", entry.name.value));
                program = Err(error.in_a_line());
                unfit = Some(error);
            }
        }
    }
    let grants: Vec<Grant> = entry.grants.iter().map(|grant| grant.value.clone()).collect();
    let config = PolicyConfig {
        name: entry.name.value.clone(),
        mode: entry.mode,
        matchers: entry.matchers.clone(),
        confirm: confirm(loaded, entry.confirm)?,
        trust: entry.trust.clone(),
        settings,
        grants,
        limits: entry.limits.clone(),
        retry: entry.retry.clone(),
    };
    let source = format!("file:{}", file.display());
    Ok(Assembled { policy: Policy { config, program, source, loaded_at: clock.now() }, unfit })
}

/// The component of one policy; or why it can't be loaded.
///
/// # Errors
/// What is wrong with more than this policy.
pub(crate) async fn program(
    loaded: &Loaded,
    entry: &PolicyEntry,
    runtime: &Runtime,
    cache: Option<&ModuleCache>,
) -> Result<Result<Arc<dyn Program>, String>, ConfigError> {
    Ok(load(&source(loaded, entry)?, runtime, cache).await)
}

fn source(loaded: &Loaded, entry: &PolicyEntry) -> Result<PathBuf, ConfigError> {
    match &entry.source.value {
        Source::File(file) => Ok(loaded.path(file)),
        Source::Folder(_) | Source::Oci(_) => {
            Err(loaded.error(entry.source.referenced, "this source is not in this version; use `file`"))
        }
    }
}

async fn load(
    file: &Path,
    runtime: &Runtime,
    cache: Option<&ModuleCache>,
) -> Result<Arc<dyn Program>, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let metadata = tokio::fs::metadata(file).await.map_err(|error| named(&error))?;
    if metadata.len() > suture_runtime::MAX_COMPONENT_BYTES as u64 {
        return Err(named(&format!("it has {} bytes, too many for a component", metadata.len())));
    }
    let bytes = tokio::fs::read(file).await.map_err(|error| named(&error))?;
    let module = runtime.load(&bytes, cache).await.map_err(|error| named(&error))?;
    Ok(Arc::new(module))
}
