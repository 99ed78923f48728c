//! What somebody has paused, and for how long.

use super::resuming::{ended, next};
use super::*;
use crate::engine::PauseError;

fn order(policy: Option<&str>, until: Option<suture_core::Timestamp>) -> PauseOrder {
    let reason = "the storage is moved".to_owned();
    PauseOrder { policy: policy.map(str::to_owned), reason, until, ..PauseOrder::of_host("alice") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_outlives_a_restart_with_who_and_why() {
    let first = harness(policy(|_, _| async { done() })).await;
    let paused = first.engine.pause(order(None, None)).await.unwrap().pause;
    let second = next(ended(first).await, policy(|_, _| async { done() }), |_| {}).await;
    assert_eq!(second.engine.pauses(), std::slice::from_ref(&paused));
    assert_eq!((paused.who.as_str(), paused.reason.as_str()), ("alice", "the storage is moved"));
    assert!(second.engine.exposition().await.contains("suture_paused 1"));
    second.post("firing", &["media"]).await;
    assert!(second.until(IncidentState::Queued).await.runs.is_empty());
    second.engine.resume(None, "bob").await.unwrap();
    second.until(IncidentState::Verifying).await;
    let third = next(ended(second).await, policy(|_, _| async { done() }), |_| {}).await;
    assert_eq!(third.engine.pauses(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_the_host_hides_none_of_a_policy() {
    let harness = harness(policy(|_, _| async { done() })).await;
    let until = harness.clock.after(Duration::from_secs(86_400));
    harness.engine.pause(order(Some("test"), None)).await.unwrap();
    harness.engine.pause(order(None, Some(until))).await.unwrap();
    let shown = harness.engine.policies()[0].pause.clone().unwrap();
    assert_eq!((shown.policy.as_deref(), harness.engine.pauses().len()), (Some("test"), 2));
    harness.post("firing", &["media"]).await;
    let queued = harness.until(IncidentState::Queued).await;
    let told = loop {
        match harness.engine.waiting_for(&queued) {
            Some(waits) if waits.reason == crate::waiting::Reason::Paused => break waits,
            _ => harness.clock.sleep(Duration::from_secs(1)).await,
        }
    };
    assert!(told.message.contains("the host is paused") && told.message.contains("policy `test` is paused"));
    assert_eq!(told.until, None, "the policy stays paused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_one_policy_leaves_the_others_at_work() {
    let other = |clock: &dyn Clock| {
        let mut other = configured(policy(|_, _| async { done() }), clock);
        other.config.name = "other".into();
        Arc::new(other)
    };
    let harness = start(tempfile::tempdir().unwrap(), policy(|_, _| async { done() }), |config| {
        let other = other(&*config.clock);
        config.policies.push(other);
    })
    .await;
    harness.engine.pause(order(Some("test"), None)).await.unwrap();
    assert_eq!(harness.engine.policies()[0].pause.as_ref().map(|pause| pause.who.as_str()), Some("alice"));
    assert_eq!(harness.engine.policies()[1].pause, None);
    assert!(!harness.engine.is_paused());
    let text = harness.engine.exposition().await;
    assert!(text.contains(r#"suture_policy_paused{policy="test"} 1"#), "{text}");
    harness.post("firing", &["media"]).await;
    let of = async |name: &str| -> Option<IncidentState> {
        let incidents = harness.incidents().await;
        incidents.iter().find(|incident| incident.policy == name).map(|incident| incident.state)
    };
    while of("other").await != Some(IncidentState::Verifying) {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(of("test").await, Some(IncidentState::Queued));
    harness.engine.resume(Some("test"), "alice").await.unwrap();
    while of("test").await != Some(IncidentState::Verifying) {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_has_an_end_is_over_by_itself() {
    let harness = harness(policy(|_, _| async { done() })).await;
    let until = harness.engine.after(Duration::from_secs(1800));
    harness.engine.pause(order(None, Some(until))).await.unwrap();
    harness.post("firing", &["media"]).await;
    let repaired = harness.until(IncidentState::Verifying).await;
    let run = harness.engine.journal().run(&repaired.runs[0]).await.unwrap().unwrap();
    assert!(run.started_at >= until, "{run:#?}");
    assert_eq!(harness.engine.pauses(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_no_policy_and_one_that_is_over_are_refused() {
    let harness = harness(policy(|_, _| async { done() })).await;
    let unknown = harness.engine.pause(order(Some("nobody"), None)).await;
    assert_eq!(unknown, Err(PauseError::UnknownPolicy("nobody".into())));
    let now = harness.clock.now();
    assert_eq!(harness.engine.pause(order(None, Some(now))).await, Err(PauseError::Past(now)));
    assert!(harness.engine.resume(Some("nobody"), "alice").await.is_err());
    assert_eq!(harness.engine.pauses(), []);
}
