use std::path::Path;

use super::*;
use crate::testing::{mend, native};
use crate::{Look, run};

const GIVEN: &str = r#"# what it is about
name: a broken config is mended
given:
  now: 2026-11-22T04:10:00Z
  objects:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: media}, data: {state: broken}}
reactions:
- when: {verb: patch, kind: ConfigMap, where: 'object.data.state == "mended" && !has(object.data.seen)'}
  after: 4m
  do:
  - patch: {target: v1 ConfigMap NAMESPACE/NAME, body: {data: {seen: "yes"}}}
when: [{alert: {labels: {alertname: Broken, namespace: media, name: a}}}]
"#;

/// What becomes of an expectation; what is written is played again, and holds.
fn updated(then: &str) -> Result<String, UpdateError> {
    let text = format!("{GIVEN}{then}");
    let file = Path::new("s.yaml");
    let scenario = Scenario::parse(&text, file).unwrap_or_else(|error| panic!("{error}"));
    let report = run(&scenario, native(mend));
    let after = update(&text, &scenario, &report)?;
    let scenario = Scenario::parse(&after, file).unwrap_or_else(|error| panic!("{error}\n{after}"));
    let report = run(&scenario, native(mend));
    assert!(report.passed(), "{}\n{after}", report.explanation(Look::default()));
    Ok(after.strip_prefix(GIVEN).unwrap_or_else(|| panic!("{after}")).to_owned())
}

#[test]
fn what_does_not_hold_follows_and_what_holds_stays_as_it_is_written() {
    let then = r#"then:
  outcome: escalate        # for now
  summary: |
    nobody saw it
  effects:
  # the state
  - patch: v1 ConfigMap media/a      # once
    where: patch.data.state == "broken"
  - delete: v1 ConfigMap media/a
  # what it put there goes
  - patch: v1 ConfigMap */a
    where: 'patch.data.busy == null'
  never:
  - delete: "*"            # whatever happens
"#;
    // `never` and `effects` that contradict one another are refused when they are read.
    let then = then.replace("  - delete: v1 ConfigMap media/a\n", "  - patch: v1 ConfigMap media/b\n");
    assert_eq!(
        updated(&then).unwrap(),
        r#"then:
  outcome: remediated        # for now
  summary: it is mended
  effects:
  # the state
  - patch: v1 ConfigMap media/a
    where: 'patch.data.busy == "yes" && patch.data.state == "mended"'
  # what it put there goes
  - patch: v1 ConfigMap */a
    where: 'patch.data.busy == null'
  never:
  - delete: "*"            # whatever happens
"#
    );
}

#[test]
fn lists_in_brackets_and_texts_of_the_timeline_follow_too() {
    let then = "then: {outcome: failed, effects: [{patch: v1 ConfigMap media/z}, {patch: v1 ConfigMap media/a}], \
                timeline: [mending, 'waited 9m until data.seen', something else], doubts: [none]}\n";
    assert_eq!(
        updated(then).unwrap(),
        "then: {outcome: remediated, effects: [{patch: v1 ConfigMap media/a}, {patch: v1 ConfigMap media/a}], \
         timeline: [mending, \"ConfigMap media/a: waited 4m until data.seen is set\"], doubts: []}\n"
    );
}

#[test]
fn what_must_never_happen_and_what_must_hold_is_a_persons_to_change() {
    let never = "then: {outcome: escalate, never: [{patch: '*'}]}\n";
    assert_eq!(updated(never), Err(UpdateError::NotOurs("never[0]".to_owned())));
    let finally = "then: {finally: 'object(\"v1\", \"ConfigMap\", \"media\", \"a\") == null'}\n";
    assert_eq!(updated(finally), Err(UpdateError::NotOurs("finally[0]".to_owned())));
}

#[test]
fn nothing_is_expected_that_was_not_and_what_passes_stays() {
    assert_eq!(updated("then:\n  outcome: escalate\n").unwrap(), "then:\n  outcome: remediated\n");
    assert_eq!(updated("then: {outcome: remediated}\n").unwrap(), "then: {outcome: remediated}\n");
}

#[test]
fn of_several_scenarios_in_a_file_the_one_that_is_meant_is_changed() {
    let two = format!("{GIVEN}then: {{outcome: escalate}}\n---\n{GIVEN}then: {{outcome: escalate}}\n");
    let all = Scenario::parse_all(&two, Path::new("s.yaml")).unwrap();
    let report = run(&all[1], native(mend));
    let after = update(&two, &all[1], &report).unwrap();
    assert_eq!(after.matches("outcome: escalate").count(), 1);
    assert!(after.ends_with("then: {outcome: remediated}\n"));
}
