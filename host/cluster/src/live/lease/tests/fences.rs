//! What a host performs, and until when.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join;
use parking_lot::Mutex;
use serde_json::json;
use suture_core::effect::{Create, Target};
use suture_core::handler::Resolution;
use suture_core::object::Kind;
use suture_core::{
    Clock, Effect, EffectHandler, Fault, Halt, Mutation, Prepared, Reply, RunId, Step, Timestamp,
};

use super::harness::{Host, LeaseHarness, Network, seconds};
use crate::live::lease::{Fenced, Tenure};

/// A cluster that notes when each request was sent, and takes its time.
#[derive(Clone)]
struct Slow {
    clock: Arc<dyn Clock>,
    /// Before the request is sent: its turn has to come.
    queue: Duration,
    sent: Arc<Mutex<Vec<Timestamp>>>,
}

impl Slow {
    fn new(host: &Host, queue: Duration) -> Self {
        Self { clock: host.clock.clone(), queue, sent: Arc::default() }
    }
}

#[async_trait]
impl EffectHandler for Slow {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        Ok(Prepared::new(step.clone(), effect.clone()))
    }

    async fn perform(&self, _: &Prepared) -> Result<Reply, Fault> {
        self.clock.sleep(self.queue).await;
        self.sent.lock().push(self.clock.now());
        self.clock.sleep(seconds(1)).await;
        Ok(Reply::Settled)
    }

    async fn resolve(&self, _: &Prepared) -> Result<Resolution, Fault> {
        Ok(Resolution::NotDone)
    }
}

fn step() -> Step {
    Step { run: RunId::new("run-1"), number: 1 }
}

fn change() -> Prepared {
    let mutation = Mutation::Create(Create {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some("media".to_owned()),
        object: json!({"metadata": {"name": "a"}}),
        subresource: None,
    });
    Prepared::new(step(), Effect::Mutate { mutation, undo: None })
}

fn read() -> Prepared {
    let target = Target {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some("media".to_owned()),
        name: "a".to_owned(),
        uid: None,
        subresource: None,
    };
    Prepared::new(step(), Effect::Get { target })
}

const STOPPED: Result<Reply, Fault> = Err(Fault::Halt(Halt::Shutdown));

/// A host that holds the Lease and never renews it, with a fence.
async fn fenced(host: &Host, queue: Duration) -> (Slow, Fenced<Slow>, Tenure) {
    let tenure = host.acquire().await.tenure();
    let cluster = Slow::new(host, queue);
    (cluster.clone(), Fenced::new(cluster, tenure.clone()), tenure)
}

#[test]
fn changes_are_made_while_the_tenure_lasts_and_none_after_it() {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.run(async {
        let (cluster, fence, _) = fenced(&a, seconds(0)).await;
        harness.pass(seconds(8)).await;
        assert_eq!(fence.perform(&change()).await, Ok(Reply::Settled));
        harness.pass(seconds(1)).await;
        assert_eq!(fence.perform(&change()).await, STOPPED);
        assert_eq!(cluster.sent.lock().len(), 1);
    });
}

#[test]
fn reads_dry_runs_and_questions_about_the_past_need_no_lease() {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.run(async {
        let (cluster, fence, _) = fenced(&a, seconds(0)).await;
        harness.pass(seconds(100)).await;
        assert_eq!(fence.perform(&read()).await, Ok(Reply::Settled));
        assert_eq!(fence.perform(&Prepared { dry_run: true, ..change() }).await, Ok(Reply::Settled));
        assert_eq!(fence.resolve(&change()).await, Ok(Resolution::NotDone));
        assert!(fence.prepare(&step(), &change().effect).await.is_ok());
        assert_eq!(cluster.sent.lock().len(), 2);
    });
}

#[test]
fn a_change_that_waits_for_its_turn_is_not_sent_once_the_tenure_is_over() {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.run(async {
        let (cluster, fence, _) = fenced(&a, seconds(30)).await;
        let began = harness.clock.now();
        assert_eq!(fence.perform(&change()).await, STOPPED);
        assert_eq!(harness.elapsed_since(began), seconds(10));
        harness.pass(seconds(60)).await;
        assert!(cluster.sent.lock().is_empty());
    });
}

#[test]
fn a_change_may_take_longer_than_the_duration_where_the_lease_is_renewed_meanwhile() {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.run(async {
        let holder = a.acquire().await;
        let cluster = Slow::new(&a, seconds(120));
        let fence = Fenced::new(cluster.clone(), holder.tenure());
        let (done, mut doing) = futures::channel::oneshot::channel::<()>();
        let keeping = holder.keep(async move {
            let _ = (&mut doing).await;
        });
        let work = async {
            let reply = fence.perform(&change()).await;
            drop(done);
            reply
        };
        let (kept, reply) = join(keeping, work).await;
        assert_eq!((kept, reply), (Ok(()), Ok(Reply::Settled)));
    });
}

/// A machine that stands still in the middle of a change: its timers fire late, and the
/// first that it does is what it was about to do.
fn wakes_up(stand_still: impl Fn(&Host)) {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.run(async {
        let (cluster, fence, tenure) = fenced(&a, seconds(1)).await;
        let standing = async {
            harness.pass(Duration::from_millis(500)).await;
            stand_still(&a);
        };
        let (reply, ()) = join(fence.perform(&change()), standing).await;
        assert_eq!(reply, STOPPED);
        assert!(cluster.sent.lock().is_empty(), "it was sent after it woke up");
        assert!(!tenure.is_held());
    });
}

#[test]
fn a_process_that_was_stopped_sends_nothing_when_it_goes_on() {
    // Time passes for all, and for this process nothing ran meanwhile.
    wakes_up(|host| *host.clock.ahead.lock() += seconds(30));
}

#[test]
fn a_change_of_the_time_of_day_ends_a_tenure_early_and_never_late() {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.run(async {
        let (_, fence, tenure) = fenced(&a, seconds(0)).await;
        *a.clock.behind.lock() = seconds(3600);
        assert_eq!(tenure.check(), Ok(seconds(10)));
        harness.pass(seconds(10)).await;
        assert_eq!(fence.perform(&change()).await, STOPPED, "an hour back is no hour more");
    });
    // The machine stood still, its monotonic clock with it; only the time of day tells.
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.run(async {
        let (_, fence, _) = fenced(&a, seconds(0)).await;
        harness.pass(seconds(20)).await;
        *a.clock.stood.lock() = seconds(20);
        assert_eq!(fence.perform(&change()).await, STOPPED);
    });
}

#[test]
fn a_tenure_that_is_over_stays_over() {
    let harness = LeaseHarness::new();
    let a = harness.host("a");
    harness.run(async {
        let holder = a.acquire().await;
        let tenure = holder.tenure();
        let jump = async {
            harness.pass(seconds(3)).await;
            *a.clock.ahead.lock() = seconds(60);
            assert!(!tenure.is_held());
            *a.clock.ahead.lock() = seconds(0);
            harness.pass(seconds(30)).await;
        };
        let lost = holder.keep(jump).await.unwrap_err();
        assert_eq!(tenure.check(), Err(lost));
        assert_eq!(tenure.lost().await, tenure.check().unwrap_err());
    });
}

#[test]
fn whoever_stands_at_the_end_of_a_tenure_changes_never_overlap() {
    let harness = LeaseHarness::new();
    let (a, b) = (harness.host("a"), harness.host("b"));
    harness.run(async {
        let holder = a.acquire().await;
        let first = Slow::new(&a, seconds(0));
        let fence = Fenced::new(first.clone(), holder.tenure());
        let busy = async {
            while fence.perform(&change()).await.is_ok() {}
            // A host that does not hear that it is over goes on trying.
            for _ in 0..100 {
                harness.pass(seconds(1)).await;
                assert_eq!(fence.perform(&change()).await, STOPPED);
            }
        };
        let cut = async {
            harness.pass(seconds(40)).await;
            a.network(Network::Cut);
        };
        let second = async {
            let holder = b.acquire().await;
            let cluster = Slow::new(&b, seconds(0));
            let fence = Fenced::new(cluster.clone(), holder.tenure());
            fence.perform(&change()).await.unwrap();
            cluster.sent.lock().pop().unwrap()
        };
        let (lost, (), (), began) = futures::join!(holder.keep(std::future::pending()), busy, cut, second);
        assert!(lost.is_err());
        let last = *first.sent.lock().last().unwrap();
        assert!(last < began, "{last} {began}");
    });
}
