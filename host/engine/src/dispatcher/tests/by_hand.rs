//! What somebody starts by hand.

use super::resuming::{ended, may, next, sleepy};
use super::*;
use crate::run::harness::policy_of;

fn media() -> Labels {
    [("alertname".to_owned(), "A".to_owned()), ("obj_namespace".to_owned(), "media".to_owned())].into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_started_by_hand_needs_no_alert_and_is_over_when_it_is_done() {
    let harness = harness(policy(|_, _| async { done() })).await;
    assert!(harness.engine.start_run("test", Labels::new(), by_hand(false)).await.is_err());
    assert!(harness.engine.start_run("other", Labels::new(), by_hand(false)).await.is_err());
    let labels: Labels = [("obj_namespace".to_owned(), "media".to_owned())].into();
    harness.engine.start_run("test", labels, by_hand(false)).await.unwrap();
    assert!(harness.until(IncidentState::Resolved).await.by_hand);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_hand_that_escalates_stays_until_somebody_tries_it_anew_or_closes_it() {
    let harness = harness(policy(|_, _| async { Ok(Err("no luck".to_owned())) })).await;
    let id = harness.engine.start_run("test", media(), by_hand(true)).await.unwrap();
    let escalated = harness.until(IncidentState::Escalated).await;
    assert_eq!((escalated.closed_at, escalated.runs.len()), (None, 2));
    while harness.pages.1.lock().is_empty() {
        harness.clock.sleep(Duration::from_secs(10)).await;
    }
    // To start it again is to try the same anew.
    assert_eq!(harness.engine.start_run("test", media(), by_hand(true)).await.unwrap(), id);
    harness.wait_for_runs(4).await;
    harness.engine.retry(&id, "bob").await.unwrap();
    harness.wait_for_runs(6).await;
    harness.engine.close(&id, "bob").await.unwrap();
    assert!(harness.until(IncidentState::Resolved).await.closed_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alert_that_a_run_by_hand_was_about_is_the_same_incident_when_it_is_posted() {
    let harness = harness(policy(|_, _| async { Ok(Err("no luck".to_owned())) })).await;
    harness.engine.start_run("test", media(), by_hand(true)).await.unwrap();
    harness.until(IncidentState::Escalated).await;
    let mut posted = notification("firing", &["media"]);
    posted.alerts[0].fingerprint = suture_core::alert::alertmanager_fingerprint(&media());
    let body = serde_json::to_vec(&posted).unwrap();
    harness.engine.accept(None, &posted, body).await.unwrap();
    while harness.engine.journal().inbox_len() > 0 {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(harness.until(IncidentState::Escalated).await.runs.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_hand_that_its_host_could_not_see_through_is_begun_anew() {
    let first = start(tempfile::tempdir().unwrap(), policy(|calls, _| sleepy(calls)), may).await;
    first.engine.start_run("test", media(), by_hand(true)).await.unwrap();
    first.until(IncidentState::Waiting).await;
    // Its module is gone.
    let second = next(ended(first).await, policy_of("sha256:other", |_, _| async { done() }), may).await;
    assert_eq!(second.until(IncidentState::Resolved).await.runs.len(), 2);
    assert_eq!(second.cluster.mutations().len(), 2, "made once, undone once");
}

impl EngineHarness {
    /// Wait until the one incident has had so many runs, and is escalated.
    async fn wait_for_runs(&self, count: usize) {
        while self.until(IncidentState::Escalated).await.runs.len() < count {
            self.clock.sleep(Duration::from_secs(1)).await;
        }
    }
}
