//! Incidents of namespaces in which the host lacks a right.

use super::resuming::{ended, next};
use super::*;

const WHY: &str = "it may not read pods in `media`";

fn hold(namespaces: &[&str]) -> Hold {
    let namespaces = namespaces.iter().map(|one| ((*one).to_owned(), WHY.to_owned()));
    Hold { all: None, namespaces: namespaces.collect() }
}

impl EngineHarness {
    /// The incident of a namespace, once it stands there.
    async fn of(&self, namespace: &str, state: IncidentState) -> IncidentRecord {
        loop {
            let open = self.open().await.into_iter();
            let mut of_namespace = open.filter(|incident| incident.key["obj_namespace"] == namespace);
            if let Some(found) = of_namespace.next().filter(|incident| incident.state == state) {
                return found;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
    }
}

async fn held_bed(more: impl FnOnce(&mut EngineConfig)) -> EngineHarness {
    start(tempfile::tempdir().unwrap(), policy(|_, _| async { done() }), |config| {
        config.held = [("test".to_owned(), hold(&["media"]))].into();
        more(config);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_in_one_namespace_holds_back_its_incidents_and_no_others() {
    let harness = held_bed(|config| config.budgets.concurrent_runs = 1).await;
    harness.post("firing", &["media", "home"]).await;
    let held = harness.of("media", IncidentState::Held).await;
    assert_eq!((held.summary.as_str(), held.held_in.as_deref()), (WHY, Some("media")));
    assert!(held.runs.is_empty());
    harness.of("home", IncidentState::Verifying).await;
    assert_eq!(harness.engine.policies()[0].error.as_deref(), Some(WHY));
    let labels: Labels = [("obj_namespace".to_owned(), "media".to_owned())].into();
    let refused = harness.engine.start_run("test", labels, by_hand(false)).await.unwrap_err();
    assert!(refused.to_string().contains(WHY), "{refused}");
    harness.engine.hold("test", Hold::default());
    harness.of("media", IncidentState::Verifying).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_that_are_held_back_keep_no_others_from_their_runs_and_all_are_let_go() {
    let names: Vec<String> = (0..1500).map(|number| format!("held-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let harness = held_bed(|config| {
        config.held = [("test".to_owned(), hold(&names))].into();
        config.budgets = Budgets { storm: 9999, runs_per_hour: 9999, ..Budgets::default() };
    })
    .await;
    harness.post("firing", &names).await;
    harness.post("firing", &["home"]).await;
    harness.of("home", IncidentState::Verifying).await;
    let counts = async |state| harness.open().await.iter().filter(|one| one.state == state).count();
    while counts(IncidentState::Held).await < names.len() {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
    harness.engine.hold("test", hold(&names[1..]));
    harness.of("held-0", IncidentState::Verifying).await;
    assert_eq!(counts(IncidentState::Held).await, names.len() - 1);
    harness.engine.hold("test", Hold::default());
    while counts(IncidentState::Held).await > 0 {
        harness.clock.sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_back_before_a_restart_goes_on_once_the_right_is_there() {
    let first = held_bed(|_| {}).await;
    first.post("firing", &["media"]).await;
    first.of("media", IncidentState::Held).await;
    let second = next(ended(first).await, policy(|_, _| async { done() }), |_| {}).await;
    second.of("media", IncidentState::Verifying).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolved_ends_an_incident_that_is_held_back() {
    let harness = held_bed(|_| {}).await;
    harness.post("firing", &["media"]).await;
    harness.of("media", IncidentState::Held).await;
    harness.post("resolved", &["media"]).await;
    assert!(harness.until(IncidentState::Resolved).await.closed_at.is_some());
}
