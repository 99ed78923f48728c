//! Scenarios that are played, exported from their record, and played again.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use suture_core::effect::{
    Apply, Create, Delete, Op, Patch, PatchType, Predicate, Propagation, Query, Target, Test,
};
use suture_core::manifest::{RawManifest, RawPermission};
use suture_core::{
    Effect, Ending, Halt, Host, Incident, Limits, Manifest, Mutation, ObjectRef, Outcome, Program, Reply,
};
use suture_journal::{Answer, Body, Entry, RunHeader, RunRecord, RunState};

use super::{ExportError, Recording, export};
use crate::format::Scenario;
use crate::timeline::Look;
use crate::{Report, Verdict};

/// A policy that asks for one thing after the other, whatever it is answered.
struct Asking {
    manifest: Manifest,
    effects: Vec<Effect>,
}

#[async_trait]
impl Program for Asking {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn digest(&self) -> &str {
        "sha256:asking"
    }

    async fn remediate(&self, _: &Incident, _: &Limits, host: Arc<dyn Host>) -> Ending {
        for effect in &self.effects {
            if let Err(halt) = host.answer(effect.clone()).await {
                return Ending::Halted(halt);
            }
        }
        Ending::Concluded(Outcome::Remediated { summary: "asked for all".into() })
    }
}

fn asking(effects: Vec<Effect>) -> Arc<dyn Program> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let verbs = words(&["get", "list", "create", "patch", "delete"]);
    let permission = |groups: &[&str], resources: &[&str]| RawPermission {
        groups: words(groups),
        resources: words(resources),
        verbs: verbs.clone(),
        reason: "tests".into(),
        ..RawPermission::default()
    };
    let manifest = RawManifest {
        name: "asking".into(),
        version: "0.1.0".into(),
        description: "For tests".into(),
        matchers: words(&[r#"alertname="Broken""#]),
        key: words(&["namespace", "name"]),
        permissions: vec![
            permission(&[""], &["configmaps", "pods", "pods/log", "secrets", "namespaces"]),
            permission(&["batch"], &["jobs"]),
            permission(&["zoo.io"], &["widgets"]),
            RawPermission {
                metrics: words(&["up", "down"]),
                reason: "tests".into(),
                ..RawPermission::default()
            },
        ],
        settings_schema: r#"{"type": "object"}"#.into(),
    };
    Arc::new(Asking { manifest: manifest.check().unwrap(), effects })
}

const NOW: &str = "2026-11-22T04:10:00Z";

fn scenario(given: &str) -> Scenario {
    let text = format!(
        "name: x\ngiven:\n  now: {NOW}\n{given}\nwhen: [{{alert: {{labels: {{alertname: Broken, namespace: media, name: a}}}}}}]\n"
    );
    let reactions = text.split_once("reactions:").map(|(before, after)| {
        let (reactions, rest) = after.split_once("\nwhen:").unwrap();
        format!("{before}\nwhen:{rest}reactions:{reactions}\n")
    });
    let text = reactions.unwrap_or(text);
    Scenario::parse(&text, Path::new("s.yaml")).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The record of the only run of a scenario.
fn recorded(scenario: &Scenario, effects: &[Effect]) -> (RunRecord, RunHeader, Vec<Entry>) {
    let program = asking(effects.to_vec());
    let mut report = crate::run(scenario, program.clone());
    let played = report.runs.remove(0);
    let event = &scenario.when[0];
    let header = RunHeader {
        format: RunHeader::FORMAT,
        world: RunHeader::WORLD.into(),
        incident: Incident {
            id: scenario.run.incident.clone(),
            key: played.incident.key.clone(),
            alert: event.alert.clone(),
            attempt: 1,
            settings: scenario.settings.clone(),
        },
        limits: scenario.limits.clone(),
        requested: program.manifest().permissions.clone(),
        grants: [].into(),
        approved: None,
        cluster: "c".into(),
    };
    let run = RunRecord {
        id: scenario.run.id.clone(),
        incident: scenario.run.incident.clone(),
        policy: "asking".into(),
        digest: program.digest().into(),
        mode: scenario.mode,
        attempt: 1,
        state: RunState::Ended,
        outcome: None,
        summary: None,
        started_at: played.started,
        ended_at: None,
    };
    (run, header, played.entries)
}

fn exported(scenario: &Scenario, effects: &[Effect]) -> Result<String, ExportError> {
    let (run, header, entries) = recorded(scenario, effects);
    export(&Recording { run: &run, header: &header, entries: &entries }).map(|export| export.text)
}

/// What each step brought, without what each cluster calls as it likes.
fn brought(entries: &[Entry]) -> Vec<String> {
    let mut all = Vec::new();
    for entry in entries {
        let answer = match &entry.body {
            // What the API server makes of a change is told by what is read later.
            Body::Reply { answer: Answer::Ok(Reply::Mutated(_)) } => "mutated".to_owned(),
            Body::Call { answer, .. } | Body::Reply { answer } => {
                let mut value = match answer {
                    Answer::Error(error) => json!(error.reason),
                    answer => serde_json::to_value(answer).unwrap(),
                };
                strip(&mut value);
                value.to_string()
            }
            Body::Ended { ending } => format!("{ending:?}"),
            Body::Intent { .. } | Body::Kept { .. } => continue,
        };
        all.push(format!("{} {answer}", entry.step));
    }
    all
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for field in [
                "uid",
                "resourceVersion",
                "generation",
                "creationTimestamp",
                "finalizers",
                "deletionTimestamp",
                "controller-uid",
            ] {
                fields.remove(field);
            }
            // An export has none of what kubectl remembers.
            if let Some(annotations) = fields.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.retain(|key, _| !key.starts_with("kubectl."));
                if annotations.is_empty() {
                    fields.remove("annotations");
                }
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Play, export, play again: it passes, and brings the same. The export.
fn round_trip(given: &str, effects: &[Effect]) -> String {
    let scenario = scenario(given);
    let (run, header, entries) = recorded(&scenario, effects);
    let text = export(&Recording { run: &run, header: &header, entries: &entries })
        .unwrap_or_else(|error| panic!("{error}\n{entries:#?}"))
        .text;
    let again = Scenario::parse(&text, Path::new("export.yaml")).unwrap();
    let report: Report = crate::run(&again, asking(effects.to_vec()));
    assert_eq!(report.verdict, Verdict::Passed, "{}\n{text}", report.explanation(Look::default()));
    assert_eq!(report.notes, Vec::<String>::new(), "{text}");
    assert_eq!(brought(&report.runs[0].entries), brought(&entries), "{text}");
    text
}

fn target(text: &str) -> Target {
    let ObjectRef { kind, namespace, name } = text.parse().unwrap();
    Target { kind, namespace, name, uid: None, subresource: None }
}

fn get(text: &str) -> Effect {
    Effect::Get { target: target(text) }
}

fn list(text: &str, labels: &str) -> Effect {
    let Target { kind, namespace, .. } = target(text);
    let (fields, labels) = (String::new(), labels.to_owned());
    Effect::List(Query { kind, namespace, labels, fields, limit: 0, next: None, metadata_only: false })
}

fn mutate(mutation: Mutation) -> Effect {
    Effect::Mutate { mutation, undo: None }
}

fn merge(text: &str, body: Value) -> Mutation {
    Mutation::Patch(Patch {
        target: target(text),
        patch_type: PatchType::Merge,
        body,
        resource_version: None,
    })
}

fn delete(text: &str) -> Effect {
    let (target, propagation) = (target(text), Propagation::Background);
    mutate(Mutation::Delete(Delete { target, propagation, resource_version: None }))
}

fn create(text: &str, object: Value) -> Effect {
    let Target { kind, namespace, .. } = target(text);
    mutate(Mutation::Create(Create { kind, namespace, object, subresource: None }))
}

fn wait(text: &str, pointer: &str, value: Value, seconds: u64) -> Effect {
    let until = Predicate::All(vec![Test { pointer: pointer.into(), op: Op::Equals, value }]);
    Effect::Wait { target: target(text), until, timeout_ms: seconds * 1000 }
}

fn until_gone(text: &str, seconds: u64) -> Effect {
    Effect::Wait { target: target(text), until: Predicate::Deleted, timeout_ms: seconds * 1000 }
}

fn sleep(seconds: u64) -> Effect {
    Effect::Sleep { duration_ms: seconds * 1000 }
}

fn logs(pod: &str, tail_lines: u32) -> Effect {
    Effect::Logs { pod: target(pod), container: String::new(), tail_lines, limit_bytes: 0 }
}

const CONFIG: &str = "v1 ConfigMap media/a";
const OBJECTS: &str = "  objects:\n  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: media}, data: {state: broken, escaped: '${x}'}}\n  \
    - {apiVersion: v1, kind: Pod, metadata: {name: p, namespace: media, labels: {app: x}}, spec: {containers: [{name: main, image: i}]}, status: {phase: Running}}\n";

fn given(more: &str) -> String {
    format!("{OBJECTS}{more}")
}

#[test]
fn what_others_change_between_two_reads_is_there_again() {
    let later = "  later:\n  - {step: 2, do: [{patch: {target: v1 ConfigMap media/a, body: {data: {state: worse, more: '$${y}'}}}}]}\n  \
        - {after: 90s, do: [{patch: {target: v1 Pod media/p, subresource: status, body: {status: {phase: Failed}}}}]}\n  \
        - {after: 2m, do: [{create: {object: {apiVersion: v1, kind: Pod, metadata: {name: q, namespace: media, labels: {app: x}}, status: {phase: Pending}}}}]}\n  \
        - {after: 4m, do: [{delete: {target: v1 Pod media/q}}]}\n";
    let pods = || list("v1 Pod media/-", "app=x");
    let text = round_trip(
        &given(later),
        &[
            get(CONFIG),
            get(CONFIG),
            pods(),
            sleep(60),
            pods(),
            sleep(60),
            pods(),
            sleep(180),
            pods(),
            get("v1 Pod media/q"),
        ],
    );
    assert!(text.contains("step: 2") && text.contains("after: 2m"), "{text}");
}

#[test]
fn what_controllers_do_follows_the_change_that_they_answer() {
    let reactions = "reactions:\n- when: {verb: create, kind: Job}\n  after: 3s\n  do:\n  - create: {object: {apiVersion: v1, kind: Pod, metadata: {name: '${object.metadata.name}-x', namespace: media, \
        labels: {job-name: '${object.metadata.name}', controller-uid: '${object.metadata.uid}'}, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: '${object.metadata.name}', uid: '${object.metadata.uid}'}]}, \
        spec: {containers: [{name: main, image: i}]}, status: {phase: Running}}}\n\
        - when: {verb: create, kind: Pod}\n  after: 20s\n  do:\n  - log: {pod: media/NAME, container: main, text: \"one\\ntwo\\n\"}\n  \
        - patch: {target: v1 Pod media/NAME, subresource: status, body: {status: {phase: Succeeded}}}\n  \
        - patch: {target: batch/v1 Job media/job, subresource: status, body: {status: {succeeded: 1, completionTime: '${now}'}}}\n";
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job", "namespace": "media"},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "i"}], "restartPolicy": "Never"}}}});
    let pods = || list("v1 Pod media/-", "job-name=job");
    let given = given(&format!(
        "  grants: [{{groups: ['', batch], resources: [configmaps, pods, pods/log, jobs], verbs: [get, list, create, delete], namespaces: [media], pods: {{images: [i], serviceAccounts: [default], level: baseline}}}}]\n{reactions}"
    ));
    let text = round_trip(
        &given,
        &[
            create("batch/v1 Job media/job", job),
            pods(),
            wait("v1 Pod media/job-x", "/status/phase", json!("Running"), 60),
            wait("batch/v1 Job media/job", "/status/succeeded", json!(1), 60),
            pods(),
            logs("v1 Pod media/job-x", 1),
            delete("batch/v1 Job media/job"),
            until_gone("v1 Pod media/job-x", 60),
        ],
    );
    // The grants had to be written down: a pod with this image was made.
    assert!(text.contains("images: [i]") && text.contains("${object.metadata.uid}"), "{text}");
    assert!(text.contains("${now}"), "{text}");
}

#[test]
fn what_belongs_to_what_the_run_made_came_after_it() {
    let reactions = "reactions:\n- when: {verb: create, kind: Job}\n  after: 3s\n  do:\n  - create: {object: {apiVersion: v1, kind: Pod, metadata: {name: '${object.metadata.name}-x', namespace: media, \
        labels: {job-name: '${object.metadata.name}'}, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: '${object.metadata.name}', uid: '${object.metadata.uid}'}]}, \
        spec: {containers: [{name: main, image: i}]}, status: {phase: Failed}}}\n  \
        - patch: {target: batch/v1 Job media/job, subresource: status, body: {status: {failed: 1}}}\n";
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job", "namespace": "media"},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "i"}], "restartPolicy": "Never"}}}});
    let given = given(&format!(
        "  grants: [{{groups: ['', batch], resources: [configmaps, pods, pods/log, jobs], verbs: [get, list, create, delete], namespaces: [media], pods: {{images: [i], serviceAccounts: [default], level: baseline}}}}]\n{reactions}"
    ));
    // The pod is looked for only when the Job is over: no earlier list shows that it was not there.
    let text = round_trip(
        &given,
        &[
            create("batch/v1 Job media/job", job),
            wait("batch/v1 Job media/job", "/status/failed", json!(1), 60),
            list("v1 Pod media/-", "job-name=job"),
        ],
    );
    assert!(text.contains("${object.metadata.uid}"), "{text}");
}

#[test]
fn errors_come_back_each_in_its_place() {
    let faults = "  faults:\n  - {verb: get, kind: ConfigMap, name: a, skip: 1, times: 2, reason: Unavailable, message: down}\n  \
        - {verb: list, kind: Pod, times: 1, reason: Forbidden}\n  - {verb: patch, kind: ConfigMap, times: 2, reason: Conflict}\n  \
        - {verb: patch, kind: ConfigMap, skip: 1, times: 9, reason: Conflict}\n  - {verb: delete, kind: Pod, times: 1, reason: InternalError}\n  \
        - {verb: wait, kind: Pod, times: 1, reason: Timeout}\n  - {verb: logs, kind: Pod, skip: 1, times: 1, reason: BadRequest}\n";
    let write = |value: &str| mutate(merge(CONFIG, json!({"data": {"state": value}})));
    let pods = || list("v1 Pod media/-", "");
    let bad = Mutation::Patch(Patch {
        target: target(CONFIG),
        patch_type: PatchType::Json,
        body: json!([{"op": "test", "path": "/data/state", "value": "never"}]),
        resource_version: None,
    });
    let text = round_trip(
        &given(faults),
        &[
            get(CONFIG),
            get(CONFIG),
            get(CONFIG),
            get(CONFIG),
            get("v1 ConfigMap media/none"),
            pods(),
            pods(),
            write("one"),
            write("two"),
            mutate(bad),
            delete("v1 Pod media/p"),
            delete("v1 Pod media/none"),
            wait("v1 Pod media/p", "/status/phase", json!("Running"), 5),
            wait("v1 Pod media/p", "/status/phase", json!("Failed"), 5),
            logs("v1 Pod media/p", 0),
            logs("v1 Pod media/p", 0),
            create(CONFIG, json!({"metadata": {"name": "a", "namespace": "media"}})),
            get("zoo.io/v1 Widget media/w"),
        ],
    );
    for reason in ["Unavailable", "Forbidden", "Conflict", "InternalError", "Timeout", "BadRequest"] {
        assert!(text.contains(&format!("reason: {reason}")), "{reason}\n{text}");
    }
    // What the cluster answers so by itself is no fault.
    for natural in ["reason: NotFound", "reason: AlreadyExists", "reason: Invalid"] {
        assert!(!text.contains(natural), "{natural}\n{text}");
    }
}

#[test]
fn what_is_denied_is_denied_again() {
    let grants = "  grants: [{groups: [''], resources: [configmaps], verbs: [get], namespaces: [media], names: [a]}]\n";
    let text = round_trip(
        &given(grants),
        &[
            get(CONFIG),
            get("v1 ConfigMap media/b"),
            mutate(merge(CONFIG, json!({"data": {"x": "y"}}))),
            list("v1 Pod media/-", ""),
        ],
    );
    assert!(text.contains("names: [a]"), "{text}");
    let nobody = "  alerts: []\n";
    let text = round_trip(&given(nobody), &[get(CONFIG), mutate(merge(CONFIG, json!({"data": {"x": "y"}})))]);
    assert!(text.contains("alerts: []"), "{text}");
    // A namespace that nothing else names was granted all the same.
    let elsewhere =
        "  grants: [{groups: [''], resources: [configmaps], verbs: [get], namespaces: [other]}]\n";
    assert!(round_trip(&given(elsewhere), &[get("v1 ConfigMap other/a")]).contains("namespaces: [other]"));
}

#[test]
fn nothing_secret_leaves() {
    let secret = "  - {apiVersion: v1, kind: Secret, metadata: {name: s, namespace: media, annotations: {kubectl.kubernetes.io/last-applied-configuration: hunter2}}, \
        data: {password: aHVudGVyMg==}}\n  - {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: media, annotations: {kubectl.kubernetes.io/last-applied-configuration: hunter2}}}\n";
    let made = json!({"metadata": {"name": "t", "namespace": "media"}, "stringData": {"token": "hunter2"}});
    let text = round_trip(
        &given(secret),
        &[
            get("v1 Secret media/s"),
            get("v1 ConfigMap media/c"),
            list("v1 Secret media/-", ""),
            create("v1 Secret media/t", made),
            mutate(merge("v1 Secret media/s", json!({"data": {"password": "aHVudGVyMg=="}}))),
            get("v1 Secret media/t"),
        ],
    );
    assert!(text.contains("password"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
}

#[test]
fn a_password_in_a_template_is_masked_where_it_is_read_and_where_it_is_written() {
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "x:1",
        "env": [{"name": "DB_PASSWORD", "value": "Hunter2Hunter2"}]}]}});
    let given_job = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c", "namespace": "media"},
        "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}}});
    let pod =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "p", "namespace": "media"}});
    let objects = format!("  - {given_job}\n  - {pod}\n");
    let made = json!({"metadata": {"name": "j", "namespace": "media"}, "spec": {"template": template}});
    let (run, header, entries) = recorded(
        &scenario(&given(&objects)),
        &[get("v1 ConfigMap media/p"), create("batch/v1 Job media/j", made), get("batch/v1 Job media/j")],
    );
    let export = export(&Recording { run: &run, header: &header, entries: &entries }).unwrap();
    assert!(!export.text.contains("Hunter2"), "{}", export.text);
    assert_eq!(export.masked.variables.into_iter().collect::<Vec<_>>(), ["DB_PASSWORD"]);
}

#[test]
fn pods_that_take_their_time_to_go_do_so_again() {
    let slow = "  - {apiVersion: v1, kind: Pod, metadata: {name: slow, namespace: media, finalizers: [test.io/grace]}}\n  \
        - {apiVersion: v1, kind: Pod, metadata: {name: going, namespace: media, deletionTimestamp: 2026-11-22T04:09:50Z, finalizers: [test.io/grace]}}\n  \
        later:\n  - {after: 20s, do: [{patch: {target: v1 Pod media/going, body: {metadata: {finalizers: null}}}}]}\n\
        reactions:\n- when: {verb: delete, kind: Pod}\n  after: 30s\n  do: [{patch: {target: v1 Pod media/NAME, body: {metadata: {finalizers: null}}}}]\n";
    let effects = [
        get("v1 Pod media/going"),
        until_gone("v1 Pod media/going", 60),
        delete("v1 Pod media/slow"),
        get("v1 Pod media/slow"),
        until_gone("v1 Pod media/slow", 60),
        get("v1 Pod media/slow"),
    ];
    round_trip(&given(slow), &effects);
    // On a real cluster a grace period does it, without any finalizer.
    let scenario = scenario(&given(slow));
    let (run, header, entries) = recorded(&scenario, &effects);
    let text = serde_json::to_string(&entries).unwrap().replace(r#""finalizers":["test.io/grace"],"#, "");
    let entries: Vec<Entry> = serde_json::from_str(&text).unwrap();
    let text = export(&Recording { run: &run, header: &header, entries: &entries }).unwrap().text;
    let report = crate::run(&Scenario::parse(&text, Path::new("e.yaml")).unwrap(), asking(effects.to_vec()));
    assert_eq!(report.verdict, Verdict::Passed, "{}\n{text}", report.explanation(Look::default()));
    assert_eq!(brought(&report.runs[0].entries), brought(&entries), "{text}");
}

#[test]
fn locks_limits_prometheus_and_logs_are_as_they_were() {
    let more = "  locks: [{name: mine, for: 40s}, {name: theirs}]\n  limits: {deadline: 10m, effects: 14}\n  \
        prometheus: [{query: up, result: [{labels: {job: x}, value: 1.5}, {value: NaN}]}]\n  \
        logs: [{pod: media/p, container: main, text: \"a\\nb\\n\"}]\n  \
        later: [{after: 1m, do: [{log: {pod: media/p, container: main, text: \"c ${x}\"}}]}]\n";
    let more = more.replace("${x}", "$${x}");
    let effects = [
        Effect::Exclusive { name: "mine".into(), timeout_ms: 60_000 },
        Effect::Exclusive { name: "theirs".into(), timeout_ms: 5000 },
        Effect::Now,
        Effect::Query { expression: "up".into() },
        Effect::QueryRange { expression: "up".into(), start_ms: 0, end_ms: 60_000, step_ms: 30_000 },
        Effect::Query { expression: "down".into() },
        logs("v1 Pod media/p", 1),
        logs("v1 Pod media/p", 0),
        sleep(60),
        logs("v1 Pod media/p", 2),
        Effect::Alerts,
        // Longer than the run may take.
        wait(CONFIG, "/data/state", json!("mended"), 3600),
    ];
    let text = round_trip(&given(&more), &effects);
    assert!(text.contains("for: 40s") && text.contains("outcome: failed"), "{text}");
    let many: Vec<Effect> = std::iter::repeat_n(Effect::Now, 20).collect();
    let text = round_trip(&given(&more), &many);
    assert!(text.contains("limits.effects"), "{text}");
}

#[test]
fn a_plan_is_a_plan_again() {
    let write = |value: &str| mutate(merge(CONFIG, json!({"data": {"state": value}})));
    let text = round_trip(
        &given("  mode: observe\n"),
        &[
            get(CONFIG),
            write("one"),
            get(CONFIG),
            write("two"),
            create("v1 ConfigMap media/new", json!({"metadata": {"name": "new", "namespace": "media"}})),
            list("v1 ConfigMap media/-", ""),
            wait(CONFIG, "/data/seen", json!("yes"), 60),
        ],
    );
    assert!(text.contains("outcome: planned") && text.contains("mode: observe"), "{text}");
}

#[test]
fn undos_of_every_kind_are_expected() {
    let undo = merge(CONFIG, json!({"data": {"busy": null}}));
    let change = || Effect::Mutate {
        mutation: merge(CONFIG, json!({"data": {"busy": "yes"}})),
        undo: Some(undo.clone()),
    };
    let text = round_trip(
        &given("  faults: [{verb: patch, kind: ConfigMap, skip: 3, times: 2, reason: Unavailable}]\n"),
        &[
            change(),
            Effect::Settle { step: 1, run_undo: true },
            change(),
            Effect::Settle { step: 9, run_undo: true },
        ],
    );
    assert_eq!(text.matches("patch.data.busy == null").count(), 2, "{text}");
    assert!(!text.contains("doubts"), "{text}");
    // One that never succeeds leaves a doubt.
    let text = round_trip(
        &given("  faults: [{verb: patch, kind: ConfigMap, skip: 1, reason: Forbidden}]\n"),
        &[change()],
    );
    assert!(text.contains("the undo of step 1"), "{text}");
    let wrong = text.replace("the undo of step 1", "the undo of step 7");
    let report = crate::run(&Scenario::parse(&wrong, Path::new("e.yaml")).unwrap(), asking(vec![change()]));
    let Verdict::Failed(differences) = report.verdict else { panic!("{report:?}") };
    assert_eq!(differences[0].expectation, "doubts[0]");
    let none = text.replace("doubts: [\"the undo of step 1 \"]", "doubts: []");
    assert_ne!(none, text);
    let report = crate::run(&Scenario::parse(&none, Path::new("e.yaml")).unwrap(), asking(vec![change()]));
    assert!(!report.passed(), "{report:?}");
}

#[test]
fn kinds_that_only_the_run_makes_are_known_and_what_it_applies_is_applied() {
    let widget = "zoo.io/v1 Widget media/w";
    let object = json!({"apiVersion": "zoo.io/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "media"}, "spec": {"n": 1}});
    let apply = |n: u32| {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "media"}, "data": {"n": n.to_string()}});
        mutate(Mutation::Apply(Apply { target: target(CONFIG), object, force: true }))
    };
    let given = given(
        "  - {apiVersion: v1, kind: Namespace, metadata: {name: media}}\n  - {apiVersion: zoo.io/v1, kind: Widget, metadata: {name: other, namespace: media}}\n",
    );
    let text = round_trip(
        &given,
        &[
            get("v1 Namespace media"),
            create(widget, object),
            get(widget),
            apply(1),
            apply(2),
            get(CONFIG),
            delete(widget),
        ],
    );
    assert!(text.contains("CustomResourceDefinition"), "{text}");
}

#[test]
fn what_a_scenario_can_not_repeat_is_refused() {
    let scenario = scenario(&given(""));
    let (run, header, entries) = recorded(&scenario, &[get(CONFIG)]);
    let refused = |header: &RunHeader, entries: &[Entry]| {
        export(&Recording { run: &run, header, entries }).unwrap_err().to_string()
    };
    assert!(refused(&header, &entries[..1]).contains("still at work"));
    let newer = RunHeader { format: RunHeader::FORMAT + 1, ..header.clone() };
    assert!(refused(&newer, &entries).contains("newer Suture"));
    let mut cancelled = entries.clone();
    let halt = Halt::Cancelled("by hand".into());
    cancelled.last_mut().unwrap().body = Body::Ended { ending: Ending::Halted(halt) };
    assert!(refused(&header, &cancelled).contains("by hand"));
    // Nobody knows what became of a change.
    let unknown = "  faults: [{verb: patch, kind: ConfigMap, times: 1, reason: Unknown}]\n";
    let scenario = self::scenario(&given(unknown));
    let (run, header, mut entries) =
        recorded(&scenario, &[mutate(merge(CONFIG, json!({"data": {"x": "y"}})))]);
    for entry in &mut entries {
        if let Body::Reply { answer } = &mut entry.body {
            *answer = Answer::Error(suture_core::Error::new(suture_core::Reason::UNKNOWN, "who knows"));
        }
    }
    let error = export(&Recording { run: &run, header: &header, entries: &entries }).unwrap_err().to_string();
    assert!(error.contains("step 1 (patch)") && error.contains("never known"), "{error}");
    let text = "x".repeat(Scenario::MAX_BYTES);
    let large = format!("  logs: [{{pod: media/p, container: main, text: {}}}]\n", "y".repeat(900_000));
    let many = [logs("v1 Pod media/p", 0), get(CONFIG)];
    assert!(exported(&self::scenario(&given(&large)), &many).is_ok());
    let mut entries = recorded(&self::scenario(&given(&large)), &many).2;
    if let Body::Call { answer: Answer::Ok(Reply::Logs(log)), .. } = &mut entries[0].body {
        *log = text;
    }
    let error = export(&Recording { run: &run, header: &header, entries: &entries }).unwrap_err();
    assert!(matches!(error, ExportError::TooLarge(_)), "{error}");
}
