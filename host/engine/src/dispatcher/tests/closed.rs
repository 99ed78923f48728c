//! Incidents that a person closes.

use suture_core::IncidentId;

use super::*;
use crate::engine::CloseError;

fn fails() -> Arc<dyn Program> {
    policy(|_, _| async { Ok(Err("no luck".to_owned())) })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_escalated_is_over_and_its_page_is_taken_back() {
    let harness = harness(fails()).await;
    harness.post("firing", &["media"]).await;
    let escalated = harness.until(IncidentState::Escalated).await;
    assert_eq!(harness.pages_named("SutureEscalation").await, 1);
    harness.engine.close(&escalated.id, "alice").await.unwrap();
    let closed = harness.until(IncidentState::Resolved).await;
    assert!(closed.closed_at.is_some());
    assert!(closed.summary.starts_with("alice closed it; before that: no luck"), "{}", closed.summary);
    while harness.pages.0.lock().len() < 2 {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    let pages = harness.pages.0.lock().clone();
    assert_eq!(&pages[1].labels, &pages[0].labels);
    assert!(pages[1].ends_at.is_some(), "{pages:#?}");
    assert_eq!(harness.engine.close(&escalated.id, "alice").await, Err(CloseError::Over));
    // What fires on is another incident.
    harness.post("firing", &["media"]).await;
    while harness.incidents().await.len() < 2 {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_run_is_at_work_is_left_as_it_is() {
    let harness = harness(policy(|calls, _| async move {
        calls.call(Effect::Sleep { duration_ms: 86_400_000 }).await?.ok();
        done()
    }))
    .await;
    harness.post("firing", &["media"]).await;
    let incident = harness.until(IncidentState::Waiting).await;
    let run = incident.runs[0].clone();
    assert_eq!(harness.engine.close(&incident.id, "alice").await, Err(CloseError::AtWork(run.clone())));
    let nobody = IncidentId::new("nobody");
    assert_eq!(harness.engine.close(&nobody, "alice").await, Err(CloseError::NotFound));
    harness.engine.cancel(&run, "by hand").await.unwrap();
    harness.until(IncidentState::Cancelled).await;
    harness.engine.close(&incident.id, "alice").await.unwrap();
    assert!(harness.until(IncidentState::Cancelled).await.closed_at.is_some());
}
