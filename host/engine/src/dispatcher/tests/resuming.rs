//! What the next host does with a run that was cut off.

use suture_core::effect::{Create, Delete, Target};
use suture_core::object::Kind;
use suture_core::{Grant, Halt, Mutation};

use super::*;
use crate::run::harness::{Calls, policy_of};

/// Looks, changes something, and waits for an hour.
pub(super) async fn sleepy(calls: Calls) -> Result<Result<Outcome, String>, Halt> {
    let create = Mutation::Create(Create {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some("media".into()),
        object: json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "mark-"}}),
        subresource: None,
    });
    let target = Target {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some("media".into()),
        name: String::new(),
        uid: None,
        subresource: None,
    };
    let undo = Mutation::Delete(Delete { target, propagation: Default::default(), resource_version: None });
    calls.call(Effect::Mutate { mutation: create, undo: Some(undo) }).await?.unwrap();
    calls.call(Effect::Sleep { duration_ms: 3_600_000 }).await?.unwrap();
    done()
}

/// What of a host is left when it has ended, its cluster among it.
pub(super) async fn ended(harness: EngineHarness) -> (tempfile::TempDir, SimulatedCluster, Arc<dyn Clock>) {
    harness.engine.shutdown(Duration::from_millis(1)).await;
    harness.engine.journal().close().await.unwrap();
    (harness.dir, harness.cluster, harness.clock)
}

pub(super) async fn next(
    (dir, cluster, clock): (tempfile::TempDir, SimulatedCluster, Arc<dyn Clock>),
    program: Arc<dyn Program>,
    change: impl FnOnce(&mut EngineConfig),
) -> EngineHarness {
    let next = start(dir, program, |config| {
        config.cluster = Arc::new(cluster.clone());
        config.clock = clock.clone();
        change(config);
    })
    .await;
    EngineHarness { cluster, clock, ..next }
}

pub(super) fn grants() -> Vec<Grant> {
    serde_json::from_value(json!([{"groups": [""], "resources": ["configmaps"],
        "verbs": ["create", "delete"], "namespaces": ["media"]}]))
    .unwrap()
}

pub(super) fn may(change: &mut EngineConfig) {
    let policy = Arc::get_mut(&mut change.policies[0]).unwrap();
    policy.config.grants = grants().into();
}

pub(super) async fn asleep() -> (tempfile::TempDir, SimulatedCluster, Arc<dyn Clock>) {
    let first = start(tempfile::tempdir().unwrap(), policy(|calls, _| sleepy(calls)), may).await;
    first.post("firing", &["media"]).await;
    first.until(IncidentState::Waiting).await;
    let left = ended(first).await;
    assert_eq!(left.1.mutations().len(), 1, "an interruption undoes nothing");
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_host_goes_on_with_a_run_where_it_was() {
    let second = next(asleep().await, policy(|calls, _| sleepy(calls)), may).await;
    let incident = second.until(IncidentState::Verifying).await;
    assert_eq!((incident.runs.len(), incident.attempts), (1, 1));
    let verbs: Vec<_> = second.cluster.mutations().iter().map(|done| done.mutation.as_str()).collect();
    assert_eq!(verbs, ["create", "delete"], "made once, undone once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_module_is_gone_is_undone_and_another_begins() {
    let other = policy_of("sha256:other", |_, _| async { done() });
    let second = next(asleep().await, other, may).await;
    let incident = second.until(IncidentState::Verifying).await;
    assert_eq!(incident.runs.len(), 2, "the one that was cut off, and the one that did it");
    assert_eq!(incident.attempts, 1, "an interruption is not an attempt");
    assert_eq!(second.cluster.mutations().len(), 2, "made once, undone once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_under_settings_that_changed_is_undone_and_another_begins() {
    let second = next(asleep().await, policy(|_, _| async { done() }), |config| {
        may(config);
        Arc::get_mut(&mut config.policies[0]).unwrap().config.settings = json!({"other": true});
    })
    .await;
    assert_eq!(second.until(IncidentState::Verifying).await.runs.len(), 2);
    assert_eq!(second.cluster.mutations().len(), 2, "made once, undone once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_does_otherwise_on_replay_is_stopped_and_undone() {
    let second = next(asleep().await, policy(|_, _| async { done() }), may).await;
    let incident = second.until(IncidentState::Retrying).await;
    assert!(incident.summary.contains("not deterministic"), "{}", incident.summary);
    assert_eq!(second.cluster.mutations().len(), 2, "made once, undone once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_never_taken_up_on_another_cluster() {
    let (dir, _, clock) = asleep().await;
    let kube_system = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "kube-system", "uid": "another"}});
    let fixture = Fixture { now: clock.now(), objects: vec![kube_system], ..Fixture::default() };
    let elsewhere = SimulatedCluster::new(fixture, clock.clone()).unwrap();
    let second = next((dir, elsewhere, clock), policy(|calls, _| sleepy(calls)), may).await;
    let incident = second.until(IncidentState::Escalated).await;
    assert!(incident.summary.contains("another cluster"), "{}", incident.summary);
    assert!(second.cluster.mutations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_record_is_damaged_is_not_replayed_and_a_person_is_told() {
    let left = asleep().await;
    let file = rusqlite::Connection::open(left.0.path().join("journal.db")).unwrap();
    let changed = file.execute("UPDATE entries SET body = x'00' WHERE seq = 2", []).unwrap();
    assert_eq!(changed, 1);
    drop(file);
    let second = next(left, policy(|calls, _| sleepy(calls)), may).await;
    let incident = second.until(IncidentState::Escalated).await;
    assert!(incident.summary.contains("damaged"), "{}", incident.summary);
    assert_eq!(second.cluster.mutations().len(), 1, "nothing is done on half a record");
}
