//! The main job on real input: a real Prometheus fires, a real Alertmanager posts, the
//! host repairs, the metric follows, the alert resolves, the incident closes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use suture_core::{Clock, RealClock, ScaledClock};
use suture_scenario::Scenario;
use suture_server::{Compiler, ServeOptions, Server, Simulated};
use suture_simulator::SimulatedCluster;
use suture_tests::alertmanager::Alertmanager;
use suture_tests::prometheus::Prometheus;
use suture_tests::{metric, process::eventually};

const TOKEN: &str = "a-token-for-the-webhook";
const PATIENCE: Duration = Duration::from_secs(60);

/// The shipped policy, built by the real build chain.
fn component() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let built = suture_build::build(&root.join("policies/volsync"), None, &suture_build::Silent)?;
    Ok(built.path)
}

/// A host on a simulated cluster, between a real Prometheus and a real Alertmanager.
struct RepairHarness {
    server: Server,
    cluster: SimulatedCluster,
    alertmanager: Alertmanager,
    _prometheus: Prometheus,
    dir: tempfile::TempDir,
}

impl RepairHarness {
    async fn start(fixture: &str) -> anyhow::Result<Self> {
        Self::posted_to(fixture, |server| format!("http://{}/hooks", server.webhook_addr())).await
    }

    /// The same, with Alertmanager posting to a place that depends on the host.
    async fn posted_to(fixture: &str, place: impl FnOnce(&Server) -> String) -> anyhow::Result<Self> {
        // Two seconds of the test's time.
        Self::reconciled(fixture, place, "40s").await
    }

    /// The same, with Alertmanager being asked now and then for what never came.
    async fn reconciled(
        fixture: &str,
        place: impl FnOnce(&Server) -> String,
        every: &str,
    ) -> anyhow::Result<Self> {
        let component = component()?;
        let dir = tempfile::tempdir()?;
        let root = dir.path();
        // An hour of the cluster's time is half a minute of the test's.
        let clock: Arc<dyn Clock> = Arc::new(ScaledClock::starting_at(RealClock.now(), 20.0));
        let mut scenario = Scenario::parse(fixture, Path::new("fixture.yaml"))?;
        scenario.fixture.now = clock.now();
        let cluster = SimulatedCluster::new(scenario.fixture, clock.clone())?;
        let target = metric::serve(cluster.clone()).await?;
        let alertmanager_address = Alertmanager::reserve()?;
        let prometheus = Prometheus::start(root, target, alertmanager_address).await?;
        std::fs::write(root.join("token"), TOKEN)?;
        let config = format!(
            r#"
listen: 127.0.0.1:0
admin: {{listen: 127.0.0.1:0}}
webhook: {{tokenFile: token, reconcileEvery: {every}}}
storage: {{path: state}}
cluster: {{simulated: {{scenario: unused.yaml}}}}
prometheus: {{url: http://{prometheus}}}
alertmanager: {{url: http://{alertmanager_address}}}
policies:
- name: volsync
  source: {{file: {component}}}
  mode: enforce
  grants:
  - {{groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [media]}}
  - {{groups: [""], resources: [pods, pods/log], verbs: [get, list], namespaces: [media]}}
  - {{groups: [batch], resources: [jobs], verbs: [get, list], namespaces: [media]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshots], verbs: [get, list, patch, delete], namespaces: [media]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents], verbs: [get]}}
"#,
            prometheus = prometheus.address,
            component = component.display(),
        );
        std::fs::write(root.join("suture.yaml"), config)?;
        let (shared, time) = (cluster.clone(), clock.clone());
        let options = ServeOptions::new(
            Arc::new(move |_: &Path, _: f64| {
                Ok(Simulated { cluster: Arc::new(shared.clone()), clock: time.clone() })
            }),
            Compiler::InProcess,
        );
        let server = Server::start(&root.join("suture.yaml"), options).await?;
        let webhook = place(&server);
        let alertmanager = Alertmanager::start(root, alertmanager_address, &webhook, TOKEN).await?;
        Ok(Self { server, cluster, alertmanager, _prometheus: prometheus, dir })
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let url = format!("http://{}{path}", self.server.admin_addr());
        Ok(reqwest::get(url).await?.error_for_status()?.json().await?)
    }

    async fn sweep(&self) -> anyhow::Result<Value> {
        let url = format!("http://{}/api/v1/policies/volsync/sweep", self.server.admin_addr());
        Ok(reqwest::Client::new()
            .post(url)
            .json(&serde_json::json!({}))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }

    /// Wait until Alertmanager has the alert of the policy.
    async fn fires(&self) -> anyhow::Result<()> {
        let there = eventually(PATIENCE, async || {
            let alerts = self.alertmanager.alerts().await.unwrap_or_default();
            alerts.iter().any(|alert| alert["labels"]["alertname"] == "VolSyncVolumeOutOfSync")
        });
        anyhow::ensure!(there.await, "Alertmanager never has the alert");
        Ok(())
    }

    /// Wait until the one incident stands there; then it.
    async fn until(&self, state: &str) -> anyhow::Result<Value> {
        let mut last = Value::Null;
        let there = eventually(PATIENCE, async || {
            last = self.get("/api/v1/incidents").await.unwrap_or_default()["items"].clone();
            last[0]["state"] == state
        });
        anyhow::ensure!(there.await, "the incident is never `{state}`: {last:#}");
        Ok(last[0].clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_lock_is_removed_the_backup_runs_and_the_alert_resolves() -> anyhow::Result<()> {
    let harness = RepairHarness::start(include_str!("../fixtures/stale-lock.yaml")).await?;
    let incident = harness.until("resolved").await?;
    assert!(incident["closedAt"].is_string(), "{incident:#}");
    let source = harness.cluster.object(
        &"volsync.backube/v1alpha1 ReplicationSource media/plex".parse().map_err(anyhow::Error::msg)?,
    );
    let source = source.context("the source is gone")?;
    assert!(source["spec"]["restic"]["unlock"].is_string(), "it was unlocked the native way");
    assert!(source.pointer("/spec/trigger/manual").is_none(), "the schedule is back");
    let run =
        harness.get(&format!("/api/v1/runs/{}", incident["runs"][0].as_str().context("no run")?)).await?;
    assert_eq!(run["outcome"], "remediated");
    assert!(run["effects"].as_array().is_some_and(|effects| effects.len() > 5));
    assert!(
        eventually(PATIENCE, async || harness
            .alertmanager
            .alerts()
            .await
            .is_ok_and(|alerts| alerts.is_empty()))
        .await
    );
    let metrics =
        reqwest::get(format!("http://{}/metrics", harness.server.admin_addr())).await?.text().await?;
    assert!(metrics.contains(r#"suture_runs_total{policy="volsync",outcome="remediated"} 1"#), "{metrics}");
    harness.server.stop(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_whose_holder_is_alive_is_left_alone_and_people_hear_of_it() -> anyhow::Result<()> {
    let harness = RepairHarness::start(include_str!("../fixtures/live-lock.yaml")).await?;
    let incident = harness.until("escalated").await?;
    assert!(harness.cluster.mutations().is_empty(), "nothing was touched");
    let told = eventually(PATIENCE, async || {
        let alerts = harness.alertmanager.alerts().await.unwrap_or_default();
        alerts.iter().any(|alert| {
            alert["labels"]["alertname"] == "SutureEscalation" && alert["labels"]["obj_name"] == "plex"
        })
    });
    assert!(told.await, "no escalation in Alertmanager for {incident:#}");
    harness.server.stop(Duration::from_secs(5)).await;
    Ok(())
}

mod dashboards;
mod path;

/// Nobody listens there: no route leads to the host.
fn nowhere(_: &Server) -> String {
    "http://127.0.0.1:9/hooks".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fires_and_no_route_leads_here_is_repaired_by_a_sweep() -> anyhow::Result<()> {
    let harness = RepairHarness::posted_to(include_str!("../fixtures/stale-lock.yaml"), nowhere).await?;
    harness.fires().await?;
    assert_eq!(harness.get("/api/v1/incidents").await?["items"], serde_json::json!([]));
    let swept = harness.sweep().await?;
    assert_eq!(
        (&swept["accepted"], &swept["alerts"][0]["result"]),
        (&1.into(), &"accepted".into()),
        "{swept:#}"
    );
    let known = harness.alertmanager.alerts().await?;
    let fingerprint = known
        .iter()
        .find(|alert| alert["labels"]["obj_name"] == "plex")
        .map(|alert| alert["fingerprint"].clone());
    let incident = harness.until("resolved").await?;
    assert_eq!(Some(incident["fingerprint"].clone()), fingerprint, "{incident:#}");
    harness.server.stop(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn posted_and_swept_is_one_incident_and_what_is_silenced_is_left_alone() -> anyhow::Result<()> {
    let harness = RepairHarness::start(include_str!("../fixtures/live-lock.yaml")).await?;
    harness.until("escalated").await?;
    let swept = harness.sweep().await?;
    assert_eq!(
        (&swept["accepted"], &swept["alerts"][0]["result"]),
        (&0.into(), &"known".into()),
        "{swept:#}"
    );
    assert_eq!(harness.get("/api/v1/incidents").await?["items"].as_array().map(Vec::len), Some(1));
    harness.server.stop(Duration::from_secs(5)).await;

    let harness = RepairHarness::posted_to(include_str!("../fixtures/stale-lock.yaml"), nowhere).await?;
    harness.fires().await?;
    harness.alertmanager.silence("alertname", "VolSyncVolumeOutOfSync").await?;
    let quiet = eventually(PATIENCE, async || {
        harness.sweep().await.is_ok_and(|swept| swept["alerts"][0]["result"] == "suppressed")
    });
    assert!(quiet.await, "{:#}", harness.sweep().await?);
    assert_eq!(harness.get("/api/v1/incidents").await?["items"], serde_json::json!([]));
    harness.server.stop(Duration::from_secs(5)).await;
    Ok(())
}
