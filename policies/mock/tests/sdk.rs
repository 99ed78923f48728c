//! The guest library against the simulated cluster: what policies rely on.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use suture_mock::{Given, Report, Simulation};
use suture_policy::kube::{self, Metadata, Ref, Resource, Typed, Waited, deleted, field, op};
use suture_policy::testing::{job, pod};
use suture_policy::{Duration, Error, Incident, Manifest, Outcome, Policy, Result, Value, clock, json};

#[derive(serde::Deserialize)]
struct ConfigMap {
    metadata: Metadata,
    #[serde(default)]
    data: Value,
}
suture_policy::resource!("v1", ConfigMap);

/// A policy that does what its settings say.
struct Tester;

#[derive(serde::Deserialize)]
struct Settings {
    task: String,
}

impl Policy for Tester {
    type Settings = Settings;

    fn manifest() -> Manifest {
        let verbs = ["get", "list", "create", "patch", "delete"];
        Manifest::new("tester", "1.0.0", "Tests the library.")
            .key(["name"])
            .permission("", ["configmaps"], verbs, "to test")
            .permission("batch", ["jobs"], ["get"], "to test")
            .permission("", ["pods"], ["list"], "to test")
            .permission("", ["pods/log"], ["get"], "to test")
            .setting("task", "", "What to do.")
    }

    fn remediate(incident: Incident, settings: Settings) -> Result<Outcome> {
        let map = Ref::<ConfigMap>::new("test", incident.key("name")?);
        match settings.task.as_str() {
            "missing" => {
                assert!(map.find()?.is_none());
                assert!(map.get().is_err_and(|error| error.is_not_found()));
            }
            "list" => {
                let all = kube::list::<ConfigMap>()
                    .in_namespace("test")
                    .with_label("app", "x")
                    .pages_of(2)
                    .read()?;
                let names: Vec<_> = all.iter().map(|map| map.metadata.name.as_str()).collect();
                assert_eq!(names, ["a", "b", "c", "d", "e"]);
            }
            "typed" => {
                let job: Typed<k8s_openapi::api::batch::v1::Job> = kube::get("test", "a")?;
                assert_eq!(job.status.as_ref().and_then(|status| status.failed), Some(1));
                let pods =
                    kube::list::<Typed<k8s_openapi::api::core::v1::Pod>>().in_namespace("test").read()?;
                assert!(pods.iter().all(|pod| pod.metadata().is_owned_by(&job.metadata().uid)));
                let pods =
                    kube::list::<kube::Pod>().with_label("job-name", "a").in_namespace("test").read()?;
                assert_eq!(kube::of(&pods[0]).logs("main", 1)?, "no space left");
            }
            "expired" => {
                let metadata = kube::list::<ConfigMap>().in_namespace("test").pages_of(2).read_metadata()?;
                let names: Vec<_> = metadata.iter().map(|one| one.name.as_str()).collect();
                assert_eq!(names, ["a", "b", "c", "d", "e"]);
            }
            "expires" => {
                let read = kube::list::<ConfigMap>().in_namespace("test").pages_of(2).read();
                let error = read.map(drop).unwrap_err();
                assert!(
                    error.is_expired()
                        && error.object.is_some_and(|about| about.to_string() == "ConfigMap in test")
                );
            }
            "undo" | "keep" | "drop" => {
                let undo = map.json_patch([op::test("/data/a", "2"), op::remove("/data/a")]);
                let change = map.merge_patch(json!({"data": {"a": "2"}})).undo(undo).send()?;
                assert_eq!(change.object.data["a"], "2");
                match settings.task.as_str() {
                    "undo" => {
                        change.undo()?;
                        assert_eq!(map.get()?.data.get("a"), None);
                    }
                    "keep" => change.keep()?,
                    _ => {}
                }
            }
            "create" => {
                let object = json!({"metadata": {"generateName": "made-"}, "data": {}});
                let made = kube::create::<ConfigMap>("test", object).send()?;
                assert!(made.metadata.name.starts_with("made-"));
                let made = kube::of(&made);
                made.delete().send()?;
                assert!(made.wait(deleted(), Duration::seconds(1))?.is_deleted());
            }
            "conflict" => {
                let stale = map.merge_patch(json!({"data": {"a": "2"}})).at_version("1").send();
                assert!(stale.is_err_and(|error| error.is_conflict()));
            }
            "denied" => {
                let unrequested = kube::list::<kube::CronJob>().read();
                assert!(unrequested.is_err_and(|error| error.is_denied()));
            }
            "wait" => {
                let before = clock::now();
                let waited = map.wait(field("/data/a").equals("2"), Duration::hours(1))?;
                assert!(matches!(waited, Waited::Timeout));
                clock::sleep(Duration::minutes(5));
                assert_eq!(clock::now().since(before), Duration::minutes(65));
            }
            "loop" => loop {
                clock::sleep(Duration::seconds(1));
            },
            "panic" => return Err(Error::new(format!("{}", [1].get(1).unwrap()))),
            other => return Err(Error::new(format!("there is no task `{other}`"))),
        }
        Ok(Outcome::remediated("done"))
    }
}

fn play(task: &str, objects: &str, then: &str) -> Report {
    let text = format!(
        "name: x\ngiven:\n  settings: {{task: {task}}}\n  objects:\n{objects}\nwhen: [{{alert: {{labels: {{name: a, test_namespace: test}}}}}}]\nthen: {then}\n"
    );
    Simulation::from_yaml(&text).unwrap().run::<Tester>()
}

#[track_caller]
fn passes(task: &str, objects: &str, then: &str) {
    let report = play(task, objects, then);
    assert!(report.passed(), "{report:#?}");
}

const MAP: &str =
    "  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: test}, data: {b: '1'}}";

#[test]
fn what_is_not_there_is_none_or_not_found() {
    passes("missing", "    []", "{outcome: remediated}");
}

#[test]
fn a_list_is_read_to_its_last_page() {
    let objects: String = ["a", "b", "c", "d", "e"]
        .map(|name| format!("  - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: test, labels: {{app: x}}}}}}\n"))
        .concat();
    passes("list", &objects, "{outcome: remediated}");
}

#[test]
fn a_list_that_expires_in_the_middle_is_begun_anew_but_not_for_ever() {
    let objects: String = ["a", "b", "c", "d", "e"]
        .map(|name| {
            format!("  - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: test}}}}\n")
        })
        .concat();
    let expires = |times: &str| {
        format!(
            "{objects}  faults: [{{verb: list, kind: ConfigMap, skip: 1, {times}reason: Expired, message: too old}}]"
        )
    };
    passes("expired", &expires("times: 1, "), "{outcome: remediated}");
    passes("expires", &expires(""), "{outcome: remediated}");
}

#[test]
fn a_cluster_of_built_objects_is_read_as_types_of_the_library_and_of_k8s_openapi() {
    let failed = job("test", "a").failed("BackoffLimitExceeded", "it failed");
    let report = Given::at("2026-11-22T04:10:00Z")
        .object(pod("test", "a-x").owned_by(&failed).terminated(1, "Error"))
        .object(failed)
        .log("test/a-x", "main", "no space left")
        .settings(json!({"task": "typed"}))
        .alert([("name", "a"), ("test_namespace", "test")])
        .unwrap()
        .run::<Tester>();
    assert_eq!(report.runs[0].ending.as_ref().map(|ending| ending.name()), Some("remediated"), "{report:#?}");
}

#[test]
fn a_change_is_taken_back_now_or_at_the_end_unless_it_is_kept() {
    for (task, there) in [("undo", "!has"), ("drop", "!has"), ("keep", "has")] {
        let finally = format!("{there}(object(\"v1\", \"ConfigMap\", \"test\", \"a\").data.a)");
        passes(task, MAP, &format!("{{outcome: remediated, finally: '{finally}'}}"));
    }
}

#[test]
fn an_object_is_made_under_a_name_of_the_hosts_choice_and_deleted() {
    passes(
        "create",
        MAP,
        "{outcome: remediated, effects: [{create: v1 ConfigMap test/made-*}, {delete: v1 ConfigMap test/made-*}]}",
    );
}

#[test]
fn conflicts_and_denials_reach_the_policy_as_errors() {
    passes("conflict", MAP, "{outcome: remediated}");
    passes("denied", MAP, "{outcome: remediated}");
}

#[test]
fn waiting_takes_virtual_time_only() {
    passes("wait", MAP, "{outcome: remediated}");
}

#[test]
fn the_host_ends_a_policy_that_does_not_end() {
    passes("loop", MAP, "{outcome: failed, summary: limits.effects}");
}

#[test]
fn a_panic_is_a_trap_and_an_error_is_a_failure() {
    passes("panic", MAP, "{outcome: failed, summary: trapped}");
    passes("nonsense", MAP, "{outcome: failed, summary: there is no task `nonsense`}");
}

#[test]
fn an_expectation_that_is_not_met_is_reported() {
    assert!(!play("missing", "    []", "{outcome: escalate}").passed());
}
