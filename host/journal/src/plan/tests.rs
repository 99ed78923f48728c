use std::sync::Arc;

use serde_json::{Map, json};
use suture_core::effect::{Create, Delete, Patch, PatchType, Predicate, Target};
use suture_core::object::{Kind, Object};
use suture_core::{Mutation, Prepared, Reply, Step, Timestamp};

use super::*;
use crate::approval::ApprovalChange;
use crate::entry::{Answer, Body};

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_320_600 + second).unwrap()
}

fn target(name: &str) -> Target {
    Target {
        kind: Kind::new("apps/v1", "Deployment"),
        namespace: Some("media".into()),
        name: name.into(),
        uid: Some("uid-of-plex".into()),
        subresource: None,
    }
}

/// A record under construction.
struct Record {
    run: RunId,
    entries: Vec<Entry>,
    module: &'static str,
    settings: Value,
    key: Labels,
}

impl Record {
    fn new() -> Self {
        let key = [("namespace".to_owned(), "media".to_owned())].into();
        Self { run: RunId::new("run-1"), entries: vec![], module: "sha256:a", settings: json!({}), key }
    }

    fn of_run(run: &str) -> Self {
        Self { run: RunId::new(run), ..Self::new() }
    }

    fn entry(mut self, step: u32, body: Body) -> Self {
        self.entries.push(Entry { step, at: time(0), body });
        self
    }

    fn now(self, step: u32, now: Timestamp) -> Self {
        self.entry(
            step,
            Body::Call { effect: Effect::Now, answer: Answer::Ok(Reply::Now(now)), undo_of: None },
        )
    }

    /// A change that was only tried.
    fn change(self, step: u32, asked: Mutation, done: Mutation, before: Option<Value>, after: Value) -> Self {
        let effect = |mutation| Effect::Mutate { mutation, undo: None };
        let place = Step { run: self.run.clone(), number: step };
        let prepared = Prepared { dry_run: true, ..Prepared::new(place, effect(done)) };
        let intent = Body::Intent {
            prepared,
            asked: Some(Box::new(effect(asked))),
            undo_of: None,
            before: before.map(Arc::new),
        };
        let answer = Answer::Ok(Reply::Mutated(Arc::new(after)));
        self.entry(step, intent).entry(step, Body::Reply { answer })
    }

    fn patch(self, step: u32, before: Value, after: Value) -> Self {
        let patch = Patch {
            target: target("plex"),
            patch_type: PatchType::Merge,
            body: json!({}),
            resource_version: None,
        };
        let patch = Mutation::Patch(patch);
        self.change(step, patch.clone(), patch, Some(before), after)
    }

    fn plan(&self) -> Plan {
        let basis = Basis { module: self.module, settings: &self.settings, grants: &[], key: &self.key };
        Plan::of(&self.run, &basis, &self.entries)
    }
}

fn object() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "plex", "namespace": "media", "uid": "uid-of-plex", "resourceVersion": "7", "generation": 1,
            "labels": {"a": "b"}},
        "spec": {"replicas": 1, "paused": false, "strategy": {"type": "Recreate", "list": [1, {"x": 2}]}},
        "status": {"ready": 1}})
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    *object.pointer_mut(pointer).unwrap() = value;
    object
}

const FIELDS: [&str; 6] = [
    "/metadata/labels/a",
    "/spec/replicas",
    "/spec/paused",
    "/spec/strategy/type",
    "/spec/strategy/list/0",
    "/spec/strategy/list/1/x",
];

#[test]
fn each_field_that_changes_is_in_the_digest_with_what_it_was_and_what_it_becomes() {
    let mut digests = vec![Record::new().patch(1, object(), object()).plan().digest];
    for field in FIELDS {
        for value in [json!("x"), json!("y"), json!(null), json!({"deep": [1]}), json!([])] {
            digests
                .push(Record::new().patch(1, object(), with(object(), field, value.clone())).plan().digest);
            digests.push(Record::new().patch(1, with(object(), field, value), object()).plan().digest);
        }
    }
    let all = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), all);
}

#[test]
fn fields_that_stay_the_status_and_versions_are_not_in_the_digest() {
    let changed = |object: Value| with(object, "/spec/replicas", json!(2));
    let digest = |object: Value| Record::new().patch(1, object.clone(), changed(object)).plan().digest;
    let expected = digest(object());
    for field in FIELDS.into_iter().filter(|field| *field != "/spec/replicas") {
        assert_eq!(digest(with(object(), field, json!("elsewhere"))), expected, "{field}");
    }
    for (field, value) in [("/status", json!({"ready": 0})), ("/metadata/generation", json!(9))] {
        assert_eq!(digest(with(object(), field, value.clone())), expected, "{field}");
        let moves = with(changed(object()), field, value);
        assert_eq!(Record::new().patch(1, object(), moves).plan().digest, expected, "{field} moves, too");
    }
}

#[test]
fn module_settings_key_object_and_order_are_in_the_digest() {
    let other = with(object(), "/spec/replicas", json!(2));
    let record = || Record::new().patch(1, object(), other.clone());
    let expected = record().plan().digest;
    assert_eq!(record().plan().digest, expected);
    assert_ne!(Record { module: "sha256:b", ..record() }.plan().digest, expected);
    assert_ne!(Record { settings: json!({"a": 1}), ..record() }.plan().digest, expected);
    assert_ne!(Record { key: Labels::new(), ..record() }.plan().digest, expected);
    let twice = record().patch(2, other.clone(), object()).plan().digest;
    let turned =
        Record::new().patch(1, other.clone(), object()).patch(2, object(), other.clone()).plan().digest;
    assert_ne!(twice, expected);
    assert_ne!(twice, turned);
    let mut replaced = record();
    for entry in &mut replaced.entries {
        if let Body::Intent { prepared, .. } = &mut entry.body
            && let Effect::Mutate { mutation, .. } = &mut prepared.effect
        {
            mutation.target_mut().unwrap().uid = Some("another".into());
        }
    }
    assert_ne!(replaced.plan().digest, expected, "another object of the same name");
}

/// A Job of a run, named by the host, as the API server would make it at a time.
fn job(run: &str, suffix: &str, uid: &str, now: Timestamp, image: &str) -> Record {
    let create = |metadata: Value| {
        Mutation::Create(Create {
            kind: Kind::new("batch/v1", "Job"),
            namespace: Some("media".into()),
            object: json!({"metadata": metadata}),
            subresource: None,
        })
    };
    let name = format!("unlock-{suffix}");
    let after = json!({"metadata": {"name": name, "uid": uid, "creationTimestamp": now.to_string(),
            "annotations": {"suture.dev/run": format!("{run}/2"), "at": format!("{now}, by {run}")}},
        "spec": {"selector": {"uid": uid}, "since": now.as_second(), "millis": now.as_millisecond(),
            "template": {"labels": {"job-name": name}, "image": image}}});
    let (asked, done) = (create(json!({"generateName": "unlock-"})), create(json!({"name": name})));
    Record::of_run(run).now(1, now).change(2, asked, done, None, after)
}

#[test]
fn what_the_host_and_the_clock_fill_in_is_masked() {
    let expected = job("run-1", "abcde", "u-1", time(0), "x").plan().digest;
    assert_eq!(job("run-2", "fghij", "u-2", time(3601), "x").plan().digest, expected);
    assert_ne!(job("run-1", "abcde", "u-1", time(0), "y").plan().digest, expected);
}

#[test]
fn the_plan_of_an_older_record_says_that_it_does_not_know_what_was_before() {
    let mut record = Record::new().patch(1, object(), with(object(), "/spec/replicas", json!(2)));
    for entry in &mut record.entries {
        if let Body::Intent { before, .. } = &mut entry.body {
            *before = None;
        }
    }
    let plan = record.plan();
    assert!(plan.changes[0].before_unknown && plan.changes[0].fields.is_empty());
}

#[test]
fn a_diff_has_the_fields_that_change_and_who_owns_them() {
    let mut before = object();
    before["metadata"]["managedFields"] =
        json!([{"manager": "argocd-controller", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
    let plan = Record::new().patch(1, before, with(object(), "/spec/replicas", json!(2))).plan();
    let [change] = &plan.changes[..] else { panic!("{plan:#?}") };
    let diff = FieldDiff {
        path: "/spec/replicas".into(),
        before: Some(json!(1)),
        after: Some(json!(2)),
        owners: vec!["argocd-controller".into()],
    };
    assert_eq!((&change.fields[..], change.more_fields), (&[diff][..], 0));
    assert_eq!(change.gitops.as_deref(), Some("Argo CD"));
    assert_eq!(change.uid.as_deref(), Some("uid-of-plex"));
}

#[test]
fn what_is_shown_of_five_megabytes_is_small_and_the_digest_is_over_all_of_it() {
    let large = |last: &str| {
        let mut data: Map<String, Value> =
            (0..5000).map(|index| (format!("k{index:04}"), "x".repeat(1000).into())).collect();
        data.insert("z".into(), format!("{}{last}", "x".repeat(1000)).into());
        data.insert("a".into(), format!("{}{last}", "x".repeat(1_000_000)).into());
        Value::Object(data)
    };
    let plan = |last: &str| {
        let mut after = object();
        after["data"] = large(last);
        Record::new().patch(1, object(), after).plan()
    };
    let (one, other) = (plan("1"), plan("2"));
    assert!(serde_json::to_vec(&one).unwrap().len() < 2 * SHOWN);
    let change = &one.changes[0];
    assert_eq!(change.fields.len() + change.more_fields, 5002);
    assert!(
        change.fields[0].after.as_ref().unwrap().as_str().unwrap().starts_with("(1000003 bytes, sha256:")
    );
    assert_ne!(one.digest, other.digest);
}

#[test]
fn a_plan_says_what_it_would_do_how_far_it_reaches_and_in_what_it_differs() {
    let delete = Mutation::Delete(Delete::of(target("plex")));
    let gone: Object = Arc::new(object());
    let wait = Effect::Wait { target: target("plex"), until: Predicate::Deleted, timeout_ms: 1000 };
    let place = Step { run: RunId::new("run-1"), number: 2 };
    let intent =
        Body::Intent { prepared: Prepared::new(place, wait), asked: None, undo_of: None, before: None };
    let deleting =
        Record::new().change(1, delete.clone(), delete, None, Value::clone(&gone)).entry(2, intent);
    let plan = deleting.plan();
    assert_eq!(
        plan.summary().as_deref(),
        Some("would delete Deployment media/plex; then wait until it is gone (Deployment plex)")
    );
    let other = Record::new().patch(1, object(), with(object(), "/spec/replicas", json!(2))).plan();
    assert_eq!(
        ApprovalChange::differences(&ApprovalChange::all(&other), &ApprovalChange::all(&plan)),
        ["no longer: patch Deployment media/plex", "now: delete Deployment media/plex"]
    );
    assert_eq!(Record::new().plan().summary(), None);
}

/// A change with what the policy wants it to be taken back by.
fn taken_back_by(record: Record, undo: &Mutation) -> Record {
    let mut record = record.patch(1, object(), with(object(), "/spec/replicas", json!(0)));
    for entry in &mut record.entries {
        if let Body::Intent { prepared, asked, .. } = &mut entry.body {
            for effect in [Some(&mut prepared.effect), asked.as_deref_mut()].into_iter().flatten() {
                if let Effect::Mutate { undo: of, .. } = effect {
                    *of = Some(undo.clone());
                }
            }
        }
    }
    record
}

#[test]
fn what_takes_a_change_back_is_a_part_of_what_is_approved() {
    let undo = |replicas: u32, version: &str| {
        Mutation::Patch(Patch {
            target: target("plex"),
            patch_type: PatchType::Merge,
            body: json!({"spec": {"replicas": replicas}}),
            resource_version: Some(version.to_owned()),
        })
    };
    let digest = |undo: &Mutation| taken_back_by(Record::new(), undo).plan().digest;
    assert_ne!(digest(&undo(1, "7")), digest(&undo(9, "7")));
    assert_ne!(digest(&undo(1, "7")), digest(&Mutation::Delete(Delete::of(target("plex")))));
    assert_eq!(digest(&undo(1, "7")), digest(&undo(1, "8")), "the version moves with any other change");
}

#[test]
fn a_number_that_only_begins_as_the_time_is_another_one() {
    let digest = |name: String| {
        let after = with(object(), "/metadata/labels/a", json!(name));
        Record::new().now(1, time(0)).patch(2, object(), after).plan().digest
    };
    let seconds = time(0).as_second();
    assert_eq!(digest(format!("backup-{seconds}")), digest(format!("backup-{seconds}000")), "milliseconds");
    for other in [
        format!("backup-{seconds}1"),
        format!("backup-1{seconds}"),
        format!("backup-{seconds}123"),
        format!("backup-{seconds}0000000000"),
        "backup-⟨time⟩".to_owned(),
    ] {
        assert_ne!(digest(format!("backup-{seconds}")), digest(other));
    }
}

#[test]
fn fields_whose_names_are_alike_but_for_a_time_count_each() {
    let seconds = time(0).as_second();
    let digest = |list: Value| {
        let after = with(object(), "/spec/strategy/list", list);
        Record::new().now(1, time(0)).patch(2, object(), after).plan().digest
    };
    let one = format!("{seconds}");
    let other = format!("{seconds}000");
    assert_ne!(digest(json!([{&one: "good"}])), digest(json!([{&one: "evil", &other: "good"}])));
    assert_ne!(digest(json!([{&one: "good", &other: "good"}])), digest(json!([{&one: "good"}])));
}

#[test]
fn what_a_policy_writes_of_the_status_counts() {
    let digest = |body: Value, ready: u32| {
        let patch =
            Patch { target: target("plex"), patch_type: PatchType::Merge, body, resource_version: None };
        let patch = Mutation::Patch(patch);
        let after = with(object(), "/status/ready", json!(ready));
        Record::new().change(1, patch.clone(), patch, Some(object()), after).plan().digest
    };
    assert_ne!(digest(json!({"status": {"ready": 5}}), 5), digest(json!({"status": {"ready": 6}}), 6));
    assert_eq!(digest(json!({}), 5), digest(json!({}), 6));
}
