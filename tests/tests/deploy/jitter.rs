//! `deploy/extras/volsync-mover-jitter`: the real API server delays movers.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Container, Pod};
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};
use suture_envtest::{ControlPlane, eventually, found};

use crate::{kustomized, output};

const DELAY: &str = "volsync-mover-jitter";
const PATIENCE: Duration = Duration::from_secs(60);

/// A Job as VolSync makes them, with these init containers.
fn mover(name: &str, init: Value) -> Job {
    let labels = json!({"app.kubernetes.io/created-by": "volsync"});
    let container = json!({"name": "restic", "image": "quay.io/backube/volsync:0.16.0",
        "command": ["/mover-restic/entry.sh"], "args": ["backup"],
        "resources": {"limits": {"memory": "1Gi"}}});
    let mut pod = json!({"restartPolicy": "Never", "containers": [container]});
    if !init.is_null() {
        pod["initContainers"] = init;
    }
    serde_json::from_value(json!({"metadata": {"name": name, "labels": labels},
        "spec": {"backoffLimit": 8, "template": {"metadata": {"labels": labels}, "spec": pod}}}))
    .unwrap()
}

fn init_containers(job: &Job) -> Vec<Container> {
    job.spec.as_ref().unwrap().template.spec.as_ref().unwrap().init_containers.clone().unwrap_or_default()
}

fn names(job: &Job) -> Vec<String> {
    init_containers(job).into_iter().map(|container| container.name).collect()
}

/// A namespace of a cluster in which movers are delayed.
async fn jobs(plane: &ControlPlane) -> (String, Api<Job>) {
    plane.apply(&kustomized("deploy/extras/volsync-mover-jitter")).await.unwrap();
    let namespace = plane.namespace("media").await.unwrap();
    let jobs: Api<Job> = Api::namespaced(plane.client().unwrap(), &namespace);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    // The API server takes up a policy a moment after it was applied.
    let in_force = eventually(PATIENCE, async || {
        let made = jobs.create(&dry_run, &mover("volsync-src-plex", Value::Null)).await;
        names(&made.unwrap()) == [DELAY]
    });
    assert!(in_force.await, "movers are not delayed");
    (namespace, jobs)
}

#[tokio::test]
async fn a_source_mover_begins_with_a_delay() {
    let plane = ControlPlane::shared();
    let (namespace, jobs) = jobs(plane).await;
    let made = jobs.create(&PostParams::default(), &mover("volsync-src-plex", Value::Null)).await.unwrap();
    let delay = &init_containers(&made)[0];
    assert_eq!(delay.image.as_deref(), Some("quay.io/backube/volsync:0.16.0"), "the mover's own image");
    let security = serde_json::to_value(&delay.security_context).unwrap();
    assert_eq!(
        security,
        json!({"allowPrivilegeEscalation": false, "privileged": false, "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}})
    );

    // And so does its pod.
    let pods: Api<Pod> = Api::namespaced(plane.client().unwrap(), &namespace);
    let pod = found(PATIENCE, async || pods.list(&ListParams::default()).await.ok()?.items.pop());
    let spec = pod.await.unwrap().spec.unwrap();
    assert_eq!(spec.init_containers.unwrap()[0].name, DELAY);
    assert_eq!(spec.containers[0].name, "restic");
}

#[tokio::test]
async fn init_containers_that_are_there_stay_as_they_are() {
    let (_, jobs) = jobs(ControlPlane::shared()).await;
    let there = json!([
        {"name": "freeze", "image": "freeze:1", "env": [{"name": "A", "value": "b"}]},
        {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"},
    ]);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let made = jobs.create(&dry_run, &mover("volsync-src-sonarr", there)).await.unwrap();
    assert_eq!(names(&made), [DELAY, "freeze", "proxy"]);
    let all = init_containers(&made);
    assert_eq!(all[1].env.as_ref().unwrap()[0].value.as_deref(), Some("b"));
    assert_eq!(all[2].restart_policy.as_deref(), Some("Always"));

    // A delay that is there already is enough.
    let delayed = json!([{"name": DELAY, "image": "mine:1"}]);
    let made = jobs.create(&dry_run, &mover("volsync-src-radarr", delayed)).await.unwrap();
    assert_eq!(names(&made), [DELAY]);
    assert_eq!(init_containers(&made)[0].image.as_deref(), Some("mine:1"));
}

#[tokio::test]
async fn everything_else_starts_at_once() {
    let (_, jobs) = jobs(ControlPlane::shared()).await;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let restore = mover("volsync-dst-plex", Value::Null);
    let other = mover("nightly", Value::Null);
    let mut unlabelled = mover("volsync-src-of-somebody", Value::Null);
    unlabelled.metadata.labels = None;
    // The API server gives a Job without labels those of its template.
    unlabelled.spec.as_mut().unwrap().template.metadata = None;
    for job in [restore, other, unlabelled] {
        let made = jobs.create(&dry_run, &job).await.unwrap();
        assert!(names(&made).is_empty(), "{:?} is delayed", job.metadata.name);
    }
}

#[tokio::test]
async fn the_delay_is_random_and_takes_at_most_thirty_seconds() {
    let (_, jobs) = jobs(ControlPlane::shared()).await;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let made = jobs.create(&dry_run, &mover("volsync-src-plex", Value::Null)).await.unwrap();
    let command = init_containers(&made)[0].command.clone().unwrap();
    assert_eq!(command[..2], ["/bin/sh", "-c"]);
    // Debian's sh, and bash, which is the sh of VolSync's image. They say how long they
    // would sleep.
    for shell in ["sh", "bash"] {
        let script = format!("sleep() {{ echo \"$1\"; }}; for i in $(seq 300); do {}; done", command[2]);
        let slept = output(Command::new(shell).args(["-c", &script]));
        let seconds: Vec<u32> = slept.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(seconds.len(), 300);
        assert!(seconds.iter().all(|seconds| *seconds <= 30), "{seconds:?}");
        // 31 values, 300 times: that fewer than 20 come up has a chance of nearly none.
        let different: BTreeSet<_> = seconds.iter().collect();
        assert!(different.len() >= 20, "{different:?}");
    }
}
