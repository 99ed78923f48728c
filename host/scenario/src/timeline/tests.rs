use std::sync::Arc;

use serde_json::json;
use suture_core::effect::{Level, Op, Patch, PatchType, Predicate, Target, Test, Waited};
use suture_core::object::Kind;
use suture_core::{Error, Halt, Mutation, Prepared, Reason, Reply, RunId, Step};
use suture_journal::{Answer, Body};

use super::*;

struct Script {
    entries: Vec<Entry>,
    seconds: i64,
}

impl Script {
    fn new() -> Self {
        Self { entries: Vec::new(), seconds: 1_000_000 }
    }

    fn push(mut self, step: u32, body: Body) -> Self {
        let at = Timestamp::from_second(self.seconds).unwrap();
        self.entries.push(Entry { step, at, body });
        self
    }

    fn after(mut self, seconds: i64) -> Self {
        self.seconds += seconds;
        self
    }

    fn call(self, step: u32, effect: Effect, answer: impl Into<Answer>) -> Self {
        self.push(step, Body::Call { effect, answer: answer.into(), undo_of: None })
    }

    fn intent(self, step: u32, effect: Effect, undo_of: Option<u32>, dry_run: bool) -> Self {
        let step_of_run = Step { run: RunId::new("r"), number: step };
        let prepared = Prepared { dry_run, ..Prepared::new(step_of_run, effect) };
        self.push(step, Body::Intent { prepared, asked: None, undo_of, before: None })
    }

    fn reply(self, step: u32, reply: Result<Reply, Error>) -> Self {
        self.push(step, Body::Reply { answer: reply.into() })
    }

    fn ended(self, step: u32, ending: Ending) -> Self {
        self.push(step, Body::Ended { ending })
    }

    fn plain(&self) -> String {
        Timeline::render(&self.entries, Look::default())
    }
}

fn plex() -> Target {
    Target {
        kind: Kind::new("volsync.backube/v1alpha1", "ReplicationSource"),
        namespace: Some("media".into()),
        name: "plex".into(),
        uid: None,
        subresource: None,
    }
}

fn patch(patch_type: PatchType, body: Value) -> Effect {
    let mutation = Mutation::Patch(Patch { target: plex(), patch_type, body, resource_version: None });
    Effect::Mutate { mutation, undo: None }
}

fn wait(test: Test) -> Effect {
    Effect::Wait { target: plex(), until: Predicate::All(vec![test]), timeout_ms: 600_000 }
}

use serde_json::Value;

fn object() -> Arc<Value> {
    Arc::new(json!({}))
}

fn step(title: &str) -> Effect {
    Effect::Step { title: title.into() }
}

fn log(level: Level, message: &str) -> Effect {
    Effect::Log { level, message: message.into() }
}

fn remediated(summary: &str) -> Ending {
    Ending::Concluded(Outcome::Remediated { summary: summary.into() })
}

#[test]
fn a_repair_reads_like_a_story() {
    let synced = Test { pointer: "/status/lastManualSync".into(), op: Op::Equals, value: json!("s-1") };
    let script = Script::new()
        .call(1, step("looking at the backup"), Ok(Reply::Noted))
        .call(2, Effect::Get { target: plex() }, Ok(Reply::Object(object())))
        .call(3, Effect::Now, Ok(Reply::Now(Timestamp::UNIX_EPOCH)))
        .call(4, log(Level::Warn, "the lock's holder is gone"), Ok(Reply::Noted))
        .call(5, step("unlocking"), Ok(Reply::Noted))
        .after(4)
        .intent(6, patch(PatchType::Merge, json!({"spec": {"restic": {"unlock": "s-1"}}})), None, false)
        .reply(6, Ok(Reply::Mutated(object())))
        .intent(7, wait(synced), None, false)
        .after(130)
        .reply(7, Ok(Reply::Waited(Waited::Met(object()))))
        .ended(7, remediated("the backup of media/plex runs again"))
        .intent(
            8,
            patch(
                PatchType::Json,
                json!([{"op": "test", "path": "/spec/trigger/manual", "value": "s-1"},
                    {"op": "remove", "path": "/spec/trigger/manual"}]),
            ),
            Some(6),
            false,
        )
        .reply(8, Ok(Reply::Mutated(object())));
    assert_eq!(
        script.plain(),
        "\u{20} +00:00  looking at the backup\n\
         \u{20} +00:00     2  get        ReplicationSource media/plex\n\
         \u{20} +00:00        warn       the lock's holder is gone\n\
         \u{20} +00:00  unlocking\n\
         \u{20} +00:04     6  patch      ReplicationSource media/plex: spec.restic.unlock = \"s-1\"\n\
         \u{20} +00:04     7  wait       ReplicationSource media/plex: waited 2m10s until status.lastManualSync = \"s-1\"\n\
         \u{20} +02:14  taking back what must not outlive the run\n\
         \u{20} +02:14     8  patch      ReplicationSource media/plex: spec.trigger.manual removed ↩ undo of step 6\n\
         \u{20} +02:14  remediated: the backup of media/plex runs again\n"
    );
}

#[test]
fn a_denial_is_shown_in_full_and_in_red() {
    let why = "delete volumesnapshots.snapshot.storage.k8s.io `plex` in namespace `media`: no grant in the \
               configuration allows it, and the reason is long enough to be cut by someone careless";
    let target = Target { name: "plex".into(), ..plex() };
    let mutation = Mutation::Delete(suture_core::effect::Delete {
        target,
        propagation: Default::default(),
        resource_version: None,
    });
    let script =
        Script::new().call(1, Effect::Mutate { mutation, undo: None }, Err(Error::new(Reason::DENIED, why)));
    assert!(script.plain().contains(&format!("ReplicationSource media/plex: Denied: {why}")));
    let colored = Timeline::render(&script.entries, Look { color: true, width: None });
    assert!(colored.contains("\u{1b}[1m\u{1b}[31mDenied:"), "{colored:?}");
}

#[test]
fn a_run_in_the_middle_of_a_wait_says_what_it_waits_for() {
    let test = Test { pointer: "/status/phase".into(), op: Op::Exists, value: Value::Null };
    let script = Script::new().intent(1, wait(test), None, false);
    assert_eq!(
        script.plain(),
        "\u{20} +00:00     1  wait       ReplicationSource media/plex: waiting until status.phase is set\n\
         \u{20} +00:00  not ended yet\n"
    );
}

#[test]
fn a_plan_says_that_nothing_was_performed() {
    let script = Script::new()
        .intent(1, patch(PatchType::Merge, json!({"spec": {"paused": null}})), None, true)
        .reply(1, Ok(Reply::Mutated(object())))
        .ended(1, Ending::Halted(Halt::Planned));
    assert_eq!(
        script.plain(),
        "\u{20} +00:00     1  patch      ReplicationSource media/plex: spec.paused removed (dry run: not performed)\n\
         \u{20} +00:00  planned: what follows depends on changes that observe mode does not make\n"
    );
}

#[test]
fn a_change_to_a_secret_shows_no_value() {
    let mutation = Mutation::Patch(Patch {
        target: Target { kind: Kind::new("v1", "Secret"), ..plex() },
        patch_type: PatchType::Merge,
        body: json!({"stringData": {"password": "hunter2"}}),
        resource_version: None,
    });
    let script = Script::new().intent(1, Effect::Mutate { mutation, undo: None }, None, false);
    let text = script.plain();
    assert!(text.contains("stringData.password set") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_step_that_was_prepared_anew_says_so() {
    let change = || patch(PatchType::Merge, json!({"spec": {"a": 1}}));
    let script = Script::new()
        .intent(1, change(), None, false)
        .intent(1, change(), None, false)
        .reply(1, Ok(Reply::Mutated(object())));
    let text = script.plain();
    assert!(text.contains("spec.a = 1 (after a conflict)"), "{text}");
}

#[test]
fn a_wait_that_the_end_of_the_run_cut_off_is_shown() {
    let test = Test { pointer: "/status/phase".into(), op: Op::NotEquals, value: json!("Ready") };
    let script = Script::new()
        .intent(1, wait(test), None, false)
        .after(60)
        .ended(1, Ending::Halted(Halt::Cancelled("by hand".into())));
    assert_eq!(
        script.plain(),
        "\u{20} +00:00     1  wait       ReplicationSource media/plex: cut off after 1m, waiting until status.phase ≠ \"Ready\"\n\
         \u{20} +01:00  cancelled: by hand\n"
    );
}
