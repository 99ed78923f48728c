//! Our side: the whole host, with its journal on disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;
use suture_cluster::live::{Connection, LiveCluster, LiveConfig};
use suture_core::{Clock, Limits, Matchers, Mode, Notification, Program, RealClock};
use suture_engine::{
    Budgets, Confirm, Engine, EngineConfig, Metrics, NoPager, Policy, PolicyConfig, Progress, Retry,
};
use suture_journal::Journal;
use suture_runtime::{Compiler, Runtime};
use tokio::sync::broadcast;

use super::fixture::{RepairFixture, Requests, sources};
use crate::policy::{COMPONENT, component};

pub struct Suture {
    program: Arc<dyn Program>,
    cluster: Arc<LiveCluster>,
    pub requests: Requests,
}

impl Suture {
    pub async fn new(fixture: &RepairFixture) -> anyhow::Result<Self> {
        let bytes = component()?;
        let program = Arc::new(Runtime::new(Compiler::InProcess)?.load(&bytes, None).await?);
        let (client, requests) = fixture.client().await?;
        let connection =
            Connection { client, namespace: fixture.namespace.clone(), url: fixture.plane.url() };
        // Neither side limits its own rate: the work is measured, not the patience.
        let config = LiveConfig { requests_per_second: 100_000, burst: 100_000, ..LiveConfig::default() };
        let cluster = Arc::new(LiveCluster::new(connection, &config, Arc::new(RealClock)));
        Ok(Self { program, cluster, requests })
    }

    /// One notification with an alert for each source; the time until all are repaired.
    pub async fn repair(&self, fixture: &RepairFixture) -> anyhow::Result<Duration> {
        let folder = tempfile::tempdir()?;
        let clock: Arc<dyn Clock> = Arc::new(RealClock);
        let (listeners, mut progress) = broadcast::channel(10_000);
        let engine = Engine::start(EngineConfig {
            policies: vec![Arc::new(self.policy(&*clock)?)],
            kept: None,
            journal: Journal::open(folder.path(), clock.clone())?,
            cluster: self.cluster.clone(),
            clock: clock.clone(),
            pager: Arc::new(NoPager),
            silences: None,
            metrics: Metrics::new("bench"),
            budgets: Budgets { storm: usize::MAX, ..Budgets::default() },
            max_pending: 1000,
            max_pending_bytes: u64::MAX,
            telling: suture_engine::Telling::default(),
            retention: Duration::from_secs(3600),
            listeners: Some(listeners),
            held: BTreeMap::new(),
        })
        .await?;
        let alerts = sources().map(|name| {
            json!({"status": "firing", "startsAt": "2026-11-22T04:00:00Z", "fingerprint": name,
                "labels": {"alertname": "VolSyncVolumeOutOfSync", "obj_namespace": fixture.namespace,
                    "obj_name": name, "role": "source", "method": "restic"}})
        });
        let notification = json!({"alerts": alerts.collect::<Vec<_>>()});
        let body = serde_json::to_vec(&notification)?;
        let notification: Notification = serde_json::from_value(notification)?;
        let began = Instant::now();
        engine.accept(None, &notification, body).await?;
        let mut left = sources().count();
        while left > 0 {
            if let Progress::Ended(run) = progress.recv().await? {
                ensure!(run.outcome.as_deref() == Some("remediated"), "{:?}", run.summary);
                left -= 1;
            }
        }
        let took = began.elapsed();
        engine.shutdown(Duration::from_secs(1)).await;
        engine.journal().close().await?;
        Ok(took)
    }

    fn policy(&self, clock: &dyn Clock) -> anyhow::Result<Policy> {
        let manifest = self.program.manifest();
        let grants = manifest.permissions.iter().map(|permission| {
            json!({"groups": permission.groups, "resources": permission.resources,
                "verbs": permission.verbs, "namespaces": ["*"]})
        });
        let config = PolicyConfig {
            name: "volsync".to_owned(),
            mode: Mode::Enforce,
            matchers: Matchers::default(),
            instead_of_manifest: None,
            confirm: Confirm::None,
            trust: None,
            settings: manifest.settings_schema.fill(json!({})).map_err(anyhow::Error::msg)?,
            grants: serde_json::from_value(grants.collect())?,
            limits: Limits::default(),
            approval: Default::default(),
            retry: Retry::default(),
        };
        let program = Ok(self.program.clone());
        Ok(Policy {
            config,
            program,
            source: COMPONENT.to_owned(),
            loaded_at: clock.now(),
            trouble: None,
            candidate: None,
        })
    }
}
