//! Many runs of one policy.

use std::task::Poll;

use futures::future::join_all;
use futures::{FutureExt, poll};
use suture_core::{Ending, Limits, Program};

use super::SLEEP;
use crate::testing::{Guest, Scripted, incident, remediate};

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
    let runtime = crate::Runtime::new(crate::Compiler::InProcess).unwrap();
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

/// Each has three memories, so a third as many fit.
#[tokio::test]
async fn a_policy_that_takes_more_has_fewer_places() {
    let runtime = crate::Runtime::new(crate::Compiler::InProcess).unwrap();
    let guest = Guest {
        items: "(memory 1) (memory 1)",
        ..remediate(SLEEP, "(call $sleep (i64.const 1)) global.get $done")
    };
    let policy = runtime.load(&guest.component(), None).await.unwrap();
    let host = Scripted::waiting();
    let (incident, limits) = (incident(), Limits::default());
    let mut runs: Vec<_> = (0..400).map(|_| policy.remediate(&incident, &limits, host.clone())).collect();
    for run in &mut runs {
        assert!(matches!(poll!(run.as_mut()), Poll::Pending));
    }
    assert_eq!(host.asked.lock().len(), 333);
    host.gate.as_ref().unwrap().add_permits(400);
    let endings = join_all(runs).await;
    assert!(endings.iter().all(|ending| matches!(ending, Ending::Concluded(_))), "{:?}", endings.last());
}
