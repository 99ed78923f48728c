use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::BoxFuture;
use serde_json::json;
use suture_core::effect::{Create, Delete, Predicate};
use suture_core::{Effect, Incident, Mutation, Outcome, RealClock, Reply};

use super::*;
use crate::format::Scenario;
use crate::testing::{Calls, Script, Stop, config, mend, native, patch, remediated};
use crate::timeline::Look;

const FIXTURE: &str = r#"
name: a config is mended
given:
  now: 2026-11-22T04:10:00Z
  objects:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: plex, namespace: media}, data: {state: broken}}
when:
- alert: {labels: {alertname: Broken, namespace: media, name: plex}}
reactions:
- when: {verb: patch, kind: ConfigMap, where: 'has(object.data.busy) && !has(object.data.seen)'}
  after: 40s
  do:
  - patch: {target: v1 ConfigMap media/plex, body: {data: {seen: 'yes'}}}
then:
  outcome: remediated
  finally: '!has(object("v1", "ConfigMap", "media", "plex").data.busy)'
"#;

fn campaign() -> Campaign {
    Campaign { runs: 3_000, time: None, seed: 1, threads: 2, only: Vec::new() }
}

fn scenario(text: &str) -> Scenario {
    Scenario::parse(text, Path::new("test.yaml")).unwrap()
}

fn try_out(campaign: &Campaign, text: &str, script: Script) -> Summary {
    let scenario = scenario(text);
    let subjects = [Subject { scenario: &scenario, program: native(script) }];
    campaign.run(&subjects, &RealClock, &|_| {})
}

fn expectations(summary: &Summary) -> Vec<&str> {
    summary.failures.iter().map(|failure| failure.differences[0].expectation.as_str()).collect()
}

#[test]
fn a_policy_that_leaves_its_undo_to_the_host_survives_all_of_it() {
    let summary = try_out(&campaign(), FIXTURE, mend);
    let told: Vec<_> = summary.failures.iter().map(|failure| failure.explanation(Look::default())).collect();
    assert_eq!(summary.failed, 0, "{}", told.join("\n\n"));
    assert_eq!(summary.runs, 3_000);
    assert!(summary.singles > 200 && summary.singles < 3_000, "{}", summary.singles);
}

/// As `mend`, but it takes back by itself what it did.
fn tidy_up_by_hand(calls: Calls, incident: Incident) -> BoxFuture<'static, Result<Outcome, Stop>> {
    Box::pin(async move {
        let target = config(&incident);
        let mutation = patch(target.clone(), json!({"data": {"busy": "yes"}}));
        calls.call(Effect::Mutate { mutation, undo: None }).await?;
        calls.call(Effect::Get { target: target.clone() }).await?;
        let mutation = patch(target, json!({"data": {"busy": null}}));
        calls.call(Effect::Mutate { mutation, undo: None }).await?;
        remediated()
    })
}

#[test]
fn a_policy_that_tidies_up_by_hand_is_found_out_and_the_report_is_small_and_repeatable() {
    let summary = try_out(&campaign(), FIXTURE, tidy_up_by_hand);
    assert_eq!(expectations(&summary), ["finally[0]"]);
    let failure = &summary.failures[0];
    assert_eq!(failure.plan.len(), 1);
    let text = failure.explanation(Look::default());
    assert!(text.contains("↯ ") && text.contains("is false at the end"), "{text}");
    assert!(failure.command().contains(&serde_json::to_string(&failure.plan[0]).unwrap()));

    let again = Campaign { only: failure.plan.clone(), ..campaign() };
    let again = try_out(&again, FIXTURE, tidy_up_by_hand);
    assert_eq!((again.runs, again.failed), (1, 1));
    assert_eq!(again.failures[0].differences, failure.differences);
}

/// Deletes what it saw to be broken, however long ago that was.
fn delete_what_was_broken(calls: Calls, incident: Incident) -> BoxFuture<'static, Result<Outcome, Stop>> {
    Box::pin(async move {
        let target = config(&incident);
        let Reply::Object(seen) = calls.call(Effect::Get { target: target.clone() }).await? else {
            return remediated();
        };
        calls.call(Effect::Sleep { duration_ms: 1_000 }).await?;
        if seen["data"]["state"] == "broken" {
            let delete = Delete { target, propagation: Default::default(), resource_version: None };
            calls.call(Effect::Mutate { mutation: Mutation::Delete(delete), undo: None }).await?;
        }
        remediated()
    })
}

#[test]
fn a_policy_that_acts_on_what_has_changed_since_is_found_out() {
    let text = FIXTURE.replace(
        "  finally: '!has(object(\"v1\", \"ConfigMap\", \"media\", \"plex\").data.busy)'",
        "  never:\n  - {delete: v1 ConfigMap media/plex, where: 'has(object.metadata.annotations)'}",
    );
    let summary = try_out(&campaign(), &text, delete_what_was_broken);
    assert_eq!(expectations(&summary), ["never[0]"]);
    assert!(matches!(summary.failures[0].plan[..], [Perturbation::Meddle { how: Meddling::Touch, .. }]));
}

/// Makes a ConfigMap, unless another run of the policy is at work.
fn make_alone(calls: Calls, incident: Incident) -> BoxFuture<'static, Result<Outcome, Stop>> {
    Box::pin(async move {
        calls.call(Effect::Now).await?;
        match calls.call(Effect::Exclusive { name: "media".into(), timeout_ms: 1_000 }).await {
            Ok(_) => make(&calls, &incident).await,
            Err(Stop::Error(_)) => remediated(),
            Err(halt) => Err(halt),
        }
    })
}

async fn make(calls: &Calls, incident: &Incident) -> Result<Outcome, Stop> {
    let target = config(incident);
    let object = json!({"metadata": {"name": "made"}});
    let create = Create { kind: target.kind, namespace: target.namespace, object, subresource: None };
    calls.call(Effect::Mutate { mutation: Mutation::Create(create), undo: None }).await?;
    remediated()
}

#[test]
fn another_run_holds_its_lock_through_the_death_of_the_host() {
    let text = FIXTURE.replace("given:", "given:\n  locks: [{name: media}]") + "  never: [{create: '*'}]\n";
    let summary = try_out(&campaign(), &text, make_alone);
    assert_eq!((expectations(&summary), summary.singles > 20), (vec![], true));
}

/// Looks for another first, and takes a step more where it is not there.
fn make_beside(calls: Calls, incident: Incident) -> BoxFuture<'static, Result<Outcome, Stop>> {
    Box::pin(async move {
        let mut target = config(&incident);
        target.name = "other".into();
        match calls.call(Effect::Get { target }).await {
            Ok(_) => {}
            Err(Stop::Error(_)) => drop(calls.call(Effect::Get { target: config(&incident) }).await?),
            Err(halt) => return Err(halt),
        }
        make(&calls, &incident).await
    })
}

#[test]
fn what_is_looked_at_again_after_a_death_may_have_changed() {
    let other = "[{step: 2, do: [{create: {object: {apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: media}}}}]}]";
    let text = FIXTURE.replace("given:", &format!("given:\n  later: {other}"));
    let summary = try_out(&campaign(), &text, make_beside);
    assert_eq!(expectations(&summary), [""; 0]);
}

static RUNS: AtomicU32 = AtomicU32::new(0);

/// Asks for something else each time.
fn toss_a_coin(calls: Calls, incident: Incident) -> BoxFuture<'static, Result<Outcome, Stop>> {
    Box::pin(async move {
        let mut target = config(&incident);
        target.name = format!("plex-{}", RUNS.fetch_add(1, Ordering::Relaxed));
        let until = Predicate::Deleted;
        calls.call(Effect::Wait { target, until, timeout_ms: 1 }).await?;
        calls.call(Effect::Now).await?;
        remediated()
    })
}

#[test]
fn a_policy_that_is_not_deterministic_is_found_out() {
    let text = FIXTURE.replace("  finally:", "  summary: mended\n  finally:");
    let summary = try_out(&campaign(), &text, toss_a_coin);
    // As it is: its run is played back, and nothing has to go wrong for that.
    assert_eq!(summary.runs, 0);
    let explanation = summary.unfit[0].explanation(Look::default());
    assert!(explanation.contains("the same calls on the same answers"), "{explanation}");
}

/// Waits for what never comes, where its first read fails.
fn never_end(calls: Calls, incident: Incident) -> BoxFuture<'static, Result<Outcome, Stop>> {
    Box::pin(async move {
        let get = Effect::Get { target: config(&incident) };
        loop {
            match calls.call(get.clone()).await {
                Err(Stop::Error(_)) => calls.call(Effect::Sleep { duration_ms: 3_600_000 }).await?,
                Err(halt) => return Err(halt),
                Ok(_) => return remediated(),
            };
        }
    })
}

#[test]
fn a_run_that_never_ends_is_found_out() {
    let text = FIXTURE.replace("given:", "given:\n  limit: 20h\n  limits: {deadline: 30d}");
    let summary = try_out(&campaign(), &text, never_end);
    assert_eq!(expectations(&summary), ["end"]);
    assert!(summary.failures[0].differences[0].message.contains("limit of 20h"));
}

#[test]
fn a_scenario_that_does_not_pass_as_it_is_is_not_tortured() {
    let summary = try_out(&campaign(), &FIXTURE.replace("outcome: remediated", "outcome: escalate"), mend);
    assert_eq!((summary.runs, summary.unfit.len()), (0, 1));
}

#[test]
fn the_same_seed_tries_the_same() {
    let sampled = Campaign { runs: 150, threads: 1, ..campaign() };
    let tried = |seed| {
        let summary = try_out(&Campaign { seed, ..sampled.clone() }, FIXTURE, tidy_up_by_hand);
        (
            summary.runs,
            summary.failed,
            summary.failures.into_iter().map(|failure| failure.plan).collect::<Vec<_>>(),
        )
    };
    assert_eq!(tried(1), tried(1));
    assert_ne!(tried(1), tried(2));
}

#[test]
fn a_campaign_without_time_tries_nothing() {
    let summary = try_out(&Campaign { time: Some(std::time::Duration::ZERO), ..campaign() }, FIXTURE, mend);
    assert_eq!((summary.runs, summary.failed), (0, 0));
}
