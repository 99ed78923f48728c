//! Alerts that nobody handles, for now or at all.

use super::*;
use crate::waiting::Reason;

fn unloaded(config: &EngineConfig) -> Arc<Policy> {
    let policy = configured(policy(|_, _| async { done() }), &*config.clock);
    Arc::new(Policy { program: Err("it does not compile".into()), ..policy })
}

async fn away(dir: tempfile::TempDir, max_pending: usize) -> EngineHarness {
    start(dir, policy(|_, _| async { done() }), |config| {
        config.policies = vec![unloaded(config)];
        config.max_pending = max_pending;
    })
    .await
}

/// Load the policy, counting its runs.
fn load(harness: &EngineHarness) -> Arc<AtomicUsize> {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let program = policy(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { done() }
    });
    harness.engine.replace(vec![Arc::new(configured(program, &*harness.clock))]);
    runs
}

impl EngineHarness {
    /// Wait until the metrics have a line.
    async fn counts(&self, line: &str) {
        for _ in 0..4000 {
            if self.engine.exposition().await.contains(line) {
                return;
            }
            self.clock.sleep(Duration::from_secs(2)).await;
        }
        panic!("never `{line}`:\n{}", self.engine.exposition().await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_for_a_policy_that_is_not_loaded_waits_over_a_restart_and_is_handled_when_it_is() {
    let first = away(tempfile::tempdir().unwrap(), 1000).await;
    for _ in 0..3 {
        first.post("firing", &["media"]).await;
    }
    first.counts(r#"suture_alerts_unmatched_total{alert="A",reason="notLoaded"} 3"#).await;
    first.counts(r#"suture_alerts_kept{policy="test"} 1"#).await;
    first.counts("suture_inbox_notifications 1\n").await;
    let unmatched = first.engine.unmatched().0;
    assert_eq!((unmatched[0].policy.as_deref(), unmatched[0].count), (Some("test"), 3));
    let waiting = first.engine.waiting().await.unwrap();
    let [one] = &waiting[..] else { panic!("{waiting:#?}") };
    assert_eq!((one.policy.as_str(), one.reason, one.count), ("test", Reason::NotLoaded, 1));
    assert!(one.since.is_some());
    first.engine.shutdown(Duration::from_secs(5)).await;
    first.engine.journal().close().await.unwrap();
    let EngineHarness { dir, .. } = first;

    let harness = away(dir, 1000).await;
    assert_eq!(harness.engine.unmatched().0.len(), 1, "what waits is known again");
    harness.post("firing", &["media"]).await;
    harness.counts(r#"reason="notLoaded"} 2"#).await;
    assert!(harness.incidents().await.is_empty());
    let runs = load(&harness);
    harness.until(IncidentState::Verifying).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    harness.counts("suture_inbox_notifications 0\n").await;
    harness.counts(r#"suture_alerts_kept{policy="test"} 0"#).await;
    assert!(harness.engine.unmatched().0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_resolved_while_it_waited_needs_no_run() {
    let harness = away(tempfile::tempdir().unwrap(), 1000).await;
    harness.post("resolved", &["home"]).await;
    harness.post("firing", &["media"]).await;
    harness.post("resolved", &["media"]).await;
    harness.counts(r#"suture_alerts_kept{policy="test"} 2"#).await;
    let runs = load(&harness);
    let incident = harness.until(IncidentState::Resolved).await;
    assert!(incident.closed_at.is_some() && incident.runs.is_empty(), "{incident:#?}");
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_has_a_bound_and_is_told_beyond_it() {
    let harness = away(tempfile::tempdir().unwrap(), 8).await;
    harness.post("firing", &["a", "b", "c"]).await;
    harness.counts(r#"reason="notKept"} 1"#).await;
    harness.counts(r#"suture_alerts_kept{policy="test"} 2"#).await;
    let runs = load(&harness);
    while runs.load(Ordering::SeqCst) < 2 {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(harness.incidents().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_is_for_no_policy_is_seen_and_one_of_our_own_or_that_cleared_is_none() {
    let harness = harness(policy(|_, _| async { done() })).await;
    for (name, status) in [("Other", "firing"), ("Gone", "resolved"), ("SutureEscalation", "firing")] {
        let alert =
            json!({"status": status, "labels": {"alertname": name}, "startsAt": "2026-11-22T04:00:00Z"});
        let body = json!({"receiver": "suture", "alerts": [alert]}).to_string().into_bytes();
        let notification = Notification::parse(&body).unwrap();
        harness.engine.accept(None, &notification, body).await.unwrap();
    }
    harness.counts(r#"suture_alerts_unmatched_total{alert="Other",reason="noPolicy"} 1"#).await;
    harness.counts("suture_inbox_notifications 0\n").await;
    let (unmatched, others) = harness.engine.unmatched();
    assert_eq!((unmatched.len(), unmatched[0].alertname.as_str(), others), (1, "Other", 0));
}
