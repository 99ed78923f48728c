use suture_core::effect::{Point, Sample};
use suture_core::handler::Discovery;
use suture_core::{Alert, AlertStatus, Labels};

use super::*;

const PROMETHEUS: &str = r#"
logs:
- {pod: media/mover, container: restic, text: "one\ntwo\nthree\n"}
prometheus:
- query: up
  result: [{labels: {job: a}, value: 1}, {value: "NaN"}, {value: "+Inf"}]
"#;

impl ClusterHarness {
    fn logs(&self, pod: &str, container: &str, tail_lines: u32, limit_bytes: u32) -> Result<String, Error> {
        let pod = target(&format!("v1 Pod {pod}"));
        let effect = Effect::Logs { pod, container: container.to_owned(), tail_lines, limit_bytes };
        match self.effect(&effect)? {
            Reply::Logs(text) => Ok(text),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn only_the_object_with_the_uid_is_found() {
    let harness = ClusterHarness::media("");
    let mut wanted = target(SOURCE);
    wanted.uid = Some("other".to_owned());
    assert_eq!(reason(harness.effect(&Effect::Get { target: wanted.clone() })), "NotFound");
    wanted.uid = harness.at(SOURCE, "/metadata/uid").as_str().map(str::to_owned);
    harness.effect(&Effect::Get { target: wanted }).unwrap();
    assert_eq!(reason(harness.get("zoo.io/v1 Cat media/tom")), "NotServed");
    assert_eq!(reason(harness.get("v1 Pod mover")), "BadRequest");
    assert_eq!(reason(harness.get("v1 Node media/n")), "BadRequest");
}

#[test]
fn the_end_of_a_log_is_what_is_read() {
    let harness = ClusterHarness::media(PROMETHEUS);
    assert_eq!(harness.logs("media/mover", "restic", 0, 0).unwrap(), "one\ntwo\nthree\n");
    assert_eq!(harness.logs("media/mover", "", 1, 0).unwrap(), "three\n");
    assert_eq!(harness.logs("media/mover", "restic", 2, 3).unwrap(), "ee\n");
    assert_eq!(reason(harness.logs("media/gone", "", 0, 0)), "NotFound");
    assert_eq!(reason(harness.logs("media/mover", "other", 0, 0)), "BadRequest");
    let job = Effect::Logs {
        pod: target("batch/v1 Job media/x"),
        container: String::new(),
        tail_lines: 0,
        limit_bytes: 0,
    };
    assert_eq!(reason(harness.effect(&job)), "BadRequest");
}

#[test]
fn a_container_must_be_named_where_there_are_two_and_must_have_started() {
    let harness = ClusterHarness::media(
        "- apiVersion: v1\n  kind: Pod\n  metadata: {name: two, namespace: media}\n  \
         spec: {containers: [{name: a}, {name: b}], initContainers: [{name: init}]}\n  \
         status: {phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: ImagePullBackOff}}}, \
         {name: b, state: {running: {}}}]}\n",
    );
    assert!(harness.logs("media/two", "", 0, 0).unwrap_err().message.contains("a, b, init"));
    assert_eq!(reason(harness.logs("media/two", "a", 0, 0)), "BadRequest");
    assert_eq!(harness.logs("media/two", "b", 0, 0).unwrap(), "");
    assert_eq!(reason(harness.logs("media/two", "init", 0, 0)), "BadRequest");
}

#[test]
fn a_pod_takes_its_log_along() {
    let harness = ClusterHarness::media(PROMETHEUS);
    harness.delete("v1 Pod media/mover").unwrap();
    harness
        .cluster
        .create(json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "mover", "namespace": "media"}, "status": {"phase": "Running"},
        "spec": {"containers": [{"name": "restic"}]}}))
        .unwrap();
    assert_eq!(harness.logs("media/mover", "restic", 0, 0).unwrap(), "");
}

#[test]
fn a_query_that_the_fixture_does_not_answer_is_named() {
    let harness = ClusterHarness::media(PROMETHEUS);
    let error = harness.effect(&Effect::Query { expression: "sum(up)".to_owned() }).unwrap_err();
    assert_eq!(error.reason.as_str(), "Unsupported");
    assert!(error.message.contains("`sum(up)`") && error.message.contains("`up`"), "{error}");
}

#[test]
fn a_query_that_it_does_answer_has_the_same_values_at_all_times() {
    let harness = ClusterHarness::media(PROMETHEUS);
    let Reply::Samples(samples) = harness.effect(&Effect::Query { expression: "up".to_owned() }).unwrap()
    else {
        panic!("no samples")
    };
    let at_ms = u64::try_from(harness.now().as_millisecond()).unwrap();
    let labels = Labels::from([("job".to_owned(), "a".to_owned())]);
    assert_eq!(samples[0], Sample { labels, at_ms, value: 1.0 });
    assert!(samples[1].value.is_nan() && samples[2].value == f64::INFINITY);

    let range = |start_ms, end_ms, step_ms| {
        harness.effect(&Effect::QueryRange { expression: "up".to_owned(), start_ms, end_ms, step_ms })
    };
    let Ok(Reply::Series(series)) = range(1000, 3500, 1000) else { panic!("no series") };
    let expected: Vec<Point> = [1000, 2000, 3000].map(|at_ms| Point { at_ms, value: 1.0 }).into();
    assert_eq!(series[0].points, expected);
    for (start, end, step) in [(2, 1, 1), (0, 1, 0), (0, u64::MAX, 1)] {
        assert_eq!(reason(range(start, end, step)), "BadRequest");
    }
}

#[test]
fn alerts_come_and_go() {
    let harness = ClusterHarness::media(
        "alerts:\n- {labels: {alertname: A}, state: pending}\n- {labels: {alertname: B}, activeAt: 2026-11-22T04:00:00Z}\n",
    );
    let known = |harness: &ClusterHarness| match harness.effect(&Effect::Alerts) {
        Ok(Reply::Alerts(alerts)) => alerts
            .into_iter()
            .map(|alert| (alert.labels["alertname"].clone(), alert.firing))
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let mut alert = Alert {
        status: AlertStatus::Firing,
        labels: Labels::from([("alertname".to_owned(), "A".to_owned())]),
        annotations: Labels::new(),
        starts_at: harness.now(),
        ends_at: None,
        generator_url: String::new(),
        fingerprint: String::new(),
    };
    assert_eq!(known(&harness), [("A".to_owned(), false), ("B".to_owned(), true)]);
    harness.cluster.set_alert(&alert);
    assert_eq!(known(&harness), [("A".to_owned(), true), ("B".to_owned(), true)]);
    alert.status = AlertStatus::Resolved;
    harness.cluster.set_alert(&alert);
    assert_eq!(known(&harness), [("B".to_owned(), true)]);
}

#[test]
fn discovery_knows_built_in_kinds_and_those_of_the_fixture() {
    let harness = ClusterHarness::media("- {apiVersion: zoo.io/v1, kind: Mouse, metadata: {name: m}}\n");
    let resource =
        |version: &str, kind: &str| harness.run(harness.cluster.resource(&Kind::new(version, kind)));
    let pods = resource("v1", "Pod").unwrap();
    assert_eq!((pods.plural.as_str(), pods.namespaced), ("pods", true));
    let mice = resource("zoo.io/v1", "Mouse").unwrap();
    assert_eq!((mice.plural.as_str(), mice.namespaced), ("mouses", false));
    assert_eq!(reason(resource("v2", "Pod")), "NotServed");
}

#[test]
fn what_the_host_answers_itself_is_unsupported() {
    let harness = ClusterHarness::media("");
    for effect in [Effect::Now, Effect::Sleep { duration_ms: 1 }, Effect::Settle { step: 1, run_undo: true }]
    {
        assert_eq!(reason(harness.effect(&effect)), "Unsupported");
    }
}

#[test]
fn an_effect_fails_as_often_as_the_fixture_says() {
    let harness = ClusterHarness::media(
        "faults:\n- {verb: get, kind: ConfigMap, name: 'no*', times: 2, reason: Unavailable, message: down}\n\
         - {verb: alerts, reason: Unavailable}\n",
    );
    let read = || harness.get("v1 ConfigMap media/notes");
    assert_eq!(read().unwrap_err().message, "down");
    assert_eq!(reason(read()), "Unavailable");
    read().unwrap();
    harness.get(SOURCE).unwrap();
    assert_eq!(reason(harness.effect(&Effect::Alerts)), "Unavailable");
}

#[test]
fn a_cluster_is_known_by_its_system_namespace() {
    let uid = |harness: &ClusterHarness| harness.at("v1 Namespace kube-system", "/metadata/uid");
    assert_eq!(uid(&ClusterHarness::media("")), uid(&ClusterHarness::media("")));
    assert_ne!(uid(&ClusterHarness::media("")), uid(&ClusterHarness::media(PROMETHEUS)));
}
