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
    let bed = bed(repairs_at_last(2)).await;
    bed.post("firing", &["media"]).await;
    let escalated = bed.until(IncidentState::Escalated).await;
    assert_eq!(bed.told("SutureEscalation").await, 1);
    bed.engine.retry(&escalated.id, "alice").await.unwrap();
    let repaired = bed.until(IncidentState::Verifying).await;
    assert_eq!((repaired.attempts, repaired.runs.len()), (1, 3));
    let pages = bed.pages.0.lock().clone();
    assert_eq!(pages.len(), 2, "{pages:#?}");
    assert_eq!(&pages[1].labels, &pages[0].labels);
    assert!(pages[0].ends_at.is_none() && pages[1].ends_at.is_some(), "{pages:#?}");
    bed.post("resolved", &["media"]).await;
    bed.until(IncidentState::Resolved).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_being_handled_or_is_over_is_left_as_it_is() {
    let bed = bed(policy(|calls, _| async move {
        calls.call(Effect::Sleep { duration_ms: 86_400_000 }).await?.ok();
        done()
    }))
    .await;
    let nobody = suture_core::IncidentId::new("nobody");
    assert_eq!(bed.engine.retry(&nobody, "alice").await, Err(RetryError::NotFound));
    bed.post("firing", &["media"]).await;
    let incident = bed.until(IncidentState::Waiting).await;
    assert_eq!(
        bed.engine.retry(&incident.id, "alice").await,
        Err(RetryError::AtWork(IncidentState::Waiting))
    );
    bed.engine.cancel(&incident.runs[0], "by hand").await.unwrap();
    bed.until(IncidentState::Cancelled).await;
    bed.engine.retry(&incident.id, "alice").await.unwrap();
    let again = bed.until(IncidentState::Waiting).await;
    assert_eq!(again.runs.len(), 2, "one that somebody cancelled rests, and begins anew");
    bed.post("resolved", &["media"]).await;
    bed.engine.cancel(&again.runs[1], "by hand").await.unwrap();
    while bed.until(IncidentState::Cancelled).await.closed_at.is_none() {
        bed.clock.sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(bed.engine.retry(&incident.id, "alice").await, Err(RetryError::Over));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_alert_does_not_fire_is_left_as_it_is() {
    let unnecessary = policy(|_, _| async { Ok(Ok(Outcome::Unnecessary { summary: "fine".into() })) });
    let bed: Confirming = confirming(unnecessary, |_| {}).await;
    bed.fires("media");
    bed.post("firing", &["media"]).await;
    let resting = bed.until(IncidentState::Unnecessary).await;
    bed.clears();
    let refused = bed.engine.retry(&resting.id, "alice").await;
    assert!(matches!(refused, Err(RetryError::Start(StartError::NotFiring(_)))), "{refused:?}");
    assert_eq!(bed.until(IncidentState::Unnecessary).await.runs.len(), 1);
    bed.fires("media");
    bed.engine.retry(&resting.id, "alice").await.unwrap();
    while bed.until(IncidentState::Unnecessary).await.runs.len() < 2 {
        bed.clock.sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_somebody_forced_is_not_forced_when_it_is_tried_anew() {
    let bed: Confirming = confirming(repairs_at_last(2), |_| {}).await;
    let labels: Labels =
        [("alertname".to_owned(), "A".to_owned()), ("obj_namespace".to_owned(), "media".to_owned())].into();
    let id = bed.engine.start_run("test", labels, by_hand(true)).await.unwrap();
    let escalated = bed.until(IncidentState::Escalated).await;
    assert!(escalated.forced && escalated.runs.len() == 2, "{escalated:?}");
    let refused = bed.engine.retry(&id, "bob").await;
    assert!(matches!(refused, Err(RetryError::Start(StartError::NotFiring(_)))), "{refused:?}");
    assert!(bed.until(IncidentState::Escalated).await.forced, "it is left as it is");
    bed.fires("media");
    bed.engine.retry(&id, "bob").await.unwrap();
    let repaired = bed.until(IncidentState::Resolved).await;
    assert_eq!((repaired.forced, repaired.runs.len()), (false, 3));
}
