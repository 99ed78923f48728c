//! What somebody cancelled is left alone until its alert has cleared.

use suture_core::Halt;

use super::resuming::{asleep, ended, may, next, sleepy};
use super::*;
use crate::engine::CancelIncidentError;

/// Alerts with one key that differ in a label.
fn pods(status: &str, pod: &str) -> Notification {
    serde_json::from_value(json!({"alerts": [{"status": status, "startsAt": "2026-11-22T04:00:00Z",
        "fingerprint": pod, "labels": {"alertname": "A", "obj_namespace": "media", "pod": pod}}]}))
    .unwrap()
}

impl EngineHarness {
    async fn say(&self, notification: &Notification) {
        let body = serde_json::to_vec(notification).unwrap();
        self.engine.accept(None, notification, body).await.unwrap();
    }

    /// Wait until all that was posted is routed.
    async fn routed(&self) {
        while self.engine.journal().inbox_len() > 0 {
            self.clock.sleep(Duration::from_secs(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_tried_again_for_another_alert_of_its_key_until_its_own_has_cleared() {
    let harness = start(tempfile::tempdir().unwrap(), policy(|calls, _| sleepy(calls)), may).await;
    harness.say(&pods("firing", "a")).await;
    let incident = harness.until(IncidentState::Waiting).await;
    harness.engine.cancel(&incident.runs[0], "by alice").await.unwrap();
    harness.until(IncidentState::Cancelled).await;
    // Both again and again, a restart in between.
    harness.say(&pods("firing", "a")).await;
    harness.say(&pods("firing", "b")).await;
    harness.routed().await;
    let harness = next(ended(harness).await, policy(|calls, _| sleepy(calls)), may).await;
    harness.say(&pods("firing", "b")).await;
    harness.routed().await;
    assert_eq!(harness.until(IncidentState::Cancelled).await.runs.len(), 1);
    harness.say(&pods("resolved", "a")).await;
    harness.say(&pods("firing", "b")).await;
    while !harness.incidents().await.iter().any(|one| one.state == IncidentState::Waiting) {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_by_itself_after_it_was_cancelled_is_not_tried_again() {
    let harness = harness(policy(|calls, _| async move {
        // It hears of its cancellation, and says that it failed.
        match calls.call(Effect::Sleep { duration_ms: 86_400_000 }).await {
            Err(Halt::Cancelled(_)) => Ok(Err("no luck".to_owned())),
            Err(halt) => Err(halt),
            Ok(_) => done(),
        }
    }))
    .await;
    harness.post("firing", &["media"]).await;
    let incident = harness.until(IncidentState::Waiting).await;
    harness.engine.cancel(&incident.runs[0], "by alice").await.unwrap();
    let incident = harness.until(IncidentState::Cancelled).await;
    assert!(incident.summary.contains("by alice"), "{}", incident.summary);
    assert_eq!(incident.cancelled.as_deref(), Some("by alice"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_the_end_of_the_host_overtook_is_not_forgotten() {
    let (dir, cluster, clock) = asleep().await;
    let journal = Journal::open(dir.path(), clock.clone()).unwrap();
    let mut incident = journal.incidents(Filter::default()).await.unwrap().items.remove(0);
    incident.cancelled = Some("by alice".into());
    let change = suture_journal::Change::Incident(incident);
    journal.commit(vec![change], suture_journal::Durability::Synced).await.unwrap();
    journal.close().await.unwrap();
    let harness = next((dir, cluster, clock), policy(|calls, _| sleepy(calls)), may).await;
    let incident = harness.until(IncidentState::Cancelled).await;
    assert_eq!(incident.runs.len(), 1);
    assert_eq!(harness.cluster.mutations().len(), 2, "made once, undone once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_without_a_run_is_cancelled_and_may_be_tried_anew_by_hand() {
    let harness = harness(policy(|_, _| async { Ok(Err("no luck".to_owned())) })).await;
    harness.post("firing", &["media"]).await;
    let retrying = harness.until(IncidentState::Retrying).await;
    harness.engine.cancel_incident(&retrying.id, "by alice").await.unwrap();
    let cancelled = harness.until(IncidentState::Cancelled).await;
    assert_eq!((cancelled.due, cancelled.runs.len()), (None, 1));
    harness.post("firing", &["media"]).await;
    harness.routed().await;
    harness.engine.retry(&cancelled.id, "bob").await.unwrap();
    let escalated = harness.until(IncidentState::Escalated).await;
    assert_eq!(escalated.runs.len(), 3);
    assert_eq!(harness.pages_named("SutureEscalation").await, 1);
    harness.engine.cancel_incident(&escalated.id, "by alice").await.unwrap();
    harness.until(IncidentState::Cancelled).await;
    while harness.pages.0.lock().len() < 2 {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    assert!(harness.pages.0.lock()[1].ends_at.is_some(), "the escalation is taken back");
    harness.post("resolved", &["media"]).await;
    while harness.incidents().await[0].closed_at.is_none() {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(
        harness.engine.cancel_incident(&escalated.id, "by alice").await,
        Err(CancelIncidentError::Over)
    );
}
