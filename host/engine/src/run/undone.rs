//! However a run ends, what it must undo is undone, once; or a person is told of the doubt.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use suture_core::clock::Driven;
use suture_core::effect::{Op, Patch, PatchType, Predicate, Target, Test};
use suture_core::limits::Bytes;
use suture_core::object::Kind;
use suture_core::{Effect, HumanDuration, Mutation, Outcome};
use suture_journal::{Durability, Entry};

use super::harness::{Calls, RunHarness, harness, policy};
use super::*;

fn plex() -> Target {
    Target {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some("media".into()),
        name: "plex".into(),
        uid: None,
        subresource: None,
    }
}

fn state(state: &str) -> Mutation {
    Mutation::Patch(Patch {
        target: plex(),
        patch_type: PatchType::Merge,
        body: json!({"data": {"state": state}}),
        resource_version: None,
    })
}

/// What a policy does after its change, which has an undo. It ends the run.
type Then = fn(Calls) -> futures::future::BoxFuture<'static, Result<Result<Outcome, String>, Halt>>;

/// A way to end, what the harness is like, and the name and the words of the ending.
struct End {
    name: &'static str,
    then: Then,
    change: fn(&mut RunHarness),
    outcome: &'static str,
    summary: &'static str,
}

fn halted(halt: Halt) -> futures::future::BoxFuture<'static, Result<Result<Outcome, String>, Halt>> {
    Box::pin(async move { Err(halt) })
}

fn exceeded(limit: Limit) -> Halt {
    Halt::Limit(Limits::default().exceeded(limit))
}

/// Calls without end.
async fn chatter(calls: Calls, length: usize) -> Result<Result<Outcome, String>, Halt> {
    loop {
        let _ = calls.call(Effect::Step { title: "x".repeat(length) }).await?;
    }
}

fn sleep(calls: Calls) -> futures::future::BoxFuture<'static, Result<Result<Outcome, String>, Halt>> {
    Box::pin(async move {
        let _ = calls.call(Effect::Sleep { duration_ms: 3_600_000 }).await?;
        panic!("nothing wakes it")
    })
}

fn ends() -> Vec<End> {
    fn as_it_is(_: &mut RunHarness) {}
    let end = |name, then, outcome, summary| End { name, then, change: as_it_is, outcome, summary };
    vec![
        end(
            "success",
            |_| Box::pin(async { Ok(Ok(Outcome::Remediated { summary: "done".into() })) }),
            "remediated",
            "done",
        ),
        end(
            "nothing to do after all",
            |_| Box::pin(async { Ok(Ok(Outcome::Unnecessary { summary: "fine".into() })) }),
            "unnecessary",
            "fine",
        ),
        end(
            "retry",
            |_| {
                let after = HumanDuration::from_secs(9);
                Box::pin(async move { Ok(Ok(Outcome::Retry { after, summary: "later".into() })) })
            },
            "retry",
            "later",
        ),
        end(
            "escalation",
            |_| Box::pin(async { Ok(Ok(Outcome::Escalate { summary: "a person".into() })) }),
            "escalate",
            "a person",
        ),
        end("error", |_| Box::pin(async { Ok(Err("no luck".into())) }), "failed", "no luck"),
        end("memory", |_| halted(exceeded(Limit::Memory)), "failed", "limits.memory"),
        end("processor", |_| halted(exceeded(Limit::Cpu)), "failed", "limits.cpu"),
        End {
            change: |harness| harness.spec.limits.effects = 5,
            ..end("effects", |calls| Box::pin(chatter(calls, 1)), "failed", "limits.effects")
        },
        End {
            change: |harness| harness.spec.limits.call_bytes = Bytes(2000),
            ..end("bytes of a call", |calls| Box::pin(chatter(calls, 3000)), "failed", "limits.callBytes")
        },
        End {
            change: |harness| harness.spec.limits.run_bytes = Bytes(8000),
            ..end("bytes of a run", |calls| Box::pin(chatter(calls, 500)), "failed", "limits.runBytes")
        },
        End {
            change: |harness| harness.spec.limits.deadline = HumanDuration::from_secs(60),
            ..end("deadline", sleep, "failed", "limits.deadline")
        },
        End {
            change: |harness| {
                let (cancel, clock) = (harness.session.cancel.clone(), harness.session.clock.clone());
                let slow = Arc::new(CancelLater { cancel, clock });
                harness.session.observer = Some(slow);
            },
            ..end("cancellation", sleep, "cancelled", "by hand")
        },
        End {
            change: |harness| harness.session.log = Arc::new(Hiccup(harness.log.clone(), 3.into())),
            ..end(
                "a journal that can't be written once",
                |calls| Box::pin(chatter(calls, 1)),
                "failed",
                "disk",
            )
        },
    ]
}

/// Cancels a run as soon as it waits.
struct CancelLater {
    cancel: Cancel,
    clock: Arc<dyn Clock>,
}

impl Observer for CancelLater {
    fn entry(&self, _: &Entry) {}

    fn waiting(&self, on: Option<&suture_core::Prepared>) {
        if on.is_some_and(|on| on.deadline > Some(self.clock.now())) {
            self.cancel.halt(Halt::Cancelled("by hand".into()));
        }
    }
}

/// A log that fails once, after so many entries.
struct Hiccup(Arc<dyn RunLog>, AtomicUsize);

#[async_trait::async_trait]
impl RunLog for Hiccup {
    async fn append(&self, entry: Entry, durability: Durability) -> Result<(), JournalError> {
        if self.1.fetch_sub(1, Ordering::AcqRel) == 0 {
            return Err(JournalError::OfRun("the disk is full".into()));
        }
        self.0.append(entry, durability).await
    }

    async fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        self.0.entries().await
    }
}

#[test]
fn what_must_be_undone_is_undone_once_however_the_run_ends() {
    for End { name, then, change, outcome, summary } in ends() {
        let mut harness = harness(policy(move |calls, _| async move {
            let effect = Effect::Mutate { mutation: state("halfway"), undo: Some(state("broken")) };
            calls.call(effect).await?.unwrap();
            then(calls).await
        }));
        change(&mut harness);
        let (finished, cluster, _) = harness.run();
        assert_eq!(RunHarness::state(&cluster), "broken", "{name}");
        assert_eq!(cluster.mutations().len(), 2, "{name}: made once, undone once");
        assert_eq!(finished.ending.name(), outcome, "{name}: {finished:?}");
        assert!(finished.ending.summary().contains(summary), "{name}: {finished:?}");
        assert!(finished.doubts.is_empty() && !finished.interrupted, "{name}: {finished:?}");
    }
}

#[test]
fn an_undo_that_fails_again_and_again_is_a_doubt_however_the_run_ends() {
    for End { name, then, change, .. } in ends() {
        let mut harness = harness(policy(move |calls, _| async move {
            let effect = Effect::Mutate { mutation: state("halfway"), undo: Some(state("broken")) };
            calls.call(effect).await?.unwrap();
            then(calls).await
        }));
        let faults = json!([{"verb": "patch", "skip": 1, "reason": "Forbidden", "message": "not any more"}]);
        harness.fixture.faults = serde_json::from_value(faults).unwrap();
        let mut harness = harness.rebuilt();
        change(&mut harness);
        let (finished, cluster, _) = harness.run();
        assert_eq!(RunHarness::state(&cluster), "halfway", "{name}");
        let [doubt] = &finished.doubts[..] else { panic!("{name}: {finished:?}") };
        assert!(doubt.contains("the undo of step 1") && doubt.contains("not any more"), "{name}: {doubt}");
    }
}

/// A host that died in the middle of a run, at each entry of its record: the next one.
#[test]
fn a_run_that_can_not_go_on_is_undone_once_wherever_its_host_died() {
    let script = || {
        policy(|calls, _| async move {
            let effect = Effect::Mutate { mutation: state("halfway"), undo: Some(state("broken")) };
            calls.call(effect).await?.unwrap();
            let repaired = Predicate::All(vec![Test {
                pointer: "/data/state".into(),
                op: Op::Equals,
                value: json!("repaired"),
            }]);
            let _ = calls.call(Effect::Wait { target: plex(), until: repaired, timeout_ms: 60_000 }).await?;
            Ok(Err("it never was".into()))
        })
    };
    let whole = harness(script()).run().2.entries();
    assert!(whole.len() > 5, "{whole:#?}");
    for length in 0..=whole.len() {
        let harness = harness(script());
        // The cluster as the dead host left it: what has a reply was done, and so was an intent.
        let done = |undo: bool| {
            whole[..length].iter().any(|entry| match &entry.body {
                suture_journal::Body::Intent { prepared, undo_of, .. } => {
                    prepared.effect.is_mutation() && undo_of.is_some() == undo
                }
                _ => false,
            })
        };
        let (cluster, clock, session) =
            (harness.cluster.clone(), harness.clock.clone(), harness.session.clone());
        let unfinished = Unfinished {
            run: harness.spec.run.clone(),
            policy: harness.spec.policy.clone(),
            module: harness.spec.program.digest().to_owned(),
            requested: harness.spec.program.manifest().permissions.clone(),
            incident: harness.spec.incident.clone(),
            mode: Mode::Enforce,
            approved: None,
            limits: Limits::default(),
            grants: harness.spec.grants.clone(),
            entries: whole[..length].to_vec(),
        };
        let recover = async {
            for entry in &whole[..length] {
                if let suture_journal::Body::Intent { prepared, .. } = &entry.body
                    && prepared.effect.is_mutation()
                {
                    cluster.perform(prepared).await.unwrap();
                }
            }
            recover(unfinished, session).await
        };
        let Driven::Done(finished) = pollster::block_on(clock.drive(recover)) else { panic!("stuck") };
        let finished = finished.unwrap();
        assert_eq!(RunHarness::state(&cluster), "broken", "{length} entries");
        assert!(finished.doubts.is_empty(), "{length} entries: {finished:?}");
        let made = cluster.mutations().len();
        assert_eq!(made, if done(false) { 2 } else { 0 }, "{length} entries: undone once ({})", done(true));
    }
}

#[test]
fn what_somebody_has_written_over_is_not_undone_and_nothing_is_in_doubt() {
    let script = policy(|calls, _| async move {
        let undo = Mutation::Patch(Patch {
            target: plex(),
            patch_type: PatchType::Json,
            body: json!([
                {"op": "test", "path": "/data/state", "value": "fixing"},
                {"op": "replace", "path": "/data/state", "value": "broken"},
            ]),
            resource_version: None,
        });
        calls.call(Effect::Mutate { mutation: state("fixing"), undo: Some(undo) }).await?.unwrap();
        calls.call(Effect::Sleep { duration_ms: 60_000 }).await?.unwrap();
        Ok(Err("no luck".into()))
    });
    let mut harness = harness(script);
    harness.fixture.reactions = serde_json::from_value(json!([
        {"when": {"verb": "patch", "kind": "ConfigMap"}, "after": "10s", "do": [
            {"patch": {"target": "v1 ConfigMap media/plex", "body": {"data": {"state": "mine"}}}}]},
    ]))
    .unwrap();
    let (finished, cluster, log) = harness.rebuilt().run();
    assert_eq!(RunHarness::state(&cluster), "mine");
    assert_eq!(finished.doubts, Vec::<String>::new());
    assert_eq!(suture_journal::Ledger::of(&log.entries()).open(), []);
}
