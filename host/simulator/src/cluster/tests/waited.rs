use suture_core::effect::{Op, Test};

use super::*;

fn running() -> Predicate {
    Predicate::All(vec![Test {
        pointer: "/status/phase".to_owned(),
        op: Op::Equals,
        value: json!("Running"),
    }])
}

const PLAY: &str = r#"
reactions:
- when: {verb: create, kind: ConfigMap}
  after: 90s
  do:
  - create: {object: {apiVersion: v1, kind: Pod, metadata: {name: late, namespace: media}}}
- when: {verb: create, kind: Pod, name: late}
  after: 30s
  do:
  - patch: {target: v1 Pod media/NAME, subresource: status, body: {status: {phase: Running}}}
- when: {verb: patch, kind: Pod, name: late, subresource: status}
  after: 60s
  do:
  - delete: {target: v1 Pod NAMESPACE/NAME}
"#;
const LATE: &str = "v1 Pod media/late";

#[test]
fn what_holds_already_is_met_at_once() {
    let harness = ClusterHarness::media("");
    let start = harness.now();
    assert!(matches!(harness.wait("v1 Pod media/mover", running(), 60), Waited::Met(_)));
    assert_eq!(harness.now(), start);
}

#[test]
fn an_object_that_does_not_exist_yet_is_waited_for() {
    let harness = ClusterHarness::media(PLAY);
    let start = harness.now();
    harness.create(create_in("media", config_map("x"))).unwrap();
    let Waited::Met(pod) = harness.wait(LATE, running(), 3600) else { panic!("not met") };
    assert_eq!(pod["metadata"]["creationTimestamp"], "2026-11-22T04:11:30Z");
    assert_eq!(harness.now(), later(start, Duration::from_secs(120)));
    assert_eq!(harness.wait(LATE, Predicate::Deleted, 3600), Waited::Deleted);
    assert_eq!(harness.now(), later(start, Duration::from_secs(180)));
    assert_eq!(harness.cluster.complaints(), Vec::<String>::new());
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_later() {
    let harness = ClusterHarness::media(PLAY);
    let start = harness.now();
    harness.create(create_in("media", config_map("x"))).unwrap();
    assert_eq!(harness.wait(LATE, running(), 100), Waited::Timeout);
    assert_eq!(harness.now(), later(start, Duration::from_secs(100)));
    assert_eq!(harness.wait(SOURCE, Predicate::Deleted, 0), Waited::Timeout);
}

#[test]
fn a_deadline_that_is_prepared_stays_when_the_wait_is_taken_up_again() {
    let harness = ClusterHarness::media("");
    let wait = Effect::Wait { target: target(LATE), until: running(), timeout_ms: 100_000 };
    let prepared = harness.prepare(&wait).unwrap();
    let start = harness.now();
    harness.pass(60);
    assert_eq!(harness.perform(&prepared), Ok(Reply::Waited(Waited::Timeout)));
    assert_eq!(harness.now(), later(start, Duration::from_secs(100)));
}

#[test]
fn another_object_of_the_same_name_means_that_the_first_is_gone() {
    let harness = ClusterHarness::media("");
    let wait =
        Effect::Wait { target: target("v1 Pod media/mover"), until: Predicate::Deleted, timeout_ms: 60_000 };
    let prepared = harness.prepare(&wait).unwrap();
    harness.delete("v1 Pod media/mover").unwrap();
    harness
        .cluster
        .create(json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "mover", "namespace": "media"}}))
        .unwrap();
    assert_eq!(harness.perform(&prepared), Ok(Reply::Waited(Waited::Deleted)));
    let mut gone = target(LATE);
    gone.uid = Some("other".to_owned());
    let wait = Effect::Wait { target: gone, until: running(), timeout_ms: 60_000 };
    assert_eq!(harness.effect(&wait), Ok(Reply::Waited(Waited::Deleted)));
}

#[test]
fn somebody_elses_change_wakes_who_waits() {
    let harness = ClusterHarness::media("");
    let start = harness.now();
    let clock: Arc<dyn Clock> = Arc::new(harness.clock.clone());
    let wait = Effect::Wait { target: target(LATE), until: running(), timeout_ms: 3_600_000 };
    let prepared = harness.prepare(&wait).unwrap();
    let meanwhile = async {
        clock.sleep(Duration::from_secs(10)).await;
        harness
            .cluster
            .create(json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Running"},
            "metadata": {"name": "late", "namespace": "media"}}))
            .unwrap();
    };
    let (waited, ()) = harness.run(futures::future::join(harness.cluster.perform(&prepared), meanwhile));
    assert!(matches!(waited, Ok(Reply::Waited(Waited::Met(_)))));
    assert_eq!(harness.now(), later(start, Duration::from_secs(10)));
}

#[test]
fn a_kind_that_is_not_served_cannot_be_waited_for() {
    let harness = ClusterHarness::media("");
    let wait = |text| Effect::Wait { target: target(text), until: running(), timeout_ms: 1 };
    assert_eq!(reason(harness.effect(&wait("zoo.io/v1 Cat media/tom"))), "NotServed");
    assert_eq!(reason(harness.effect(&wait("v1 Pod tom"))), "BadRequest");
}
