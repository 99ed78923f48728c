//! A cluster in this process with many missed syncs, and a module that is exchanged.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};
use suture_cluster::socket::{Listener, Offer};
use suture_core::Digest;
use suture_scenario::Scenario;
use suture_simulator::SimulatedCluster;
use suture_tests::host::Host;
use suture_tests::time::PatientTime;

/// What hosts act on, and what they are told to.
pub struct SwapHarness {
    pub folder: tempfile::TempDir,
    pub cluster: SimulatedCluster,
    pub time: PatientTime,
    component: Vec<u8>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for SwapHarness {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl SwapHarness {
    /// A cluster with so many sources, none of which has synced when it should have. A sync
    /// takes three minutes.
    pub async fn new(sources: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let text = scenario(sources);
        let scenario = Scenario::parse(&text, Path::new("many.yaml"))?;
        let time = PatientTime::starting_at(scenario.fixture.now);
        let cluster = SimulatedCluster::new(scenario.fixture, time.clock())?;
        let listener = Listener::bind(&folder.path().join("cluster.sock")).await?;
        let serving = tokio::spawn(Offer::with_manual_time(cluster.clone(), time.manual()).serve(listener));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let built = suture_build::build(&root.join("policies/volsync"), None, &suture_build::Silent)?;
        Ok(Self { folder, cluster, time, component: std::fs::read(built.path)?, serving })
    }

    pub fn start(&self) -> anyhow::Result<Host> {
        Host::start_anywhere(self.folder.path(), CONFIG)
    }

    /// Put the shipped policy in its place, with a section at its end that means nothing: a
    /// module that no host has seen before. Its digest.
    pub fn swap(&self, number: usize) -> anyhow::Result<String> {
        let mut bytes = self.component.clone();
        bytes.extend([0, 10, 1, b'n']);
        bytes.extend(format!("{number:08}").as_bytes());
        let (new, place) = (self.path(".new"), self.path("volsync.wasm"));
        std::fs::write(&new, &bytes)?;
        std::fs::rename(new, place)?;
        Ok(Digest::of(&bytes).to_string())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How often policies changed each source.
    pub fn changes(&self, source: usize) -> usize {
        let name = name(source);
        let mutations = self.cluster.mutations();
        mutations.iter().filter(|done| !done.dry_run && done.object.name == name).count()
    }
}

pub fn name(source: usize) -> String {
    format!("app-{source:03}")
}

/// The notification that a source has missed its sync.
pub fn missed(source: usize) -> Value {
    json!({"alerts": [{"status": "firing", "startsAt": "2026-11-22T04:00:00Z", "labels": {
        "alertname": "VolSyncVolumeOutOfSync", "obj_namespace": "media", "obj_name": name(source),
        "role": "source", "method": "restic"}}]})
}

/// All that a host's API lists under a path.
pub async fn items(host: &Host, path: &str) -> anyhow::Result<Vec<Value>> {
    let page = host.json(path).await;
    page["items"].as_array().cloned().with_context(|| format!("{path}: {page}\n{}", host.log()))
}

const CONFIG: &str = r#"
cluster: {simulated: {socket: cluster.sock}}
budgets: {concurrentRuns: 100, runsPerHour: 10000, storm: 10000}
policies:
- name: volsync
  source: {file: volsync.wasm}
  mode: enforce
  confirm: none
  retry: {attempts: 1, settle: 24h}
  grants:
  - {groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [media]}
  - {groups: [batch], resources: [jobs], verbs: [get, list], namespaces: [media]}
  - {groups: [""], resources: [pods], verbs: [get, list], namespaces: ["*"]}
  - {groups: [snapshot.storage.k8s.io], resources: [volumesnapshots], verbs: [get, list], namespaces: [media]}
"#;

fn scenario(sources: usize) -> String {
    let object = |source| {
        format!(
            r#"  - apiVersion: volsync.backube/v1alpha1
    kind: ReplicationSource
    metadata: {{name: {0}, namespace: media}}
    spec: {{sourcePVC: data, trigger: {{schedule: "0 * * * *"}}, restic: {{repository: {0}, copyMethod: Snapshot}}}}
    status: {{lastSyncTime: 2026-11-21T22:03:00Z, nextSyncTime: 2026-11-22T05:00:00Z}}
"#,
            name(source)
        )
    };
    let objects: String = (0..sources).map(object).collect();
    format!(
        r#"name: many missed syncs
given:
  now: 2026-11-22T04:10:00Z
  objects:
{objects}
when:
- alert: {{labels: {{alertname: VolSyncVolumeOutOfSync, obj_namespace: media, obj_name: app-000, role: source, method: restic}}}}
reactions:
- when: {{verb: patch, kind: ReplicationSource, where: 'has(object.spec.trigger.manual)'}}
  after: 3m
  do:
  - patch:
      target: volsync.backube/v1alpha1 ReplicationSource NAMESPACE/NAME
      subresource: status
      body:
        status:
          lastManualSync: '${{object.spec.trigger.manual}}'
          lastSyncStartTime: null
          lastSyncTime: '${{now}}'
          latestMoverStatus: {{result: Successful, logs: ""}}
"#
    )
}
