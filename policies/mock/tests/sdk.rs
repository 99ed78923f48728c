//! The guest library against the simulated cluster: what policies rely on.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use suture_mock::{Report, Simulation};
use suture_policy::kube::{self, Metadata, Ref, Waited, deleted, field, op};
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
                let unrequested = kube::list::<kube::Pod>().read();
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
