//! How runs end, and what passes between a policy and its host.

use std::sync::Arc;

use suture_core::effect::{Level, Reply};
use suture_core::{Effect, Ending, Error, Halt, Limit, Limits, Outcome, Reason};

use super::{LOG, SLEEP, trapped};
use crate::testing::{Guest, Scripted, remediate};

const LOCK: &str =
    r#"(import "suture:policy/kube@0.2.0" "exclusive" (func $exclusive (param i32 i32 i64 i32)))"#;

#[tokio::test]
async fn a_conclusion_and_a_failure_are_told_apart() {
    let limits = Limits::default();
    let ending = Guest::default().run(&limits, Scripted::plain()).await;
    assert_eq!(ending, Ending::Concluded(Outcome::Remediated { summary: "all is well".into() }));
    let ending = remediate("", "global.get $failed").run(&limits, Scripted::plain()).await;
    assert_eq!(ending, Ending::Failed("could not tell".into()));
}

#[tokio::test]
async fn a_trap_says_what_and_where() {
    let message = trapped(remediate("", "unreachable").run(&Limits::default(), Scripted::plain()).await);
    assert!(message.contains("unreachable") && message.contains("`remediate`"), "{message}");
    let message =
        trapped(remediate("", "(i32.load (i32.const -4))").run(&Limits::default(), Scripted::plain()).await);
    assert!(message.contains("out of bounds memory access"), "{message}");
    let message = trapped(
        remediate("", "(call $remediate (local.get 0))").run(&Limits::default(), Scripted::plain()).await,
    );
    assert!(message.contains("call stack exhausted"), "{message}");
}

#[tokio::test]
async fn what_the_host_halts_does_not_go_on() {
    let halts = [
        Halt::Cancelled("by hand".into()),
        Halt::Planned,
        Halt::Limit(Limits::default().exceeded(Limit::Effects)),
        Halt::Nondeterminism { step: 1, recorded: "a".into(), asked: "b".into() },
    ];
    for halt in halts {
        let theirs = halt.clone();
        let host = Scripted::new(move |_| Err(theirs.clone()));
        let guest =
            remediate(SLEEP, "(call $sleep (i64.const 1)) (call $sleep (i64.const 2)) global.get $done");
        assert_eq!(guest.run(&Limits::default(), host.clone()).await, Ending::Halted(halt));
        assert_eq!(*host.asked.lock(), [Effect::Sleep { duration_ms: 1 }]);
    }
}

#[tokio::test]
async fn an_error_of_the_host_reaches_the_policy() {
    // result<_, error>: the first byte says which.
    let code = "(call $exclusive (i32.const 1024) (i32.const 4) (i64.const 9) (i32.const 512))
        (if (result i32) (i32.load8_u (i32.const 512)) (then global.get $failed) (else global.get $done))";
    let guest = remediate(LOCK, code);
    let host = Scripted::plain();
    assert!(matches!(guest.run(&Limits::default(), host.clone()).await, Ending::Concluded(_)));
    assert_eq!(*host.asked.lock(), [Effect::Exclusive { name: "demo".into(), timeout_ms: 9 }]);
    let host = Scripted::new(|_| Ok(Err(Error::new(Reason::TIMEOUT, "held by another run"))));
    assert_eq!(guest.run(&Limits::default(), host).await, Ending::Failed("could not tell".into()));
}

#[tokio::test]
async fn what_is_no_effect_is_an_error_for_the_policy_and_reaches_nobody() {
    let code = "(call $settle (i32.const 1024) (i32.const 4) (i32.const 0) (i32.const 512))
        (if (result i32) (i32.load8_u (i32.const 512)) (then global.get $failed) (else global.get $done))";
    let imports = r#"(import "suture:policy/kube@0.2.0" "settle" (func $settle (param i32 i32 i32 i32)))"#;
    let host = Scripted::plain();
    let ending = remediate(imports, code).run(&Limits::default(), host.clone()).await;
    assert_eq!(ending, Ending::Failed("could not tell".into()));
    assert!(host.asked.lock().is_empty());
}

/// `mutate` hands out the number of its effect, which `settle` then names.
#[tokio::test]
async fn steps_are_numbered_as_the_host_counts_effects() {
    let guest = Guest {
        imports: r#"
            (import "suture:policy/clock@0.2.0" "sleep" (func $sleep (param i64)))
            (import "suture:policy/kube@0.2.0" "mutate" (func $mutate (param i32 i32)))
            (import "suture:policy/kube@0.2.0" "settle" (func $settle (param i32 i32 i32 i32)))"#,
        // A create of `{}`, spilled: variant 0, a kind, no namespace, the object.
        remediate: r#"
            (i32.store (i32.const 512) (i32.const 0))
            (i32.store offset=32 (i32.const 512) (i32.const 60000))
            (i32.store offset=36 (i32.const 512) (i32.const 2))
            (i32.store16 (i32.const 60000) (i32.const 0x7d7b))
            (call $sleep (i64.const 1))
            (call $sleep (i64.const 2))
            (call $mutate (i32.const 512) (i32.const 896))
            (if (i32.load8_u (i32.const 896)) (then unreachable))
            (call $settle (i32.load offset=8 (i32.const 896)) (i32.load offset=12 (i32.const 896))
                (i32.const 1) (i32.const 960))
            (if (i32.load8_u (i32.const 960)) (then unreachable))
            global.get $done"#,
        ..Guest::default()
    };
    let host = Scripted::new(|effect| {
        Ok(Ok(match effect {
            Effect::Sleep { .. } => Reply::Slept,
            Effect::Mutate { .. } => Reply::Mutated(Arc::new(serde_json::json!({"a": 1}))),
            _ => Reply::Settled,
        }))
    });
    let ending = guest.run(&Limits::default(), host.clone()).await;
    assert!(matches!(ending, Ending::Concluded(_)), "{ending:?}");
    assert_eq!(host.asked.lock()[3], Effect::Settle { step: 3, run_undo: true });
}

#[tokio::test]
async fn the_incident_arrives_as_the_contract_lays_it_out() {
    let code = "
        (call $log (i32.const 1) (i32.load (local.get 0)) (i32.load offset=4 (local.get 0)))
        (call $log (i32.const 1) (i32.load offset=36 (local.get 0)) (i32.load offset=40 (local.get 0)))
        (call $log (i32.load offset=72 (local.get 0))
          (i32.load offset=76 (local.get 0)) (i32.load offset=80 (local.get 0)))
        global.get $done";
    let host = Scripted::plain();
    remediate(LOG, code).run(&Limits::default(), host.clone()).await;
    let line = |message: &str| Effect::Log { level: Level::Info, message: message.into() };
    // Its id; when it began; and, at the level that the number of the attempt names, the settings.
    assert_eq!(*host.asked.lock(), [line("i"), line("2026-11-22T04:10:00Z"), line("{}")]);
}

#[tokio::test]
async fn a_reply_to_another_question_is_an_internal_error() {
    let host = Scripted::new(|_| Ok(Ok(Reply::Held)));
    let message = trapped(
        remediate(SLEEP, "(call $sleep (i64.const 1)) global.get $done").run(&Limits::default(), host).await,
    );
    assert!(message.contains("internal error") && message.contains("clock.sleep"), "{message}");
}
