//! A cluster in this process, and hosts in others that act on it: each is killed when it is
//! at a certain point, and the next one goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use suture_cluster::socket::{Listener, Offer};
use suture_core::clock::Timestamp;
use suture_core::{Alert, AlertStatus, Clock, RealClock};
use suture_scenario::Scenario;
use suture_simulator::SimulatedCluster;
use suture_tests::gate::{Gated, Point, Stop};
use suture_tests::host::Host;
use suture_tests::pages::Pages;
use suture_tests::time::PatientTime;

use crate::end::End;

/// When a host hangs, on any machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is played.
pub struct Play {
    /// A scenario of the policy.
    pub scenario: &'static str,
    /// What is changed in its text.
    pub instead: &'static [(&'static str, &'static str)],
    /// The policy's settings.
    pub settings: &'static str,
    /// What somebody else does to the cluster while no host is there.
    pub meanwhile: fn(&SimulatedCluster),
}

/// When hosts are killed.
pub enum Kills {
    /// When they come to these points.
    At(Stop),
    /// When they have lived for so long, one after another; the last is not killed.
    After(Vec<Duration>),
}

/// A case that is over.
pub struct Played {
    /// How it ended.
    pub end: End,
    /// Where the requests of all hosts came to.
    pub passed: Vec<Point>,
    /// Where hosts were killed.
    pub killed: Vec<Point>,
}

/// What cases share: the component, and what a host has compiled of it.
pub struct Shared {
    component: PathBuf,
    modules: Option<tempfile::TempDir>,
}

impl Shared {
    /// Build the policy, and let a host compile it.
    pub async fn new() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let component =
            suture_build::build(&root.join("policies/volsync"), None, &suture_build::Silent)?.path;
        let shared = Self { component, modules: None };
        let folder = tempfile::tempdir()?;
        CrashHarness::start(&shared, &crate::STALE_LOCK, folder.path(), Kills::After(Vec::new()))
            .await?
            .compiled()
            .await?;
        Ok(Self { modules: Some(folder), ..shared })
    }

    /// A folder for the hosts of a case.
    fn prepare(&self, folder: &Path) -> anyhow::Result<()> {
        let Some(compiled) = &self.modules else { return Ok(()) };
        let (from, to) = (compiled.path().join("state/modules"), folder.join("state/modules"));
        std::fs::create_dir_all(&to)?;
        std::fs::set_permissions(&to, std::fs::metadata(&from)?.permissions())?;
        for module in std::fs::read_dir(from)? {
            let module = module?;
            std::fs::copy(module.path(), to.join(module.file_name()))?;
        }
        Ok(())
    }

    /// Play a scenario to its end.
    pub async fn play(&self, play: &Play, kills: Kills) -> anyhow::Result<Played> {
        let folder = tempfile::tempdir()?;
        self.prepare(folder.path())?;
        let mut harness = CrashHarness::start(self, play, folder.path(), kills).await?;
        harness.play().await.with_context(|| format!("killed: {:#?}\n{}", harness.killed, log(folder.path())))
    }
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("suture.log")).unwrap_or_default()
}

struct CrashHarness<'a> {
    folder: &'a Path,
    config: String,
    time: PatientTime,
    cluster: SimulatedCluster,
    gate: Arc<Gated>,
    stops: tokio::sync::mpsc::UnboundedReceiver<Point>,
    lives: std::vec::IntoIter<Duration>,
    pages: Pages,
    alert: Alert,
    began: Timestamp,
    is_posted: bool,
    killed: Vec<Point>,
    meanwhile: fn(&SimulatedCluster),
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for CrashHarness<'_> {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl<'a> CrashHarness<'a> {
    async fn start(shared: &Shared, play: &Play, folder: &'a Path, kills: Kills) -> anyhow::Result<Self> {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/volsync/scenarios").join(play.scenario);
        let mut text = std::fs::read_to_string(&file)?;
        for (there, instead) in play.instead {
            ensure!(text.contains(there), "{}: no `{there}`", play.scenario);
            text = text.replace(there, instead);
        }
        let scenario = Scenario::parse(&text, &file)?;
        let began = scenario.fixture.now;
        let alert = Alert::clone(&scenario.when.first().context("no alert")?.alert);
        let time = PatientTime::starting_at(began);
        let cluster = SimulatedCluster::new(scenario.fixture, time.clock())?;
        cluster.set_alert(&alert);
        let (stop, lives): (Stop, _) = match kills {
            Kills::At(stop) => (stop, Vec::new()),
            Kills::After(lives) => (Box::new(|_| false), lives),
        };
        let firing = alert.clone();
        let (gate, stops) = Gated::new(cluster.clone(), stop, move |cluster| follow(cluster, &firing, began));
        let listener = Listener::bind(&folder.join("cluster.sock")).await?;
        let serving = tokio::spawn(Offer::with_manual_time(gate.clone(), time.manual()).serve(listener));
        let pages = Pages::listen().await?;
        let config = format!(
            r#"
cluster: {{simulated: {{socket: cluster.sock}}}}
alertmanager: {{url: "{pages}"}}
policies:
- name: volsync
  source: {{file: {component}}}
  mode: enforce
  settings: {settings}
  retry: {{attempts: 1, settle: 60s}}
  grants:
  - {{groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [media]}}
  - {{groups: [batch], resources: [jobs], verbs: [get, list], namespaces: [media]}}
  - {{groups: [""], resources: [pods], verbs: [get, list], namespaces: ["*"]}}
  - {{groups: [""], resources: [pods/log], verbs: [get], namespaces: [media]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshots], verbs: [get, list, patch, delete], namespaces: [media]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents], verbs: [get]}}
"#,
            pages = pages.url,
            component = shared.component.display(),
            settings = play.settings,
        );
        let lives = lives.into_iter();
        Ok(Self {
            folder,
            config,
            time,
            cluster,
            gate,
            stops,
            lives,
            pages,
            alert,
            began,
            is_posted: false,
            killed: Vec::new(),
            meanwhile: play.meanwhile,
            serving,
        })
    }

    /// Wait until a host has compiled the policy.
    async fn compiled(&mut self) -> anyhow::Result<()> {
        let mut host = Host::start_anywhere(self.folder, &self.config)?;
        host.listens().await?;
        host.kill().await
    }

    /// Host after host, until there is nothing left to do.
    async fn play(&mut self) -> anyhow::Result<Played> {
        loop {
            let mut host = Host::start_anywhere(self.folder, &self.config)?;
            let life = self.lives.next();
            let (stops, is_posted) = (&mut self.stops, &mut self.is_posted);
            let (time, alert) = (&self.time, &self.alert);
            #[expect(clippy::disallowed_methods, reason = "other programs live in real time")]
            let end_of_life = async {
                match life {
                    Some(life) => tokio::time::sleep(life).await,
                    None => std::future::pending().await,
                }
            };
            let seen = tokio::select! {
                Some(point) = stops.recv() => {
                    self.killed.push(point);
                    None
                }
                () = end_of_life => None,
                seen = post_until_over(&mut host, time, alert, is_posted) => Some(seen?),
            };
            host.kill().await?;
            let Some((incident, runs)) = seen else {
                (self.meanwhile)(&self.cluster);
                continue;
            };
            let changes = self.cluster.version();
            let late = self.gate.release().await;
            ensure!(
                self.cluster.version() == changes,
                "a request of a dead host arrives late, and changes something: {late:#?}"
            );
            let state = self.folder.join("state");
            let pages = self.pages.received();
            let end = End::read(incident, runs, &self.cluster, &state, pages, self.began).await?;
            return Ok(Played { end, passed: self.gate.passed(), killed: std::mem::take(&mut self.killed) });
        }
    }
}

/// What Prometheus would see: the alert is gone once a backup was made.
fn follow(cluster: &SimulatedCluster, alert: &Alert, began: Timestamp) {
    let sources = cluster.objects().into_iter().filter(|object| object["kind"] == "ReplicationSource");
    let synced = |source: &Value| source.pointer("/status/lastSyncTime")?.as_str()?.parse::<Timestamp>().ok();
    if sources.filter_map(|source| synced(&source)).any(|synced| synced > began) {
        cluster.set_alert(&Alert {
            status: AlertStatus::Resolved,
            ends_at: Some(RealClock.now()),
            ..alert.clone()
        });
    }
}

/// What Alertmanager would do, and whoever looks at the API: post the alert until it is
/// accepted, and wait until its incident is over. The incident, and its runs.
async fn post_until_over(
    host: &mut Host,
    time: &PatientTime,
    alert: &Alert,
    is_posted: &mut bool,
) -> anyhow::Result<(Value, Vec<Value>)> {
    host.listens().await?;
    let host = &*host;
    let mut incident = Value::Null;
    let is_over = time.pass_until(host, PATIENCE, async || {
        if !*is_posted {
            let answer = host.post("/hooks", &json!({"alerts": [alert]})).await;
            *is_posted = answer.is_ok_and(|status| status == 200);
            return false;
        }
        incident = host.json("/api/v1/incidents").await["items"][0].clone();
        match incident["state"].as_str() {
            Some("resolved" | "unnecessary" | "failed" | "cancelled") => true,
            Some("escalated") => incident["paged"] == true,
            _ => false,
        }
    });
    ensure!(is_over.await, "it comes to no end: {incident:#}");
    let mut runs = Vec::new();
    for id in incident["runs"].as_array().into_iter().flatten() {
        runs.push(host.json(&format!("/api/v1/runs/{}", id.as_str().context("no id")?)).await);
    }
    Ok((incident, runs))
}
