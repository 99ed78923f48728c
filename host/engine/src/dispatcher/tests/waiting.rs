//! Nothing waits silently.

use suture_core::effect::Target;
use suture_core::object::Kind;

use super::*;
use crate::waiting::Reason;
use crate::{Waiting, WaitingFor};

impl EngineHarness {
    /// What waits, once so many wait for this, and it is known since when.
    async fn waits(&self, reason: Reason, count: usize) -> Waiting {
        loop {
            let waiting = self.engine.waiting().await.unwrap();
            let fits = |one: &Waiting| one.reason == reason && one.count == count && one.since.is_some();
            if let Some(found) = waiting.into_iter().find(fits) {
                return found;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
    }

    /// What one of the incidents waits for, once that is this.
    async fn one_waits(&self, reason: Reason) -> WaitingFor {
        loop {
            let waiting = self.incidents().await.into_iter();
            let mut waiting = waiting.filter_map(|incident| self.engine.waiting_for(&incident));
            if let Some(found) = waiting.find(|one| one.reason == reason) {
                return found;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Never comes to an end.
fn endless() -> Arc<dyn Program> {
    policy(|_, _| async { std::future::pending().await })
}

async fn of_budgets(budgets: Budgets) -> EngineHarness {
    start(tempfile::tempdir().unwrap(), endless(), |config| {
        config.budgets = budgets;
        // No storm and no hour passes while the test looks.
        config.clock = Arc::new(ScaledClock::starting_at(config.clock.now(), 1.0));
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_says_why_no_run_starts_how_many_wait_and_since_when() {
    let storm = Budgets { storm: 2, ..Budgets::default() };
    let places = Budgets { concurrent_runs: 1, ..Budgets::default() };
    let budget = Budgets { runs_per_hour: 1, ..Budgets::default() };
    for (budgets, reason, count, words) in [
        (storm, Reason::Storm, 3, "budgets.storm"),
        (places, Reason::Places, 2, "budgets.concurrentRuns"),
        (budget, Reason::Budget, 2, "budgets.runsPerHour"),
    ] {
        let harness = of_budgets(budgets).await;
        harness.post("firing", &["a", "b", "c"]).await;
        let waits = harness.waits(reason, count).await;
        assert_eq!(waits.policy, "test", "{waits:?}");
        assert!(waits.message.contains(words), "{waits:?}");
        let one = harness.one_waits(reason).await;
        assert_eq!(one.message, waits.message);
        let text = harness.engine.exposition().await;
        let line = format!("suture_waiting{{policy=\"test\",reason=\"{}\"}} {count}", reason.as_str());
        assert!(text.contains(&line), "{line}: {text}");
        assert!(text.contains("suture_waiting_oldest_seconds{policy=\"test\""), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_what_a_queue_waits_for_and_nothing_waits_any_more_after_it() {
    let harness = harness(policy(|_, _| async { done() })).await;
    let order = PauseOrder { reason: "the storage is moved".into(), ..PauseOrder::of_host("alice") };
    harness.engine.pause(order).await.unwrap();
    harness.post("firing", &["media"]).await;
    let one = harness.one_waits(Reason::Paused).await;
    assert_eq!(one.message, "the host is paused by alice: the storage is moved");
    harness.engine.resume(None, "alice").await.unwrap();
    let one = harness.one_waits(Reason::Alert).await;
    assert!(one.until.is_some(), "{one:?}");
    assert_eq!(harness.engine.waiting().await.unwrap(), []);
    assert!(!harness.engine.exposition().await.contains("suture_waiting{"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_says_whose_lock_and_what_of_the_cluster_it_waits_for() {
    let harness = harness(policy(|calls, _| async move {
        calls.call(Effect::Exclusive { name: "repository".into(), timeout_ms: 86_400_000 }).await?.ok();
        let target = Target {
            kind: Kind::new("v1", "ConfigMap"),
            namespace: Some("media".into()),
            name: "mark".into(),
            uid: None,
            subresource: None,
        };
        let until = suture_core::effect::Predicate::Deleted;
        calls.call(Effect::Sleep { duration_ms: 86_400_000 }).await?.ok();
        calls.call(Effect::Wait { target, until, timeout_ms: 60_000 }).await?.ok();
        done()
    }))
    .await;
    harness.post("firing", &["a", "b"]).await;
    assert!(harness.one_waits(Reason::Sleep).await.until.is_some());
    assert_eq!(harness.one_waits(Reason::Lock).await.message, "another run holds the lock `repository`");
    assert_eq!(harness.waits(Reason::Lock, 1).await.policy, "test");
    let reasons: Vec<_> = harness.engine.waiting().await.unwrap().iter().map(|one| one.reason).collect();
    assert_eq!(reasons, [Reason::Lock], "a run that sleeps is at work");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_is_tried_again_says_when() {
    let harness = harness(policy(|_, _| async { Ok(Err("no luck".to_owned())) })).await;
    harness.post("firing", &["media"]).await;
    let one = harness.one_waits(Reason::Backoff).await;
    assert!(one.message.contains("no luck") && one.until.is_some(), "{one:?}");
}
