//! Policies that use much of the processor, and those that come before them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use suture_core::effect::Reply;
use suture_core::{Ending, HumanDuration, Limits, Program};

use super::LOG;
use crate::testing::{Scripted, incident, remediate};

/// A hundred policies spin, again and again. Each of them is at its CPU limit sooner or later;
/// an honest run is over before but a few of them are, however many came before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_run_is_not_kept_waiting_by_a_hundred_that_spin() {
    const SPINNERS: usize = 100;
    let spin = "(call $log (i32.const 1) (i32.const 0) (i32.const 0)) (loop $on (br $on)) unreachable";
    let spinner = Arc::new(remediate(LOG, spin).load().await.unwrap());
    let limits = Limits { cpu: HumanDuration::from_millis(200), ..Limits::default() };
    let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counter = begun.clone();
    let host = Scripted::new(move |_| {
        counter.fetch_add(1, SeqCst);
        Ok(Ok(Reply::Noted))
    });
    let spinners: Vec<_> = (0..SPINNERS)
        .map(|_| {
            let (spinner, limits, host, ended) =
                (spinner.clone(), limits.clone(), host.clone(), ended.clone());
            tokio::spawn(async move {
                loop {
                    spinner.remediate(&incident(), &limits, host.clone()).await;
                    ended.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    while begun.load(SeqCst) < SPINNERS {
        tokio::task::yield_now().await;
    }
    // Each of its calls gives the processor away.
    let calls = "(call $log (i32.const 1) (i32.const 0) (i32.const 0))".repeat(20);
    let honest = remediate(LOG, Box::leak(format!("{calls} global.get $done").into_boxed_str()));
    let honest = honest.load().await.unwrap();
    let before = ended.load(SeqCst);
    for _ in 0..10 {
        let host = Scripted::plain();
        let ending = honest.remediate(&incident(), &Limits::default(), host).await;
        assert!(matches!(ending, Ending::Concluded(_)), "{ending:?}");
    }
    let meanwhile = ended.load(SeqCst) - before;
    spinners.iter().for_each(tokio::task::JoinHandle::abort);
    assert!(meanwhile < SPINNERS / 4, "{meanwhile} of those that spin ended first");
}
