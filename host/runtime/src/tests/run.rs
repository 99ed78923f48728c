//! How runs end.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use futures::{FutureExt, poll};
use suture_core::clock::{Driven, later};
use suture_core::effect::{Level, Reply};
use suture_core::{
    Bytes, Clock, Effect, Ending, Error, Halt, HumanDuration, Limit, Limits, Outcome, Program, Reason,
    VirtualClock,
};

use crate::testing::{Guest, Scripted, incident, remediate};

const SLEEP: &str = r#"(import "suture:policy/clock@0.1.0" "sleep" (func $sleep (param i64)))"#;
const LOG: &str = r#"(import "suture:policy/log@0.1.0" "log" (func $log (param i32 i32 i32)))"#;
const LOCK: &str =
    r#"(import "suture:policy/kube@0.1.0" "exclusive" (func $exclusive (param i32 i32 i64 i32)))"#;

fn trapped(ending: Ending) -> String {
    match ending {
        Ending::Trapped(message) => message,
        other => panic!("{other:?}"),
    }
}

fn over(limits: &Limits, limit: Limit) -> Ending {
    limits.exceeded(limit).into()
}

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
async fn an_endless_loop_ends_at_its_cpu_budget() {
    let limits = Limits { cpu: HumanDuration::from_millis(20), ..Limits::default() };
    let ending = remediate("", "(loop $on (br $on)) unreachable").run(&limits, Scripted::plain()).await;
    assert_eq!(ending, over(&limits, Limit::Cpu));
}

#[tokio::test]
async fn waiting_for_the_host_costs_no_cpu() {
    let limits = Limits { cpu: HumanDuration::from_millis(50), ..Limits::default() };
    let host = Scripted::new(|_| {
        std::thread::sleep(Duration::from_millis(60));
        Ok(Ok(Reply::Slept))
    });
    let ending = remediate(SLEEP, "(call $sleep (i64.const 1)) (call $sleep (i64.const 1)) global.get $done")
        .run(&limits, host)
        .await;
    assert!(matches!(ending, Ending::Concluded(_)), "{ending:?}");
}

/// On one thread, a task beside a spinning guest gets its turn.
#[tokio::test(flavor = "current_thread")]
async fn a_spinning_guest_lets_others_run() {
    let limits = Limits { cpu: HumanDuration::from_millis(50), ..Limits::default() };
    let policy = remediate("", "(loop $on (br $on)) unreachable").load().await.unwrap();
    let turns = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counter = turns.clone();
    let beside = tokio::spawn(async move {
        loop {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let ending = policy.remediate(&incident(), &limits, Scripted::plain()).await;
    beside.abort();
    assert_eq!(ending, over(&limits, Limit::Cpu));
    assert!(turns.load(std::sync::atomic::Ordering::Relaxed) > 2);
}

/// A guest that gives way is at work, not waiting: virtual time must not run past it.
#[tokio::test]
async fn a_busy_guest_does_not_look_idle_to_a_virtual_clock() {
    let limits = Limits { cpu: HumanDuration::from_millis(20), ..Limits::default() };
    let policy = remediate("", "(loop $on (br $on)) unreachable").load().await.unwrap();
    let start = "2026-11-22T04:10:00Z".parse().unwrap();
    let clock = VirtualClock::new(start, later(start, Duration::from_secs(3600)));
    let alarm = (&clock as &dyn Clock).sleep(Duration::from_secs(60));
    let (incident, host) = (incident(), Scripted::plain());
    let first = clock.drive(select(policy.remediate(&incident, &limits, host), alarm)).await;
    let Driven::Done(Either::Left((ending, _))) = first else { panic!("time moved") };
    assert_eq!(ending, over(&limits, Limit::Cpu));
    assert_eq!(clock.now(), start);
}

#[tokio::test]
async fn memory_beyond_the_limit_ends_the_run_whatever_the_guest_does_then() {
    let limits = Limits { memory: Bytes(1 << 20), ..Limits::default() };
    // It would go on happily after a failed growth.
    for code in [
        "(drop (memory.grow (i32.const 100))) global.get $done",
        "(loop $on (drop (memory.grow (i32.const 1))) (br $on)) unreachable",
    ] {
        let ending = remediate("", code).run(&limits, Scripted::plain()).await;
        assert_eq!(ending, over(&limits, Limit::Memory), "{code}");
    }
    let ending = Guest { pages: 32, ..Guest::default() }.run(&limits, Scripted::plain()).await;
    assert_eq!(ending, over(&limits, Limit::Memory));
}

#[tokio::test]
async fn a_table_does_not_grow_without_end() {
    let guest = Guest {
        items: "(table $t 1 funcref)",
        remediate: "(drop (table.grow $t (ref.null func) (i32.const 100000))) global.get $done",
        ..Guest::default()
    };
    let message = trapped(guest.run(&Limits::default(), Scripted::plain()).await);
    assert!(message.contains("16384 elements"), "{message}");
}

#[tokio::test]
async fn an_argument_larger_than_a_call_may_be_ends_the_run_with_that_limit() {
    let limits = Limits { call_bytes: Bytes(64 << 10), ..Limits::default() };
    let host = Scripted::plain();
    let guest = Guest {
        pages: 4,
        ..remediate(LOG, "(call $log (i32.const 1) (i32.const 131072) (i32.const 65537)) global.get $done")
    };
    assert_eq!(guest.run(&limits, host.clone()).await, over(&limits, Limit::CallBytes));
    assert!(host.asked.lock().is_empty());

    let guest = Guest {
        pages: 4,
        ..remediate(LOG, "(call $log (i32.const 1) (i32.const 131072) (i32.const 65536)) global.get $done")
    };
    assert!(matches!(guest.run(&limits, host.clone()).await, Ending::Concluded(_)));
    assert_eq!(host.asked.lock().len(), 1);
}

/// A list of a million texts, each of which is the same megabyte: nothing in the guest's
/// memory, a terabyte in the host's.
#[tokio::test]
async fn arguments_that_overlap_do_not_exhaust_the_host() {
    let guest = Guest {
        imports: r#"(import "suture:policy/kube@0.1.0" "wait" (func $wait
            (param i32)  (param i32)))"#,
        pages: 20,
        // The parameters, spilled: a target of zeros, `all`, a list, the timeout.
        remediate: "
            (local $i i32)
            (loop $fill
              (i32.store (i32.add (i32.const 131072) (local.get $i)) (i32.const 131072))
              (i32.store offset=4 (i32.add (i32.const 131072) (local.get $i)) (i32.const 1000000))
              (i32.store offset=12 (i32.add (i32.const 131072) (local.get $i)) (i32.const 0))
              (local.set $i (i32.add (local.get $i) (i32.const 20)))
              (br_if $fill (i32.lt_u (local.get $i) (i32.const 1000000))))
            (i32.store8 offset=60 (i32.const 512) (i32.const 1))
            (i32.store offset=64 (i32.const 512) (i32.const 131072))
            (i32.store offset=68 (i32.const 512) (i32.const 50000))
            (call $wait (i32.const 512) (i32.const 800))
            global.get $done",
        ..Guest::default()
    };
    let host = Scripted::plain();
    let ending = guest.run(&Limits::default(), host.clone()).await;
    assert!(!trapped(ending).contains("utf-8"));
    assert!(host.asked.lock().is_empty());
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
    let imports = r#"(import "suture:policy/kube@0.1.0" "settle" (func $settle (param i32 i32 i32 i32)))"#;
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
            (import "suture:policy/clock@0.1.0" "sleep" (func $sleep (param i64)))
            (import "suture:policy/kube@0.1.0" "mutate" (func $mutate (param i32 i32)))
            (import "suture:policy/kube@0.1.0" "settle" (func $settle (param i32 i32 i32 i32)))"#,
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

#[tokio::test]
async fn runs_share_nothing() {
    let guest = Guest {
        items: "(global $count (mut i32) (i32.const 0))",
        remediate: "
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (i32.store (i32.const 600) (i32.add (i32.load (i32.const 600)) (i32.const 1)))
            (if (i32.ne (i32.add (global.get $count) (i32.load (i32.const 600))) (i32.const 2))
              (then unreachable))
            global.get $done",
        ..Guest::default()
    };
    let policy = guest.load().await.unwrap();
    for _ in 0..3 {
        let ending = policy.remediate(&incident(), &Limits::default(), Scripted::plain()).await;
        assert!(matches!(ending, Ending::Concluded(_)), "{ending:?}");
    }
}

#[tokio::test]
async fn a_run_that_is_dropped_gives_its_place_back() {
    let policy = remediate(SLEEP, "(call $sleep (i64.const 1)) global.get $done").load().await.unwrap();
    let (incident, limits) = (incident(), Limits::default());
    // Twice as many as there are places.
    for _ in 0..2000 {
        let host = Scripted::waiting();
        let mut run = policy.remediate(&incident, &limits, host.clone());
        assert!(matches!(poll!(run.as_mut()), Poll::Pending));
        assert_eq!(host.asked.lock().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_wait_at_the_same_time() {
    let policy = remediate(SLEEP, "(call $sleep (i64.const 1)) global.get $done").load().await.unwrap();
    let host = Scripted::waiting();
    let runs = (0..200).map(|_| {
        let (policy, host) = (policy.clone(), host.clone());
        async move { policy.remediate(&incident(), &Limits::default(), host).await }.boxed()
    });
    let mut runs = join_all(runs);
    assert!(matches!(poll!(&mut runs), Poll::Pending));
    assert_eq!(host.asked.lock().len(), 200);
    host.gate.as_ref().unwrap().add_permits(200);
    assert!(runs.await.iter().all(|ending| matches!(ending, Ending::Concluded(_))));
}

/// A run beyond what the host has room for waits for its turn.
#[tokio::test]
async fn more_runs_than_places_take_turns() {
    let runtime = crate::Runtime::new().unwrap();
    let guest = remediate(SLEEP, "(call $sleep (i64.const 1)) global.get $done");
    let policy = runtime.load(&guest.component(), None).await.unwrap();
    let host = Scripted::waiting();
    let (incident, limits) = (incident(), Limits::default());
    let mut runs: Vec<_> = (0..1001).map(|_| policy.remediate(&incident, &limits, host.clone())).collect();
    for run in &mut runs {
        assert!(matches!(poll!(run.as_mut()), Poll::Pending));
    }
    assert_eq!(host.asked.lock().len(), 1000);
    host.gate.as_ref().unwrap().add_permits(1001);
    let endings = join_all(runs).await;
    assert_eq!(endings.len(), 1001);
    assert!(endings.iter().all(|ending| matches!(ending, Ending::Concluded(_))), "{:?}", endings.last());
}
