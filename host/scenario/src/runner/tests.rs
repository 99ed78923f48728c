use std::path::Path;

use futures::future::BoxFuture;
use serde_json::json;
use suture_core::effect::{Create, Delete};
use suture_core::object::Kind;
use suture_core::{Effect, Incident, Mutation, Outcome};

use super::*;
use crate::testing::{Calls, Script, Stop, config, mend, native, remediated};

fn destroy(calls: Calls, incident: Incident) -> BoxFuture<'static, Result<Outcome, Stop>> {
    Box::pin(async move {
        let delete =
            Delete { target: config(&incident), propagation: Default::default(), resource_version: None };
        calls.call(Effect::Mutate { mutation: Mutation::Delete(delete), undo: None }).await?;
        remediated()
    })
}

fn sleep_for_ever(calls: Calls, _: Incident) -> BoxFuture<'static, Result<Outcome, Stop>> {
    Box::pin(async move {
        loop {
            calls.call(Effect::Sleep { duration_ms: 86_400_000 }).await?;
        }
    })
}

fn create_elsewhere(calls: Calls, _: Incident) -> BoxFuture<'static, Result<Outcome, Stop>> {
    Box::pin(async move {
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "other"}});
        let kind = Kind::new("v1", "ConfigMap");
        let create = Create { kind, namespace: Some("other".into()), object, subresource: None };
        calls.call(Effect::Mutate { mutation: Mutation::Create(create), undo: None }).await?;
        remediated()
    })
}

const GIVEN: &str = r#"
name: a broken config is mended
given:
  now: 2026-11-22T04:10:00Z
  objects:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: media}, data: {state: broken}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: media}, data: {state: broken}}
reactions:
- when: {verb: patch, kind: ConfigMap, where: 'object.data.state == "mended" && !has(object.data.seen)'}
  after: 4m
  do:
  - patch: {target: v1 ConfigMap NAMESPACE/NAME, body: {data: {seen: "yes"}}}
"#;
const WHEN: &str = "when: [{alert: {labels: {alertname: Broken, namespace: media, name: a}}}]\n";

fn play(script: Script, rest: &str) -> Report {
    let text = format!("{GIVEN}{rest}");
    let scenario = Scenario::parse(&text, Path::new("s.yaml")).unwrap_or_else(|error| panic!("{error}"));
    run(&scenario, native(script))
}

fn failure(report: &Report) -> &Difference {
    match &report.verdict {
        Verdict::Failed(differences) => &differences[0],
        other => panic!("{other:?}"),
    }
}

fn invalid(report: &Report) -> &str {
    match &report.verdict {
        Verdict::Invalid { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_repair_that_goes_as_expected_passes_in_virtual_time() {
    let then = r#"
then:
  outcome: remediated
  summary: mended
  effects:
  - patch: v1 ConfigMap media/a
    where: patch.data.state == "mended" && before.data.state == "broken"
  - patch: v1 ConfigMap media/a
    where: patch.data.busy == null
  never:
  - patch: v1 ConfigMap media/b
  - delete: "*"
  finally: '!has(object("v1", "ConfigMap", "media", "a").data.busy)'
"#;
    let report = play(mend, &format!("{WHEN}{then}"));
    assert_eq!(report.verdict, Verdict::Passed, "{}", report.explanation(Look::default()));
    assert_eq!(report.simulated, Duration::from_secs(240));
    assert_eq!(report.line(), "ok   a broken config is mended  (simulated 4m, 5 effects)");
}

#[test]
fn a_failure_shows_the_timeline_with_its_mark() {
    let report = play(destroy, &format!("{WHEN}then: {{never: [{{delete: '*'}}]}}\n"));
    assert_eq!(failure(&report).expectation, "never[0]");
    assert_eq!(
        report.explanation(Look::default()),
        "  never[0] (s.yaml:14)\n\
         \u{20}     step 1: delete v1 ConfigMap media/a: this must never happen (delete *)\n\
         \n\
         \u{20} run for name=a namespace=media\n\
         \u{20} +00:00     1  delete     ConfigMap media/a\n\
         \u{20}         ▲ never[0]\n\
         \u{20} +00:00  remediated: it is mended\n"
    );
    assert!(report.line().starts_with("FAIL a broken config"));
    assert_eq!(report.json()["verdict"], "failed");
}

#[test]
fn a_policy_that_never_ends_stops_at_the_limit_of_virtual_time() {
    let text = format!("{GIVEN}{WHEN}").replace("given:", "given:\n  limit: 3d\n  limits: {deadline: 90d}");
    let scenario = Scenario::parse(&text, Path::new("s.yaml")).unwrap();
    let report = run(&scenario, native(sleep_for_ever));
    let message = &failure(&report).message;
    assert!(
        message.contains("stopped at the limit of 3d of virtual time") && message.contains("sleep"),
        "{message}"
    );
}

#[test]
fn a_run_that_outlives_its_deadline_is_ended() {
    let report =
        play(sleep_for_ever, &format!("{WHEN}then: {{outcome: failed, summary: limits.deadline}}\n"));
    assert!(report.passed(), "{}", report.explanation(Look::default()));
}

#[test]
fn two_keys_are_two_runs_and_the_same_alert_again_is_none() {
    let when = r#"
when:
- alert: {labels: {alertname: Broken, namespace: media, name: a}}
- alert: {labels: {alertname: Broken, namespace: media, name: b}}
  after: 1m
- alert: {labels: {alertname: Broken, namespace: media, name: a}}
  after: 2m
- alert: {labels: {alertname: Broken, namespace: media, name: a}}
  after: 20m
then:
  outcome: remediated
  effects:
  - patch: v1 ConfigMap media/a
  - patch: v1 ConfigMap media/b
"#;
    let report = play(mend, when);
    assert!(report.passed(), "{}", report.explanation(Look::default()));
    assert_eq!(report.runs.len(), 2);
    assert_eq!(report.runs[1].title(), "name=b namespace=media");
}

#[test]
fn an_alert_that_was_resolved_and_fires_again_is_a_new_incident() {
    let when = r#"
when:
- alert: {labels: {alertname: Broken, namespace: media, name: a}}
- alert: {labels: {alertname: Broken, namespace: media, name: a}, status: resolved}
  after: 10m
- alert: {labels: {alertname: Broken, namespace: media, name: a}}
  after: 20m
"#;
    assert_eq!(play(mend, when).runs.len(), 2);
}

#[test]
fn an_alert_that_does_not_fire_in_prometheus_lets_nothing_be_changed() {
    let text = format!("{GIVEN}{WHEN}then: {{outcome: failed, summary: does not fire}}\n")
        .replace("given:", "given:\n  alerts: []");
    let report = run(&Scenario::parse(&text, Path::new("s.yaml")).unwrap(), native(mend));
    assert!(report.passed(), "{}", report.explanation(Look::default()));
}

#[test]
fn observe_mode_plans_the_effects_and_changes_nothing() {
    let text = format!(
        "{GIVEN}{WHEN}then:\n  outcome: planned\n  effects: [{{patch: v1 ConfigMap media/a}}]\n  \
         finally: 'object(\"v1\", \"ConfigMap\", \"media\", \"a\").data.state == \"broken\"'\n"
    )
    .replace("given:", "given:\n  mode: observe");
    let report = run(&Scenario::parse(&text, Path::new("s.yaml")).unwrap(), native(mend));
    assert!(report.passed(), "{}", report.explanation(Look::default()));
}

#[test]
fn an_alert_for_somebody_else_runs_nothing_and_one_without_its_key_fails() {
    let other = "when: [{alert: {labels: {alertname: Other}}}]\nthen: {outcome: unnecessary}\n";
    let report = play(destroy, other);
    assert!(report.passed() && report.runs.is_empty() && report.notes.len() == 1, "{report:?}");
    let hostile =
        "when: [{alert: {labels: {alertname: Broken, namespace: ../x, name: a}}}]\nthen: {outcome: failed}\n";
    let report = play(destroy, hostile);
    assert!(report.passed() && report.runs.is_empty(), "{report:?}");
}

#[test]
fn what_no_grant_reaches_is_denied() {
    let report = play(create_elsewhere, &format!("{WHEN}then: {{outcome: failed, summary: Denied}}\n"));
    assert!(report.passed(), "{}", report.explanation(Look::default()));
}

#[test]
fn an_effect_that_this_policy_may_never_have_is_an_error() {
    for (then, message) in [
        ("effects: [{delete: v1 Pod media/a}]", "manifest does not request it"),
        ("effects: [{delete: v1 ConfigMap other/a}]", "no grant allows it"),
        ("effects: [{delete: v1 ConfigMpa media/a}]", "does not serve"),
        ("never: [{delete: v1 ConfigMpa media/a}]", "does not serve"),
        ("never: [{delete: v1 ConfigMap a}]", "lives in a namespace"),
        ("never: [{delete: v1 Namespace a/b}]", "has no namespaces"),
    ] {
        let report = play(mend, &format!("{WHEN}then: {{{then}}}\n"));
        assert!(invalid(&report).contains(message), "{then}: {}", invalid(&report));
        assert!(report.line().starts_with("ERR "));
    }
}

#[test]
fn settings_that_break_the_schema_are_an_error() {
    let text = format!("{GIVEN}{WHEN}").replace("given:", "given:\n  settings: {vlaue: x}");
    let report = run(&Scenario::parse(&text, Path::new("s.yaml")).unwrap(), native(mend));
    assert!(invalid(&report).contains("vlaue"), "{}", invalid(&report));
}

#[test]
fn the_same_scenario_runs_the_same_twice() {
    let entries = || play(mend, WHEN).runs.remove(0).entries;
    assert_eq!(entries(), entries());
}
