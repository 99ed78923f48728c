use serde_json::json;

use super::*;
use crate::format::Scenario;

fn then(text: &str) -> Then {
    let text = format!("name: x\nwhen: [{{alert: {{labels: {{a: b}}}}}}]\nthen:\n{text}");
    Scenario::parse(&text, std::path::Path::new("s.yaml")).unwrap().then
}

fn change(step: u32, mutation: MutationType, object: &str, before: Value, after: Value) -> Change {
    let at = Timestamp::from_second(i64::from(step)).unwrap();
    let objects =
        Arc::new([("v1 Pod media/mover".parse().unwrap(), Arc::new(json!({"phase": "Running"})))].into());
    let (before, after) = (Arc::new(before), Arc::new(after));
    Change { mutation, object: object.parse().unwrap(), at, step: (0, step), before, after, objects }
}

fn changes() -> Vec<Change> {
    vec![
        change(
            3,
            MutationType::Patch,
            "v1 ConfigMap media/plex",
            json!({"data": {"a": 1}}),
            json!({"data": {"a": 1, "b": 2}}),
        ),
        change(5, MutationType::Create, "batch/v1 Job media/unlock", Value::Null, json!({"spec": {"n": 1}})),
        change(8, MutationType::Delete, "v1 Pod media/old", json!({"x": 1}), json!({"x": 1})),
    ]
}

fn all(text: &str) -> Vec<Difference> {
    let none: Lookup =
        Arc::new(|reference| (reference.name == "plex").then(|| Arc::new(json!({"data": {"b": 2}}))));
    let ended = [Ended { outcome: "remediated", summary: "the backup runs again" }];
    differences(&then(text), &ended, &changes(), "+00:00 first\n+00:01 second", &none)
}

fn first(text: &str) -> Difference {
    all(text).into_iter().next().unwrap_or_else(|| panic!("`{text}` was met"))
}

#[test]
fn what_happened_in_that_order_is_met_and_others_may_come_in_between() {
    let met = r#"
  outcome: remediated
  summary: runs again
  effects:
  - patch: v1 ConfigMap media/plex
    where: patch.data.b == 2 && !has(patch.data.a) && before.data.a == 1
  - delete: v1 Pod media/*
  never:
  - delete: v1 Pod other/*
  - create: batch/v1 Job media/*
    where: object.spec.n == 2
  finally:
  - object("v1", "ConfigMap", "media", "plex").data.b == 2
  - object("v1", "ConfigMap", "media", "gone") == null
  timeline: [first, /se.ond/]
"#;
    assert_eq!(all(met), []);
}

#[test]
fn a_condition_that_is_false_shows_what_came_closest() {
    let difference = first("  effects: [{patch: v1 ConfigMap media/plex, where: 'patch.data.b == 3'}]");
    assert_eq!(difference.expectation, "effects[0]");
    assert_eq!(difference.at, Some((0, 3)));
    assert_eq!(
        difference.message,
        "expected patch v1 ConfigMap media/plex where patch.data.b == 3\n\
         closest: step 3: patch v1 ConfigMap media/plex: `where` is false; patch = {\"data\":{\"b\":2}}"
    );
}

#[test]
fn a_condition_that_reads_what_is_not_there_says_so() {
    let difference = first("  effects: [{patch: v1 ConfigMap media/plex, where: 'patch.spec.x == 3'}]");
    assert!(difference.message.contains("`where` has no value"), "{}", difference.message);
    let difference = first("  never: [{patch: v1 ConfigMap media/plex, where: 'patch.spec.x == 3'}]");
    assert!(difference.message.contains("`where` has no value"), "{}", difference.message);
}

#[test]
fn the_wrong_order_is_told_from_what_never_happened() {
    let difference = first("  effects: [{delete: v1 Pod media/old}, {create: batch/v1 Job media/unlock}]");
    assert_eq!(difference.expectation, "effects[1]");
    assert!(difference.message.contains("it happened too early: step 5"), "{}", difference.message);
    let difference = first("  effects: [{delete: v1 Pod media/old}, {delete: v1 Pod media/other}]");
    assert!(difference.message.contains("nothing was changed after step 8"), "{}", difference.message);
    let difference = first("  effects: [{delete: batch/v1 Job media/unlock}]");
    assert!(difference.message.contains("closest: step 5: create"), "{}", difference.message);
}

#[test]
fn what_must_never_happen_is_marked_where_it_happened() {
    let difference = first("  never: [{create: '*'}]");
    assert_eq!((difference.expectation.as_str(), difference.at), ("never[0]", Some((0, 5))));
}

#[test]
fn the_end_is_checked_and_says_which_objects_it_is_about() {
    let difference = first(r#"  finally: 'has(object("v1", "ConfigMap", "media", "plex").data.c)'"#);
    assert!(
        difference.message.contains("is false at the end\nv1 ConfigMap media/plex exists"),
        "{}",
        difference.message
    );
    let difference = first(r#"  finally: 'object("v1", "Pod", "media", "gone").spec.x == 1'"#);
    assert!(difference.message.contains("v1 Pod media/gone does not exist"), "{}", difference.message);
}

#[test]
fn another_outcome_shows_what_the_run_said() {
    let difference = first("  outcome: escalate");
    assert_eq!(difference.message, "expected `escalate`, was `remediated`: the backup runs again");
    assert_eq!(first("  summary: nothing").expectation, "summary");
    assert_eq!(first("  timeline: [second, first]").expectation, "timeline[1]");
}

#[test]
fn a_condition_may_ask_when_a_change_was_made_and_how_things_were_then() {
    let busy = "object(\"v1\", \"Pod\", \"media\", \"mover\").phase == \"Running\"";
    let early = "timestamp(now) < timestamp(\"1970-01-01T00:00:04Z\")";
    let never = |condition: &str| format!("  never: [{{patch: v1 ConfigMap media/*, where: '{condition}'}}]");
    assert_eq!(first(&never(&format!("{busy} && {early}"))).expectation, "never[0]");
    assert!(all(&never(&format!("{busy} && !({early})"))).is_empty());
    assert!(all(&never("object(\"v1\", \"Pod\", \"media\", \"other\") != null")).is_empty());
}
