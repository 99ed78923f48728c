//! What a policy can't use up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use suture_core::clock::{Driven, later};
use suture_core::effect::Reply;
use suture_core::{Bytes, Clock, Ending, HumanDuration, Limit, Limits, Program, VirtualClock};

use super::{LOG, SLEEP, trapped};
use crate::testing::{Guest, Scripted, incident, remediate};

fn over(limits: &Limits, limit: Limit) -> Ending {
    limits.exceeded(limit).into()
}

#[tokio::test]
async fn an_endless_loop_ends_at_its_cpu_budget() {
    let limits = Limits { cpu: HumanDuration::from_millis(20), ..Limits::default() };
    let ending = remediate("", "(loop $on (br $on)) unreachable").run(&limits, Scripted::plain()).await;
    assert_eq!(ending, over(&limits, Limit::Cpu));
}

#[tokio::test]
async fn what_the_host_does_costs_the_policy_no_cpu() {
    let limits = Limits { cpu: HumanDuration::from_millis(50), ..Limits::default() };
    let host = Scripted::new(|_| {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        Ok(Ok(Reply::Slept))
    });
    // The loop is where the guest is asked what it has used.
    let code = "(local $i i32) (call $sleep (i64.const 1))
        (loop $on (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $on (i32.lt_u (local.get $i) (i32.const 1000))))
        global.get $done";
    let ending = remediate(SLEEP, code).run(&limits, host).await;
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
    let (incident, host) = (incident(), Scripted::living_by(&clock));
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

/// A list of fifty thousand texts, each of which is the same megabyte: nothing in the guest's
/// memory, fifty gigabytes in the host's.
#[tokio::test]
async fn arguments_that_overlap_do_not_exhaust_the_host() {
    let guest = Guest {
        imports: r#"(import "suture:policy/kube@0.2.0" "wait" (func $wait
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
