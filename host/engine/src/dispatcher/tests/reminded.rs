//! What people were told is told again while it holds.

use super::resuming::{ended, next};
use super::*;

fn fails() -> Arc<dyn Program> {
    policy(|_, _| async { Ok(Ok(Outcome::Escalate { summary: "a person must look".into() })) })
}

impl EngineHarness {
    /// The next pages that people are reminded of.
    async fn reminded(&self) -> Vec<Page> {
        self.pages.1.lock().clear();
        for _ in 0..1000 {
            let pages = self.pages.1.lock().clone();
            if !pages.is_empty() {
                return pages;
            }
            self.clock.sleep(Duration::from_secs(10)).await;
        }
        panic!("nobody is reminded of anything")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_is_told_again_while_it_lasts_and_after_a_restart() {
    let before = harness(fails()).await;
    before.post("firing", &["media"]).await;
    before.until(IncidentState::Escalated).await;
    let told = before.pages_named("SutureEscalation").await;
    let first = before.pages.0.lock()[0].clone();
    assert_eq!((told, first.ends_at), (1, None), "it has no end while it holds");
    let reminded = before.reminded().await;
    assert!(reminded.iter().all(|page| *page == first), "{reminded:#?}");

    let after = next(ended(before).await, fails(), |_| ()).await;
    assert!(after.reminded().await.contains(&first));
    after.post("resolved", &["media"]).await;
    after.until(IncidentState::Resolved).await;
    assert!(after.pages.0.lock().iter().any(|page| page.labels == first.labels && page.ends_at.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_that_somebody_ended_by_resuming_is_not_back_after_a_restart() {
    let storms = |config: &mut EngineConfig| {
        config.budgets.storm = 1;
        // It does not end by itself, however slow the machine is.
        config.budgets.storm_window = HumanDuration::from_secs(86_400 * 30);
    };
    let idle = || policy(|_, _| async { Ok(Ok(Outcome::Unnecessary { summary: "fine".into() })) });
    let first = start(tempfile::tempdir().unwrap(), idle(), storms).await;
    first.post("firing", &["media", "home"]).await;
    first.pages_named("SutureStorm").await;
    first.engine.resume(Some("test"), "alice").await.unwrap();
    while !first.incidents().await.iter().all(|one| one.state == IncidentState::Unnecessary) {
        first.clock.sleep(Duration::from_secs(1)).await;
    }
    let second = next(ended(first).await, idle(), storms).await;
    second.post("firing", &["games"]).await;
    while !second.incidents().await.iter().all(|one| one.state == IncidentState::Unnecessary) {
        second.clock.sleep(Duration::from_secs(1)).await;
    }
    assert!(second.pages.0.lock().is_empty(), "one more is no storm");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_is_told_again_while_it_lasts_and_its_end_is_told_once() {
    let harness = start(tempfile::tempdir().unwrap(), fails(), |config| config.budgets.storm = 1).await;
    harness.post("firing", &["media", "home"]).await;
    assert_eq!(harness.pages_named("SutureStorm").await, 1);
    let is_storm = |page: &Page| page.labels["alertname"] == "SutureStorm";
    assert!(harness.reminded().await.iter().any(is_storm));
    // Its window passes.
    for _ in 0..1000 {
        let pages = harness.pages.0.lock().clone();
        let ends: Vec<_> = pages.iter().filter(|page| is_storm(page) && page.ends_at.is_some()).collect();
        if !ends.is_empty() {
            assert_eq!(ends.len(), 1);
            return;
        }
        harness.clock.sleep(Duration::from_secs(10)).await;
    }
    panic!("the end of the storm is not told");
}
