//! The library's policies, each as its README configures it, on a real API server with the real
//! controller manager. What no machine without nodes has is played by the tests: the kubelet,
//! storage drivers, Flux, Kopiur and cert-manager.

mod approved;
mod harness;

use std::time::Duration;

use harness::{LibraryHarness, backdate, definition};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};
use suture_tests::process::{eventually, loopback};
use suture_tests::prometheus::Prometheus;
use suture_tests::volsync::Node;

const PATIENCE: Duration = Duration::from_secs(120);

/// A time that is so many minutes ago, as Kubernetes writes it.
fn ago(minutes: i64) -> String {
    format!("{:.0}", Timestamp::now() - SignedDuration::from_mins(minutes))
}

/// Whether an object has a condition with a status.
fn has_condition(object: &DynamicObject, kind: &str) -> bool {
    let conditions = object.data.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|one| one["type"] == kind && one["status"] == "True")
}

async fn until(api: &Api<DynamicObject>, name: &str, holds: impl Fn(&DynamicObject) -> bool) {
    let held = eventually(PATIENCE, async || api.get(name).await.is_ok_and(|object| holds(&object))).await;
    assert!(held, "{:?}", api.get(name).await);
}

/// A CronJob's Job that failed, and a later one that succeeded: they, and the node on which they ran.
async fn failed_and_later_complete(harness: &LibraryHarness) -> anyhow::Result<(Node, Api<DynamicObject>)> {
    for file in std::fs::read_dir("fixtures/crds")? {
        // The node looks after snapshots as well.
        harness.plane.apply(&std::fs::read_to_string(file?.path())?).await?;
    }
    let node =
        Node::start(harness.plane.client()?, &harness.namespace, &harness.folder().join("node")).await?;
    let jobs = harness.api("batch/v1", "Job").await?;
    for (name, script, end) in
        [("backup-1", "echo no password; exit 3", "Failed"), ("backup-2", "true", "Complete")]
    {
        let pod = json!({"spec": {"restartPolicy": "Never", "automountServiceAccountToken": false,
            "containers": [{"name": "dump", "image": "dump:2.1", "command": ["sh", "-c", script]}]}});
        let job = json!({"backoffLimit": 0, "template": pod});
        let owner = harness
            .put(json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "backup"},
                "spec": {"schedule": "0 0 31 2 *", "suspend": true, "jobTemplate": {"spec": job}}}))
            .await?;
        let owner = json!({"apiVersion": "batch/v1", "kind": "CronJob", "name": "backup", "controller": true,
            "uid": owner.metadata.uid});
        harness
            .put(json!({"apiVersion": "batch/v1", "kind": "Job", "spec": job,
                "metadata": {"name": name, "ownerReferences": [owner]}}))
            .await?;
        until(&jobs, name, |job| has_condition(job, end)).await;
    }
    Ok((node, jobs))
}

#[tokio::test(flavor = "multi_thread")]
async fn job_failed_removes_a_failed_job_after_a_later_success() -> anyhow::Result<()> {
    let harness = LibraryHarness::make("job-failed").await?;
    let (node, jobs) = failed_and_later_complete(&harness).await?;
    let host = harness.host(json!({"cleanUp": "afterSuccess"}), &json!({})).await?;
    harness.fires(&host, "KubeJobFailed", json!({"job_name": "backup-1", "condition": "true"})).await?;
    let (outcome, summary) = harness.ended(&host).await?;
    assert_eq!(outcome, "remediated", "{summary}\n{}\n{}", host.log(), node.logs());
    assert!(summary.contains("no password"), "{summary}");
    let left: Vec<_> = jobs.list(&ListParams::default()).await?.items;
    let left: Vec<_> = left.iter().filter(|job| job.metadata.deletion_timestamp.is_none()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].metadata.name.as_deref(), Some("backup-2"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pod_stuck_evicts_a_pod_that_its_node_holds_up() -> anyhow::Result<()> {
    let harness = LibraryHarness::make("pod-stuck").await?;
    // A node that is alive, and looks after pods of another namespace.
    let elsewhere = harness.plane.namespace("elsewhere").await?;
    let _node = Node::start(harness.plane.client()?, &elsewhere, &harness.folder().join("node")).await?;
    let node = format!("node-of-{elsewhere}");
    let pods = harness.api("v1", "Pod").await?;
    harness
        .put(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"automountServiceAccountToken": false, "containers": [{"name": "app", "image": "web:3"}]}}}}))
        .await?;
    let all = async || pods.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default();
    assert!(eventually(PATIENCE, async || all().await.len() == 2).await, "{:?}", all().await);
    let [stuck, well] = &all().await[..] else { anyhow::bail!("there are no two pods") };
    let name = |pod: &DynamicObject| pod.metadata.name.clone().unwrap_or_default();
    start(&harness, &pods, &name(well), &node).await?;
    bind(&pods, &name(stuck), &node).await?;
    let waits = json!({"phase": "Pending", "startTime": ago(30),
        "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": ago(30)}],
        "containerStatuses": [{"name": "app", "image": "web:3", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ContainerCreating"}}}]});
    harness.status(&pods, &name(stuck), &waits).await?;
    harness
        .put(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "sandbox.1"}, "type": "Warning",
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": harness.namespace,
                "name": name(stuck), "uid": stuck.metadata.uid},
            "reason": "FailedCreatePodSandBox", "message": "Failed to create pod sandbox: plugin type=\"calico\" failed (add)",
            "firstTimestamp": ago(20), "lastTimestamp": ago(0), "count": 9}))
        .await?;

    let host = harness.host(json!({"evict": "node", "patience": "1s"}), &json!({})).await?;
    harness.fires(&host, "KubePodNotReady", json!({"pod": name(stuck)})).await?;
    // The kubelet: what is being deleted goes, and what is new starts.
    let replaced = async || {
        for pod in all().await {
            if pod.metadata.deletion_timestamp.is_some() {
                let _ = pods.delete(&name(&pod), &DeleteParams::default().grace_period(0)).await;
            } else if pod.data.pointer("/spec/nodeName").is_none() {
                let _ = start(&harness, &pods, &name(&pod), &node).await;
            }
        }
        host.json("/api/v1/runs").await["items"][0]["outcome"].is_string()
    };
    assert!(eventually(PATIENCE, replaced).await, "{:?}\n{}", all().await, host.log());
    let (outcome, summary) = harness.ended(&host).await?;
    assert_eq!(outcome, "remediated", "{summary}\n{}", host.log());
    assert!(pods.get_opt(&name(stuck)).await?.is_none());
    assert!(pods.get_opt(&name(well)).await?.is_some());
    Ok(())
}

/// Give a pod a node.
async fn bind(pods: &Api<DynamicObject>, pod: &str, node: &str) -> anyhow::Result<()> {
    let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node}});
    pods.create_subresource::<_, Value>("binding", pod, &PostParams::default(), &binding).await?;
    Ok(())
}

/// Give a pod a node, and say that it is ready.
async fn start(
    harness: &LibraryHarness,
    pods: &Api<DynamicObject>,
    pod: &str,
    node: &str,
) -> anyhow::Result<()> {
    bind(pods, pod, node).await?;
    let running = json!({"phase": "Running", "startTime": ago(0),
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": ago(0)}],
        "containerStatuses": [{"name": "app", "image": "web:3", "imageID": "local", "ready": true, "started": true,
            "restartCount": 0, "state": {"running": {"startedAt": ago(0)}}}]});
    harness.status(pods, pod, &running).await
}

#[tokio::test(flavor = "multi_thread")]
async fn volume_filling_up_grows_a_claim_that_prometheus_says_is_full() -> anyhow::Result<()> {
    let harness = LibraryHarness::make("volume-filling-up").await?;
    let class = format!("fast-{}", harness.namespace);
    let volume = format!("pv-{}", harness.namespace);
    let claims = harness.api("v1", "PersistentVolumeClaim").await?;
    for (object, is_namespaced) in [
        (
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": class},
                "provisioner": "csi.example.com", "allowVolumeExpansion": true}),
            false,
        ),
        (
            json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume},
                "spec": {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": class,
                    "csi": {"driver": "csi.example.com", "volumeHandle": volume},
                    "claimRef": {"namespace": harness.namespace, "name": "db"}}}),
            false,
        ),
        (
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "db"},
                "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class, "volumeName": volume,
                    "resources": {"requests": {"storage": "10Gi"}}}}),
            true,
        ),
    ] {
        if is_namespaced {
            harness.put(object).await?;
        } else {
            harness.plane.apply(&object.to_string()).await?;
        }
    }
    until(&claims, "db", |claim| claim.data.pointer("/status/phase") == Some(&json!("Bound"))).await;
    let old = Timestamp::now() - SignedDuration::from_hours(24 * 30);
    backdate(&harness, "persistentvolumeclaims", &claims.get("db").await?, old).await?;

    let labels = format!("{{namespace=\"{}\",persistentvolumeclaim=\"db\"}}", harness.namespace);
    let full = format!(
        "kubelet_volume_stats_available_bytes{labels} 858993459\nkubelet_volume_stats_capacity_bytes{labels} 10468982784\n\
         kubelet_volume_stats_used_bytes{labels} 9609989325\n"
    );
    let prometheus = Prometheus::start(harness.folder(), exporter(full).await?, loopback(9)).await?;
    let url = format!("http://{}", prometheus.address);
    let is_scraped = async || {
        let answer = reqwest::get(format!("{url}/api/v1/query?query=kubelet_volume_stats_used_bytes")).await;
        let Ok(answer) = answer else { return false };
        answer.json::<Value>().await.is_ok_and(|answer| answer["data"]["result"][0].is_object())
    };
    assert!(eventually(PATIENCE, is_scraped).await, "Prometheus does not scrape");

    let more = json!({"prometheus": {"url": url}});
    let host = harness.host(json!({"maximum": "50Gi"}), &more).await?;
    harness.fires(&host, "KubePersistentVolumeFillingUp", json!({"persistentvolumeclaim": "db"})).await?;
    until(&claims, "db", |claim| {
        claim.data.pointer("/spec/resources/requests/storage") == Some(&json!("12Gi"))
    })
    .await;
    // The storage driver, and the kubelet.
    harness.status(&claims, "db", &json!({"capacity": {"storage": "12Gi"}})).await?;
    let (outcome, summary) = harness.ended(&host).await?;
    assert_eq!(outcome, "remediated", "{summary}\n{}", host.log());
    assert!(summary.contains("was grown from 10Gi to 12Gi"), "{summary}");
    Ok(())
}

/// Metrics under an address.
async fn exporter(text: String) -> anyhow::Result<std::net::SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = axum::Router::new().route("/metrics", axum::routing::get(move || async move { text }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

#[tokio::test(flavor = "multi_thread")]
async fn kopiur_runs_a_failed_backup_once_more() -> anyhow::Result<()> {
    const VERSION: &str = "kopiur.home-operations.com/v1alpha1";
    let harness = LibraryHarness::make("kopiur").await?;
    for file in std::fs::read_dir("../policies/kopiur/crds")? {
        harness.plane.apply(&std::fs::read_to_string(file?.path())?).await?;
    }
    for object in [
        json!({"kind": "SnapshotPolicy", "metadata": {"name": "plex"},
            "spec": {"repository": {"kind": "Repository", "name": "nas"}, "sources": [{"pvc": {"name": "plex"}}]}}),
        json!({"kind": "SnapshotSchedule", "metadata": {"name": "nightly"},
            "spec": {"policyRef": {"name": "plex"}, "schedule": {"cron": "0 2 * * *"}},
            "status": {"nextSchedule": {"at": ago(-600)}}}),
        json!({"kind": "Repository", "metadata": {"name": "nas"}, "spec": {"backend": {"s3": {"bucket": "backups"}}},
            "status": {"phase": "Ready", "uniqueId": "c9b1f0e4a7d24e11"}}),
        json!({"kind": "Snapshot", "metadata": {"name": "nightly-1",
                "labels": {"kopiur.home-operations.com/origin": "scheduled", "kopiur.home-operations.com/config": "plex"}},
            "spec": {"policyRef": {"name": "plex"}},
            "status": {"phase": "Failed", "timing": {"endTime": ago(5)},
                "failure": {"kopiaErrorClass": "RepositoryUnavailable", "message": "can not connect to the repository",
                    "op": "repository connect", "exitCode": 1, "retryRecommended": true},
                "conditions": [{"type": "Ready", "status": "False", "reason": "SnapshotFailed"}]}}),
    ] {
        let mut object = object;
        object["apiVersion"] = json!(VERSION);
        harness.put(object).await?;
    }

    let host = harness.host(json!({}), &json!({})).await?;
    harness.fires(&host, "KopiurLastBackupFailed", json!({"policy": "plex"})).await?;
    let snapshots = harness.api(VERSION, "Snapshot").await?;
    // The operator.
    let mut own = None;
    let is_made = async || {
        let all = snapshots.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default();
        let names = all.into_iter().filter_map(|snapshot| snapshot.metadata.name);
        own = names.into_iter().find(|name| name.starts_with("plex-suture-"));
        own.is_some()
    };
    let is_made = eventually(PATIENCE, is_made).await;
    assert!(is_made, "{:#}\n{}", host.json("/api/v1/runs").await, host.log());
    let status = json!({"phase": "Succeeded", "snapshot": {"kopiaSnapshotID": "k22bb"},
        "stats": {"sizeBytes": 5_368_709_120_i64, "filesFailed": 0}, "timing": {"endTime": ago(0)}});
    harness.status(&snapshots, &own.unwrap_or_default(), &status).await?;
    let (outcome, summary) = harness.ended(&host).await?;
    assert_eq!(outcome, "remediated", "{summary}\n{}", host.log());
    assert_eq!(snapshots.list(&ListParams::default()).await?.items.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn flux_stuck_asks_for_a_reconciliation_and_sees_it_through() -> anyhow::Result<()> {
    const VERSION: &str = "kustomize.toolkit.fluxcd.io/v1";
    let harness = LibraryHarness::make("flux-stuck").await?;
    for (group, version, kind) in [
        ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"),
        ("helm.toolkit.fluxcd.io", "v2", "HelmRelease"),
        ("source.toolkit.fluxcd.io", "v1", "GitRepository"),
        ("source.toolkit.fluxcd.io", "v1", "OCIRepository"),
        ("source.toolkit.fluxcd.io", "v1", "Bucket"),
        ("source.toolkit.fluxcd.io", "v1", "HelmChart"),
        ("source.toolkit.fluxcd.io", "v1", "HelmRepository"),
    ] {
        harness.plane.apply(&definition(group, version, kind, true).to_string()).await?;
    }
    let failed = |reason: &str, ready: &str| {
        json!([{"type": "Ready", "status": ready, "reason": reason, "observedGeneration": 1,
            "message": "timeout waiting for: [Deployment/media/plex status: InProgress]", "lastTransitionTime": ago(0)}])
    };
    harness
        .put(json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "cluster"}, "spec": {"interval": "1m"},
            "status": {"artifact": {"revision": "main@sha1:4fa1"}, "conditions": [{"type": "Ready", "status": "True"}]}}))
        .await?;
    harness
        .put(json!({"apiVersion": VERSION, "kind": "Kustomization", "metadata": {"name": "apps"},
            "spec": {"interval": "10m", "path": "./apps", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "cluster"}},
            "status": {"observedGeneration": 1, "conditions": failed("HealthCheckFailed", "False")}}))
        .await?;

    let host = harness.host(json!({}), &json!({})).await?;
    let labels = json!({"customresource_kind": "Kustomization", "exported_namespace": harness.namespace, "name": "apps"});
    harness.fires(&host, "FluxKustomizationNotReady", labels).await?;
    let kustomizations = harness.api(VERSION, "Kustomization").await?;
    let asked = |object: &DynamicObject| {
        object
            .metadata
            .annotations
            .as_ref()
            .and_then(|all| all.get("reconcile.fluxcd.io/requestedAt"))
            .cloned()
    };
    until(&kustomizations, "apps", |object| asked(object).is_some()).await;
    // Its controller.
    let at = asked(&kustomizations.get("apps").await?);
    let status =
        json!({"lastHandledReconcileAt": at, "conditions": failed("ReconciliationSucceeded", "True")});
    harness.status(&kustomizations, "apps", &status).await?;
    let (outcome, summary) = harness.ended(&host).await?;
    assert_eq!(outcome, "remediated", "{summary}\n{}", host.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_stuck_tells_what_the_acme_server_said() -> anyhow::Result<()> {
    let harness = LibraryHarness::make("certificate-stuck").await?;
    for (group, kind, is_namespaced) in [
        ("cert-manager.io", "Certificate", true),
        ("cert-manager.io", "CertificateRequest", true),
        ("cert-manager.io", "Issuer", true),
        ("cert-manager.io", "ClusterIssuer", false),
        ("acme.cert-manager.io", "Order", true),
        ("acme.cert-manager.io", "Challenge", true),
    ] {
        harness.plane.apply(&definition(group, "v1", kind, is_namespaced).to_string()).await?;
    }
    let owned = |owner: &DynamicObject, version: &str, kind: &str| json!([{"apiVersion": version, "kind": kind, "controller": true, "name": owner.metadata.name, "uid": owner.metadata.uid}]);
    let (certs, acme) = ("cert-manager.io/v1", "acme.cert-manager.io/v1");
    harness
        .put(json!({"apiVersion": certs, "kind": "Issuer", "metadata": {"name": "letsencrypt"},
            "spec": {"acme": {"server": "https://acme-v02.api.letsencrypt.org/directory"}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}}))
        .await?;
    let issuer = json!({"kind": "Issuer", "name": "letsencrypt"});
    let certificate = harness
        .put(json!({"apiVersion": certs, "kind": "Certificate", "metadata": {"name": "shop-tls"},
            "spec": {"secretName": "shop-tls", "dnsNames": ["shop.example.com"], "issuerRef": issuer},
            "status": {"revision": 3, "notAfter": ago(-600), "renewalTime": ago(600), "conditions": [
                {"type": "Ready", "status": "True", "reason": "Ready"},
                {"type": "Issuing", "status": "True", "reason": "Renewing"}]}}))
        .await?;
    let request = harness
        .put(json!({"apiVersion": certs, "kind": "CertificateRequest", "metadata": {"name": "shop-tls-4",
                "annotations": {"cert-manager.io/certificate-name": "shop-tls", "cert-manager.io/certificate-revision": "4"},
                "ownerReferences": owned(&certificate, certs, "Certificate")},
            "spec": {"issuerRef": issuer},
            "status": {"conditions": [{"type": "Approved", "status": "True"},
                {"type": "Ready", "status": "False", "reason": "Pending", "message": "Waiting on certificate issuance"}]}}))
        .await?;
    backdate(
        &harness,
        "cert-manager.io/certificaterequests",
        &request,
        Timestamp::now() - SignedDuration::from_hours(3),
    )
    .await?;
    let order = harness
        .put(json!({"apiVersion": acme, "kind": "Order",
            "metadata": {"name": "shop-tls-4-77", "ownerReferences": owned(&request, certs, "CertificateRequest")},
            "status": {"state": "pending"}}))
        .await?;
    harness
        .put(json!({"apiVersion": acme, "kind": "Challenge",
            "metadata": {"name": "c1", "ownerReferences": owned(&order, acme, "Order")},
            "spec": {"dnsName": "shop.example.com", "type": "DNS-01"},
            "status": {"state": "expired", "reason": "Error accepting challenge: 404: No such challenge"}}))
        .await?;

    let host = harness.host(json!({}), &json!({})).await?;
    let labels = json!({"exported_namespace": harness.namespace, "name": "shop-tls"});
    harness.fires(&host, "CertManagerCertExpirySoon", labels).await?;
    let (outcome, summary) = harness.ended(&host).await?;
    assert_eq!(outcome, "escalate", "{summary}\n{}", host.log());
    assert!(summary.contains("No such challenge"), "{summary}");
    // It is not a day old.
    assert_eq!(
        harness.api(certs, "CertificateRequest").await?.list(&ListParams::default()).await?.items.len(),
        1
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn first_look_tells_of_a_pod_whose_image_is_not_there() -> anyhow::Result<()> {
    let harness = LibraryHarness::make("first-look").await?;
    harness
        .put(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plex-0"},
            "spec": {"automountServiceAccountToken": false,
                "containers": [{"name": "plex", "image": "ghcr.io/example/plex:none"}]},
            "status": {"phase": "Pending", "containerStatuses": [{"name": "plex", "image": "ghcr.io/example/plex:none",
                "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}}]}}))
        .await?;
    let host = harness.host(json!({"logs": false}), &json!({})).await?;
    harness
        .fires(
            &host,
            "KubeContainerWaiting",
            json!({"pod": "plex-0", "container": "plex", "severity": "warning"}),
        )
        .await?;
    let (outcome, summary) = harness.ended(&host).await?;
    assert_eq!(outcome, "escalate", "{summary}\n{}", host.log());
    assert!(summary.contains("ImagePullBackOff"), "{summary}");
    Ok(())
}
