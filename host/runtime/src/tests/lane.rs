//! Policies that use much of the processor, and what comes before them.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::thread::available_parallelism;

use suture_core::{Ending, HumanDuration, Limit, Limits, Program};
use tokio::task::JoinSet;

use crate::testing::{Scripted, incident, remediate};
use crate::{Compiler, Runtime};

/// On one thread, so that a turn of the honest task costs a tick of each that spins beside it:
/// of those that are in the lane, and not of all that there are.
#[tokio::test(flavor = "current_thread")]
async fn what_is_honest_has_its_turn_after_each_that_spins_and_not_after_all_of_them() {
    const EACH: usize = 20;
    const BUDGET: u64 = 20;
    let places = available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1);
    // An engine of its own: other tests' spinners have no place in its lane.
    let runtime = Runtime::new(Compiler::InProcess).unwrap();
    let component = remediate("", "(loop $on (br $on)) unreachable").component();
    let spinner = Arc::new(runtime.load(&component, None).await.unwrap());
    let limits = Limits { cpu: HumanDuration::from_millis(BUDGET), ..Limits::default() };
    let turns = Arc::new(AtomicUsize::new(0));
    let counter = turns.clone();
    // Not tokio's own yield: that has its turn once in 61 polls.
    let honest = tokio::spawn(poll_fn(move |context| {
        counter.fetch_add(1, SeqCst);
        context.waker().wake_by_ref();
        Poll::<()>::Pending
    }));
    let mut spinners = JoinSet::new();
    for _ in 0..EACH * places {
        let (spinner, limits) = (spinner.clone(), limits.clone());
        spinners.spawn(async move { spinner.remediate(&incident(), &limits, Scripted::plain()).await });
    }
    while let Some(ending) = spinners.join_next().await {
        assert_eq!(ending.unwrap(), Ending::from(limits.exceeded(Limit::Cpu)));
    }
    honest.abort();
    // All of them beside it would leave it a turn in `EACH` times as many ticks: twenty or so.
    let turns = turns.load(SeqCst);
    assert!(turns > 100, "{turns} turns");
}
