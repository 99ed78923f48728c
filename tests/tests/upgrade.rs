//! A newer build goes on with what an older one left: the journal, the kept modules and the
//! open runs of `fixtures/journal-0.1`, which the first build that people could have wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use suture_cluster::socket::{Listener, Offer};
use suture_core::{Clock, ScaledClock};
use suture_scenario::Scenario;
use suture_simulator::SimulatedCluster;
use suture_tests::host::Host;
use suture_tests::left::nothing_is_left;
use suture_tests::process::eventually;

const PATIENCE: Duration = Duration::from_secs(60);
/// Its sync came while the host was dead.
const PLEX: &str = "01m80q4s229wgj0973hmtcreb9";
/// Its sync never comes.
const RADARR: &str = "01m80q4s2x9vf8ysy2j6f4e1bs";
/// Its Job is at work.
const HEAL: &str = "01m80q4s4n7zttg2ksq4nkrzvn";
/// It had ended before the host died.
const SONARR: &str = "01m80q4s3mf5qvgp851h48gdke";

const CONFIG: &str = r#"
cluster: {simulated: {socket: cluster.sock}}
policies:
- name: volsync
  source: {file: state/modules/kept/volsync/fac29a9a74dd70c12b61931b4f4fd69336a3d88a348f95a4612be0bf2c1f8b9f.wasm}
  mode: enforce
  confirm: none
  grants:
  - {groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [media]}
  - {groups: [batch], resources: [jobs], verbs: [get, list], namespaces: [media]}
  - {groups: [""], resources: [pods], verbs: [get, list], namespaces: ["*"]}
  - {groups: [""], resources: [pods/log], verbs: [get], namespaces: [media]}
- name: run-cronjob
  source: {file: state/modules/kept/run-cronjob/976eff425310e0e8908e1a4c418c00738c40c158570bc52d6af74a113c49712e.wasm}
  mode: enforce
  confirm: none
  settings: {cronJob: {namespace: ops, name: heal}, onInterrupt: delete}
  grants:
  - {groups: [batch], resources: [cronjobs], verbs: [get], namespaces: [ops]}
  - {groups: [batch], resources: [jobs], verbs: [get, list, create, patch, delete], namespaces: [ops], pods: {images: ["ghcr.io/example/*"]}}
  - {groups: [""], resources: [pods, events], verbs: [list], namespaces: [ops]}
"#;

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    // Compiled modules are trusted only in a folder that nobody else can write to.
    fs::set_permissions(to, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy_folder(&from, &to)? } else { fs::copy(&from, &to).map(drop)? }
    }
    Ok(())
}

async fn run(host: &Host, id: &str) -> Value {
    host.json(&format!("/api/v1/runs/{id}")).await
}

async fn ends(host: &Host, id: &str) -> anyhow::Result<Value> {
    let ended = eventually(PATIENCE, async || run(host, id).await["state"] == "ended").await;
    ensure!(ended, "run {id} does not end: {:#}\n{}", run(host, id).await, host.log());
    Ok(run(host, id).await)
}

#[tokio::test]
async fn runs_that_an_older_build_left_open_are_finished_and_undone() -> anyhow::Result<()> {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/journal-0.1");
    let folder = tempfile::tempdir()?;
    copy_folder(&fixture.join("state"), &folder.path().join("state"))?;
    let file = fixture.join("after.yaml");
    let scenario = Scenario::parse(&fs::read_to_string(&file)?, &file)?;
    let clock: Arc<dyn Clock> = Arc::new(ScaledClock::starting_at(scenario.fixture.now, 1.0));
    let cluster = SimulatedCluster::new(scenario.fixture, clock.clone())?;
    let listener = Listener::bind(&folder.path().join("cluster.sock")).await?;
    let serving = tokio::spawn(Offer::new(Arc::new(cluster.clone()), clock, 1.0).serve(listener));
    let mut host = Host::start_anywhere(folder.path(), CONFIG)?;
    host.listens().await?;
    host.until(200, "").await?;

    let plex = ends(&host, PLEX).await?;
    ensure!(plex["outcome"] == "remediated", "{}: {}", plex["outcome"], plex["summary"]);
    ensure!(run(&host, SONARR).await["outcome"] == "remediated", "the closed run is forgotten");
    for id in [RADARR, HEAL] {
        ensure!(run(&host, id).await["state"] != "ended", "{:#}\n{}", run(&host, id).await, host.log());
        let (status, text) = host.post_admin(&format!("/api/v1/runs/{id}/cancel"), &Value::Null).await?;
        ensure!(status < 300, "{status} {text}");
        ends(&host, id).await?;
    }
    for name in ["plex", "radarr"] {
        let source = format!("volsync.backube/v1alpha1 ReplicationSource media/{name}");
        let source = cluster.object(&source.parse().map_err(anyhow::Error::msg)?).context("it is gone")?;
        ensure!(source.pointer("/spec/trigger/manual").is_none(), "not undone: {source:#}");
    }
    let job = "batch/v1 Job ops/heal-suture-1".parse().map_err(anyhow::Error::msg)?;
    ensure!(cluster.object(&job).is_none(), "the Job was not deleted");
    host.kill().await?;
    serving.abort();
    nothing_is_left(&folder.path().join("state")).await
}
