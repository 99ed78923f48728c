//! Incidents that a person has tried anew.

use super::unconfirmed::{Confirming, confirming};
use super::*;
use crate::engine::{RetryError, StartError};

/// Fails as often as it may, and then repairs.
fn repairs_at_last(fails: usize) -> Arc<dyn Program> {
    let runs = AtomicUsize::new(0);
    policy(move |_, _| {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        async move { if run < fails { Ok(Err("no luck".to_owned())) } else { done() } }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_escalated_has_all_its_attempts_again_and_its_page_is_taken_back() {
    let harness = harness(repairs_at_last(2)).await;
    harness.post("firing", &["media"]).await;
    let escalated = harness.until(IncidentState::Escalated).await;
    assert_eq!(harness.pages_named("SutureEscalation").await, 1);
    harness.engine.retry(&escalated.id, "alice").await.unwrap();
    let repaired = harness.until(IncidentState::Verifying).await;
    assert_eq!((repaired.attempts, repaired.runs.len()), (1, 3));
    let pages = harness.pages.0.lock().clone();
    assert_eq!(pages.len(), 2, "{pages:#?}");
    assert_eq!(&pages[1].labels, &pages[0].labels);
    assert!(pages[0].ends_at.is_none() && pages[1].ends_at.is_some(), "{pages:#?}");
    harness.post("resolved", &["media"]).await;
    harness.until(IncidentState::Resolved).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_being_handled_or_is_over_is_left_as_it_is() {
    let harness = harness(policy(|calls, _| async move {
        calls.call(Effect::Sleep { duration_ms: 86_400_000 }).await?.ok();
        done()
    }))
    .await;
    let nobody = suture_core::IncidentId::new("nobody");
    assert_eq!(harness.engine.retry(&nobody, "alice").await, Err(RetryError::NotFound));
    harness.post("firing", &["media"]).await;
    let incident = harness.until(IncidentState::Waiting).await;
    assert_eq!(
        harness.engine.retry(&incident.id, "alice").await,
        Err(RetryError::AtWork(IncidentState::Waiting))
    );
    harness.engine.cancel(&incident.runs[0], "by hand").await.unwrap();
    harness.until(IncidentState::Cancelled).await;
    harness.engine.retry(&incident.id, "alice").await.unwrap();
    let again = harness.until(IncidentState::Waiting).await;
    assert_eq!(again.runs.len(), 2, "one that somebody cancelled rests, and begins anew");
    harness.post("resolved", &["media"]).await;
    harness.engine.cancel(&again.runs[1], "by hand").await.unwrap();
    while harness.until(IncidentState::Cancelled).await.closed_at.is_none() {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(harness.engine.retry(&incident.id, "alice").await, Err(RetryError::Over));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_alert_does_not_fire_is_left_as_it_is() {
    let unnecessary = policy(|_, _| async { Ok(Ok(Outcome::Unnecessary { summary: "fine".into() })) });
    let harness: Confirming = confirming(unnecessary, |_| {}).await;
    harness.fires("media");
    harness.post("firing", &["media"]).await;
    let resting = harness.until(IncidentState::Unnecessary).await;
    harness.clears();
    let refused = harness.engine.retry(&resting.id, "alice").await;
    assert!(matches!(refused, Err(RetryError::Start(StartError::NotFiring(_)))), "{refused:?}");
    assert_eq!(harness.until(IncidentState::Unnecessary).await.runs.len(), 1);
    harness.fires("media");
    harness.engine.retry(&resting.id, "alice").await.unwrap();
    while harness.until(IncidentState::Unnecessary).await.runs.len() < 2 {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_somebody_forced_is_not_forced_when_it_is_tried_anew() {
    let harness: Confirming = confirming(repairs_at_last(2), |_| {}).await;
    let labels: Labels =
        [("alertname".to_owned(), "A".to_owned()), ("obj_namespace".to_owned(), "media".to_owned())].into();
    let id = harness.engine.start_run("test", labels, by_hand(true)).await.unwrap();
    let escalated = harness.until(IncidentState::Escalated).await;
    assert!(escalated.forced && escalated.runs.len() == 2, "{escalated:?}");
    let refused = harness.engine.retry(&id, "bob").await;
    assert!(matches!(refused, Err(RetryError::Start(StartError::NotFiring(_)))), "{refused:?}");
    assert!(harness.until(IncidentState::Escalated).await.forced, "it is left as it is");
    harness.fires("media");
    harness.engine.retry(&id, "bob").await.unwrap();
    let repaired = harness.until(IncidentState::Resolved).await;
    assert_eq!((repaired.forced, repaired.runs.len()), (false, 3));
}
