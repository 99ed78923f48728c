//! One host acts: `suture serve` twice, each with a storage of its own, on a real API
//! server; killed, stopped and woken up again, ended in good order.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use rustix::process::Signal;
use serde_json::{Value, json};
use suture_core::{Clock, RealClock};
use suture_envtest::ControlPlane;
use suture_tests::host::Host;
use suture_tests::process::eventually;

const PATIENCE: Duration = Duration::from_secs(60);

/// Two hosts, and a ReplicationSource that has missed a sync.
struct ReplicasHarness {
    plane: &'static ControlPlane,
    namespace: String,
    folder: tempfile::TempDir,
    config: String,
}

impl ReplicasHarness {
    async fn new() -> anyhow::Result<Self> {
        let plane = ControlPlane::shared();
        plane.apply(include_str!("../fixtures/crds/volsync.backube_replicationsources.yaml")).await?;
        for crd in [
            include_str!("../fixtures/crds/snapshot.storage.k8s.io_volumesnapshots.yaml"),
            include_str!("../fixtures/crds/snapshot.storage.k8s.io_volumesnapshotcontents.yaml"),
        ] {
            plane.apply(crd).await?;
        }
        let namespace = plane.namespace("replicas").await?;
        plane
            .apply(&format!(
                "{{apiVersion: volsync.backube/v1alpha1, kind: ReplicationSource, metadata: {{name: plex, namespace: {namespace}}},
                   spec: {{sourcePVC: plex, trigger: {{schedule: '0 * * * *'}}, restic: {{repository: plex-restic, copyMethod: Direct}}}}}}"
            ))
            .await?;
        let folder = tempfile::tempdir()?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let component =
            suture_build::build(&root.join("policies/volsync"), None, &suture_build::Silent)?.path;
        let config = format!(
            r#"
cluster: {{live: {{kubeconfig: {kubeconfig}, namespace: {namespace}, lease: {{duration: 5s}}}}}}
policies:
- name: volsync
  source: {{file: {component}}}
  mode: enforce
  confirm: none
  grants:
  - {{groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch], namespaces: [{namespace}]}}
  - {{groups: [""], resources: [pods, pods/log], verbs: [get, list], namespaces: [{namespace}]}}
  - {{groups: [batch], resources: [jobs], verbs: [get, list], namespaces: [{namespace}]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshots], verbs: [get, list, patch, delete], namespaces: [{namespace}]}}
  - {{groups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents], verbs: [get]}}
"#,
            kubeconfig = plane.kubeconfig().display(),
            component = component.display(),
        );
        Ok(Self { plane, namespace, folder, config })
    }

    fn host(&self, name: &str) -> anyhow::Result<Host> {
        Host::start(&self.folder.path().join(name), &self.config)
    }

    /// One host at work, another that stands by.
    async fn two(&self) -> anyhow::Result<(Host, Host)> {
        let first = self.host("first")?;
        first.until(200, "ready").await?;
        let second = self.host("second")?;
        second.until(503, &format!("the lease {}/suture is held by ", self.namespace)).await?;
        Ok((first, second))
    }

    fn sources(&self) -> anyhow::Result<Api<DynamicObject>> {
        let kind = GroupVersionKind::gvk("volsync.backube", "v1alpha1", "ReplicationSource");
        let resource = ApiResource::from_gvk(&kind);
        Ok(Api::namespaced_with(self.plane.client()?, &self.namespace, &resource))
    }

    async fn source(&self) -> anyhow::Result<Value> {
        Ok(serde_json::to_value(self.sources()?.get("plex").await?)?)
    }

    fn alert(&self) -> Value {
        json!({"alerts": [{"status": "firing", "startsAt": "2026-11-22T04:00:00Z", "fingerprint": "f", "labels": {
            "alertname": "VolSyncVolumeOutOfSync", "obj_namespace": self.namespace, "obj_name": "plex",
            "role": "source", "method": "restic"}}]})
    }

    async fn transitions(&self) -> anyhow::Result<Option<i32>> {
        let leases: Api<Lease> = Api::namespaced(self.plane.client()?, &self.namespace);
        Ok(leases.get("suture").await?.spec.and_then(|spec| spec.lease_transitions))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_host_stands_by_opens_nothing_and_takes_over_when_the_first_is_killed()
-> anyhow::Result<()> {
    let harness = ReplicasHarness::new().await?;
    let (first, second) = harness.two().await?;
    assert_eq!(second.get("/healthz").await.context("no answer")?.0, 200);
    assert_eq!(second.post("/hooks", &harness.alert()).await?, 503, "Alertmanager sends it again");
    assert_eq!(second.get("/api/v1/runs").await.context("no answer")?.0, 503);
    let held = format!("suture_lease_held{{lease=\"{}/suture\"}}", harness.namespace);
    let metrics = async |host: &Host| host.get("/metrics").await.unwrap_or_default().1;
    assert!(metrics(&first).await.contains(&format!("{held} 1")));
    assert!(metrics(&second).await.contains(&format!("{held} 0")));
    assert!(second.log().contains("standing by: the lease "), "{}", second.log());
    let files = std::fs::read_dir(harness.folder.path().join("second/state"))?;
    let files: Vec<_> = files.map(|file| file.map(|file| file.file_name())).collect::<Result<_, _>>()?;
    assert_eq!(files, ["modules"], "the journal is not opened");

    first.signal(Signal::KILL)?;
    second.until(200, "ready").await?;
    assert!(metrics(&second).await.contains(&format!("{held} 1")));
    assert_eq!(second.post("/hooks", &harness.alert()).await?, 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_asked_to_end_gives_the_lease_back_and_one_that_stands_by_just_ends()
-> anyhow::Result<()> {
    let harness = ReplicasHarness::new().await?;
    let (mut first, mut second) = harness.two().await?;
    let mut third = harness.host("third")?;
    third.until(503, "standby").await?;
    third.signal(Signal::TERM)?;
    assert_eq!(third.ended().await?.code(), Some(0));
    first.signal(Signal::TERM)?;
    assert_eq!(first.ended().await?.code(), Some(0));
    assert!(first.log().contains("the lease is given back"), "{}", first.log());
    second.until(200, "ready").await?;
    assert_eq!(harness.transitions().await?, Some(1));
    second.signal(Signal::TERM)?;
    assert_eq!(second.ended().await?.code(), Some(0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_stopped_in_the_middle_of_a_repair_does_nothing_more_when_it_wakes_up()
-> anyhow::Result<()> {
    let harness = ReplicasHarness::new().await?;
    let (mut first, second) = harness.two().await?;
    assert_eq!(first.post("/hooks", &harness.alert()).await?, 200);
    // It asks for a sync, and waits for VolSync, which is not there.
    let mut source = Value::Null;
    let asked = async || {
        source = harness.source().await.unwrap_or_default();
        source["spec"]["trigger"]["manual"].is_string()
    };
    assert!(eventually(PATIENCE, asked).await, "{source:#}\n{}", first.log());
    let tag = source["spec"]["trigger"]["manual"].clone();

    first.signal(Signal::STOP)?;
    second.until(200, "ready").await?;
    // While it is stopped, what it waits for happens: it would put the schedule back now.
    let now = RealClock.now().to_string();
    let status = json!({"status": {"lastManualSync": tag, "lastSyncTime": now, "lastSyncStartTime": now,
        "latestMoverStatus": {"result": "Successful"}}});
    let sources = harness.sources()?;
    sources.patch_status("plex", &PatchParams::default(), &Patch::Merge(status)).await?;
    let before = harness.source().await?;
    first.signal(Signal::CONT)?;
    assert_eq!(first.ended().await?.code(), Some(1), "{}", first.log());
    assert!(first.log().contains("another host may hold it by now"), "{}", first.log());
    let after = harness.source().await?;
    assert_eq!(after["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
    assert_eq!(after["spec"]["trigger"]["manual"], tag);
    assert_eq!(second.get("/readyz").await.context("no answer")?.0, 200);
    assert_eq!(harness.transitions().await?, Some(1));

    // The repair is not lost: once the host may act again, it puts the schedule back.
    second.signal(Signal::TERM)?;
    let again = harness.host("first")?;
    again.until(200, "ready").await?;
    let is_back = async || {
        let source = harness.source().await.unwrap_or_default();
        source["spec"]["trigger"]["manual"].is_null() && source["spec"]["trigger"]["schedule"].is_string()
    };
    assert!(eventually(PATIENCE, is_back).await, "{:#}\n{}", harness.source().await?, again.log());
    Ok(())
}
