//! What a run may do, and how it ends.

use std::time::Duration;

use serde_json::{Value, json};
use suture_core::clock::{Driven, later};
use suture_core::effect::{
    Create, Delete, Op, Patch, PatchType, Predicate, Propagation, Query, Target, Test, Waited,
};
use suture_core::handler::Discovery;
use suture_core::handler::Resource;
use suture_core::object::Kind;
use suture_core::{Effect, Error, Fault, HumanDuration, Mutation, Prepared, Reason, Reply, Resolution, Step};
use suture_journal::{Body, MemoryLog};

use super::harness::{RunHarness, done, harness, policy};
use super::*;

fn target(kind: (&str, &str), name: &str) -> Target {
    Target {
        kind: Kind::new(kind.0, kind.1),
        namespace: Some("media".into()),
        name: name.into(),
        uid: None,
        subresource: None,
    }
}

const CONFIG: (&str, &str) = ("v1", "ConfigMap");
const SECRET: (&str, &str) = ("v1", "Secret");

fn merge(name: &str, body: Value) -> Mutation {
    Mutation::Patch(Patch {
        target: target(CONFIG, name),
        patch_type: PatchType::Merge,
        body,
        resource_version: None,
    })
}

fn create(object: Value) -> Mutation {
    let kind = Kind::of(&object).unwrap();
    Mutation::Create(Create { kind, namespace: Some("media".into()), object, subresource: None })
}

fn change(mutation: Mutation) -> Effect {
    Effect::Mutate { mutation, undo: None }
}

fn reason(answer: &Result<Reply, Error>) -> Option<&Reason> {
    answer.as_ref().err().map(|error| &error.reason)
}

#[test]
fn what_is_granted_and_fires_is_done() {
    let harness = harness(policy(|calls, _| async move {
        let answer = calls.call(change(merge("plex", json!({"data": {"state": "repaired"}})))).await?;
        assert_eq!(reason(&answer), None);
        done()
    }));
    let (finished, cluster, _) = harness.run();
    assert_eq!(finished.ending.name(), "remediated");
    assert_eq!(RunHarness::state(&cluster), "repaired");
}

#[test]
fn what_is_not_granted_or_not_requested_is_denied_and_said() {
    let harness = harness(policy(|calls, _| async move {
        let mut elsewhere = target(CONFIG, "plex");
        elsewhere.namespace = Some("kube-system".into());
        for (effect, why) in [
            (Effect::Get { target: elsewhere }, "no grant"),
            (Effect::Get { target: target(("v1", "Pod"), "plex") }, "does not request"),
            (
                Effect::Logs {
                    pod: target(("v1", "Pod"), "plex"),
                    container: String::new(),
                    tail_lines: 1,
                    limit_bytes: 0,
                },
                "pods/log",
            ),
        ] {
            let error = calls.call(effect).await?.unwrap_err();
            assert_eq!(error.reason, Reason::DENIED);
            assert!(error.message.contains(why), "{error}");
        }
        let everywhere = Query {
            kind: Kind::new("v1", "ConfigMap"),
            namespace: None,
            labels: String::new(),
            fields: String::new(),
            limit: 0,
            next: None,
            metadata_only: false,
        };
        assert_eq!(reason(&calls.call(Effect::List(everywhere)).await?), Some(&Reason::DENIED));
        done()
    }));
    assert_eq!(harness.run().0.ending.name(), "remediated");
}

#[test]
fn names_that_could_lead_elsewhere_are_refused() {
    let harness = harness(policy(|calls, _| async move {
        for name in ["../../secrets/x", "a/b", "a%2fb", "", "..", "a?b"] {
            assert_eq!(
                reason(&calls.call(Effect::Get { target: target(CONFIG, name) }).await?),
                Some(&Reason::BAD_REQUEST)
            );
        }
        let mut token = target(CONFIG, "plex");
        token.subresource = Some("token".into());
        assert_eq!(reason(&calls.call(Effect::Get { target: token }).await?), Some(&Reason::DENIED));
        done()
    }));
    assert_eq!(harness.run().0.ending.name(), "remediated");
}

#[test]
fn nothing_is_changed_for_an_alert_that_does_not_fire_in_prometheus() {
    let mut harness = harness(policy(|calls, _| async move {
        let error = calls.call(change(merge("plex", json!({"data": {"state": "x"}})))).await?.unwrap_err();
        assert_eq!(error.reason, Reason::DENIED);
        assert!(error.message.contains("does not fire in Prometheus"), "{error}");
        done()
    }));
    Arc::make_mut(&mut harness.spec.incident.alert).labels.insert("severity".into(), "forged".into());
    let (_, cluster, _) = harness.run();
    assert_eq!(RunHarness::state(&cluster), "broken");
    assert!(cluster.mutations().is_empty());
}

#[test]
fn a_prometheus_that_is_away_for_a_while_is_waited_for() {
    let mut harness = harness(policy(|calls, _| async move {
        calls.call(change(merge("plex", json!({"data": {"state": "repaired"}})))).await?.unwrap();
        done()
    }));
    let faults =
        json!([{"verb": "alerts", "times": 5, "reason": "Unavailable", "message": "connection refused"}]);
    harness.fixture.faults = serde_json::from_value(faults).unwrap();
    let harness = harness.rebuilt();
    let began = harness.clock.now();
    let clock = harness.clock.clone();
    let (_, cluster, _) = harness.run();
    assert_eq!(RunHarness::state(&cluster), "repaired");
    assert!(clock.now() > began, "time passed");
}

#[test]
fn the_values_of_a_secret_reach_neither_the_policy_nor_the_journal() {
    let harness = harness(policy(|calls, _| async move {
        let secret = calls.call(Effect::Get { target: target(("v1", "Secret"), "restic") }).await?.unwrap();
        let Reply::Object(secret) = secret else { panic!("{secret:?}") };
        assert_eq!(secret["data"], json!({"password": ""}));
        let patch = Mutation::Patch(Patch {
            target: target(("v1", "Secret"), "restic"),
            patch_type: PatchType::Merge,
            body: json!({"metadata": {"labels": {"seen": "true"}}}),
            resource_version: None,
        });
        calls.call(change(patch)).await?.unwrap();
        done()
    }));
    let (_, _, log) = harness.run();
    let journal = serde_json::to_string(&log.entries()).unwrap();
    assert!(journal.contains("password") && !journal.contains("aHVudGVyMg"));
}

#[test]
fn observe_plans_what_it_would_do_and_changes_nothing() {
    let mut harness = harness(policy(|calls, _| async move {
        calls.call(change(merge("plex", json!({"data": {"state": "repaired"}})))).await?.unwrap();
        let Reply::Object(plex) = calls.call(Effect::Get { target: target(CONFIG, "plex") }).await?.unwrap()
        else {
            panic!("no object")
        };
        assert_eq!(plex["data"]["state"], "repaired", "the plan lies over later reads");
        let made = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}});
        calls.call(change(create(made))).await?.unwrap();
        let repaired = Predicate::All(vec![Test {
            pointer: "/data/state".into(),
            op: Op::Equals,
            value: json!("repaired"),
        }]);
        let wait = |until| Effect::Wait { target: target(CONFIG, "plex"), until, timeout_ms: 60_000 };
        assert!(matches!(calls.call(wait(repaired)).await?, Ok(Reply::Waited(Waited::Met(_)))));
        calls.call(wait(Predicate::Deleted)).await?.unwrap();
        panic!("nothing that depends on the plan goes on")
    }));
    harness.spec.mode = Mode::Observe;
    let (finished, cluster, _) = harness.run();
    assert_eq!(finished.ending.name(), "planned");
    let plan = finished.summary();
    let first =
        "would patch ConfigMap media/plex: data.state = \"repaired\"; then create ConfigMap media/made-";
    assert!(
        plan.starts_with(first) && plan.ends_with("; then wait until it is gone (ConfigMap plex)"),
        "{plan}"
    );
    assert_eq!(RunHarness::state(&cluster), "broken");
    assert!(cluster.mutations().iter().all(|mutation| mutation.dry_run));
    assert_eq!(cluster.objects().iter().filter(|object| object["kind"] == "ConfigMap").count(), 1);
}

#[test]
fn a_plan_is_a_diff_of_objects_as_the_api_server_would_make_them_and_values_of_secrets_are_not_in_it() {
    let mut harness = harness(policy(|calls, _| async move {
        calls.call(change(merge("plex", json!({"data": {"state": "repaired"}})))).await?.unwrap();
        let label = Patch {
            target: target(SECRET, "restic"),
            patch_type: PatchType::Merge,
            body: json!({"metadata": {"labels": {"seen": "yes"}}}),
            resource_version: None,
        };
        calls.call(change(Mutation::Patch(label))).await?.unwrap();
        done()
    }));
    harness.spec.mode = Mode::Observe;
    let (finished, _, log) = harness.run();
    let plan = finished.plan.as_ref().unwrap();
    let fields = |index: usize| serde_json::to_value(&plan.changes[index].fields).unwrap();
    assert_eq!(fields(0), json!([{"path": "/data/state", "before": "broken", "after": "repaired"}]));
    assert_eq!(fields(1), json!([{"path": "/metadata/labels/seen", "before": null, "after": "yes"}]));
    assert!(plan.changes.iter().all(|change| !change.performed));
    assert!(finished.summary().ends_with(". Then: done"), "{}", finished.summary());
    let record = serde_json::to_string(&log.entries()).unwrap();
    assert!(record.contains("password") && !record.contains("aHVudGVyMg"));
}

#[test]
fn a_plan_says_what_it_would_wait_for_though_undos_come_after_it() {
    let mut harness = harness(policy(|calls, _| async move {
        let effect = Effect::Mutate {
            mutation: merge("plex", json!({"data": {"state": "halfway"}})),
            undo: Some(merge("plex", json!({"data": {"state": "broken"}}))),
        };
        calls.call(effect).await?.unwrap();
        let until = Predicate::Deleted;
        calls
            .call(Effect::Wait { target: target(CONFIG, "plex"), until, timeout_ms: 60_000 })
            .await?
            .unwrap();
        panic!("nothing that depends on the plan goes on")
    }));
    harness.spec.mode = Mode::Observe;
    let (finished, _, _) = harness.run();
    assert_eq!(
        finished.summary(),
        "would patch ConfigMap media/plex: data.state = \"halfway\"; then wait until it is gone (ConfigMap plex)"
    );
}

#[test]
fn a_change_is_taken_back_when_the_policy_fails() {
    let harness = harness(policy(|calls, _| async move {
        let effect = Effect::Mutate {
            mutation: merge("plex", json!({"data": {"state": "halfway"}})),
            undo: Some(merge("plex", json!({"data": {"state": "broken"}}))),
        };
        calls.call(effect).await?.unwrap();
        Ok(Err("could not go on".into()))
    }));
    let (finished, cluster, _) = harness.run();
    assert_eq!(finished.ending, Ending::Failed("could not go on".into()));
    assert_eq!(finished.doubts, Vec::<String>::new());
    assert_eq!(RunHarness::state(&cluster), "broken");
    assert_eq!(cluster.mutations().len(), 2);
}

#[test]
fn an_undo_that_is_not_granted_is_refused_before_the_change_is_made() {
    let harness = harness(policy(|calls, _| async move {
        let mut elsewhere = target(CONFIG, "other");
        elsewhere.namespace = Some("kube-system".into());
        let undo = Mutation::Delete(Delete {
            target: elsewhere,
            propagation: Propagation::Background,
            resource_version: None,
        });
        let effect =
            Effect::Mutate { mutation: merge("plex", json!({"data": {"state": "x"}})), undo: Some(undo) };
        assert_eq!(reason(&calls.call(effect).await?), Some(&Reason::DENIED));
        done()
    }));
    let (_, cluster, _) = harness.run();
    assert_eq!(RunHarness::state(&cluster), "broken");
}

#[test]
fn a_job_may_not_run_an_image_that_no_grant_lists() {
    let harness = harness(policy(|calls, _| async move {
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "unlock-"},
            "spec": {"template": {"spec": {"automountServiceAccountToken": false, "restartPolicy": "Never",
                "containers": [{"name": "c", "image": "evil/miner"}]}}}});
        let error = calls.call(change(create(job))).await?.unwrap_err();
        assert_eq!(error.reason, Reason::DENIED);
        assert!(error.message.contains("evil/miner"), "{error}");
        done()
    }));
    let (_, cluster, _) = harness.run();
    assert!(cluster.mutations().is_empty());
}

#[test]
fn a_run_that_outlives_its_deadline_is_ended_and_undone() {
    let mut harness = harness(policy(|calls, _| async move {
        let effect = Effect::Mutate {
            mutation: merge("plex", json!({"data": {"state": "halfway"}})),
            undo: Some(merge("plex", json!({"data": {"state": "broken"}}))),
        };
        calls.call(effect).await?.unwrap();
        calls.call(Effect::Sleep { duration_ms: 3_600_000 }).await?.unwrap();
        panic!("it slept past its deadline")
    }));
    harness.spec.limits.deadline = HumanDuration::from_secs(60);
    let (finished, cluster, _) = harness.run();
    assert_eq!(finished.ending.summary(), "limit exceeded: `limits.deadline` is 1m");
    assert_eq!(RunHarness::state(&cluster), "broken");
}

#[test]
fn a_run_whose_deadline_passed_while_no_host_was_there_does_nothing_more() {
    let mut harness = harness(policy(|calls, _| async move {
        let mutation = merge("plex", json!({"data": {"state": "too late"}}));
        calls.call(Effect::Mutate { mutation, undo: None }).await?.unwrap();
        panic!("it acted past its deadline")
    }));
    let started_at = harness.clock.now();
    harness.spec.past = Some(Past { entries: Vec::new(), started_at, locks: Vec::new() });
    harness.spec.limits.deadline = HumanDuration::from_secs(60);
    let RunHarness { cluster, clock, spec, session, .. } = harness;
    let away = async {
        session.clock.sleep(Duration::from_secs(61)).await;
        execute(spec, session.clone()).await
    };
    let Driven::Done(finished) = pollster::block_on(clock.drive(away)) else { panic!("stuck") };
    assert_eq!(finished.unwrap().ending.summary(), "limit exceeded: `limits.deadline` is 1m");
    assert!(cluster.mutations().is_empty());
}

#[test]
fn a_lock_is_held_until_the_run_ends() {
    let take = || {
        policy(|calls, _| async move {
            let answer =
                calls.call(Effect::Exclusive { name: "repository".into(), timeout_ms: 600_000 }).await?;
            assert_eq!(reason(&answer), None);
            calls.call(Effect::Sleep { duration_ms: 60_000 }).await?.unwrap();
            done()
        })
    };
    let (first, second) = (harness(take()), harness(take()));
    let second_session = Session { log: Arc::new(MemoryLog::default()), ..first.session.clone() };
    let (clock, log) = (first.clock.clone(), first.log.clone());
    let began = clock.now();
    let both =
        futures::future::join(execute(first.spec, first.session), execute(second.spec, second_session));
    let Driven::Done((one, two)) = pollster::block_on(clock.drive(both)) else { panic!("stuck") };
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(clock.now(), later(began, Duration::from_secs(120)), "one after the other");
    assert!(matches!(log.entries().last().unwrap().body, Body::Ended { .. }));
}

/// A cluster whose lease is lost: nothing is changed on it any more.
struct Lost<C>(C, std::sync::atomic::AtomicUsize);

#[async_trait::async_trait]
impl<C: EffectHandler> EffectHandler for Lost<C> {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        self.0.prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        if prepared.effect.is_mutation() && self.1.fetch_sub(1, std::sync::atomic::Ordering::AcqRel) == 0 {
            return Err(Halt::Shutdown.into());
        }
        self.0.perform(prepared).await
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        self.0.resolve(prepared).await
    }
}

#[async_trait::async_trait]
impl<C: Discovery> Discovery for Lost<C> {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.0.resource(kind).await
    }
}

#[test]
fn a_host_that_may_act_no_more_leaves_its_runs_to_the_next_undos_too() {
    for (allowed, state) in [(0, "broken"), (1, "mended")] {
        let mut harness = harness(policy(|calls, _| async move {
            let undo = merge("plex", json!({"data": {"state": "broken"}}));
            let mend = merge("plex", json!({"data": {"state": "mended"}}));
            let _ = calls.call(Effect::Mutate { mutation: mend, undo: Some(undo) }).await?;
            Ok(Err("it fails, so it is taken back".to_owned()))
        }));
        harness.session.cluster = Arc::new(Lost(harness.session.cluster, allowed.into()));
        let (finished, cluster, _) = harness.run();
        assert!(finished.interrupted && finished.doubts.is_empty(), "{finished:?}");
        assert_eq!(RunHarness::state(&cluster), state);
    }
}
