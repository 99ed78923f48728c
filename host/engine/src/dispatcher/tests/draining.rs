//! A host that stops, and one that is drained.

use suture_core::effect::{Create, Delete, Target};
use suture_core::object::Kind;
use suture_core::{Mutation, RunId};
use suture_journal::RunState;

use super::resuming::{asleep, ended, grants, may, next, sleepy};
use super::*;
use crate::engine::{DrainOrder, DrainStatus};

fn order(wait: Duration) -> DrainOrder {
    DrainOrder { who: "alice".into(), reason: "suture is uninstalled".into(), wait }
}

impl EngineHarness {
    /// How it stands once nothing is at work any more.
    async fn drained(&self) -> DrainStatus {
        loop {
            let status = self.engine.drain_status().await.unwrap().unwrap();
            if status.done {
                return status;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
    }

    async fn outcome(&self, run: &RunId) -> Option<String> {
        self.engine.journal().run(run).await.unwrap().unwrap().outcome
    }
}

async fn at_rest() -> EngineHarness {
    let harness = start(tempfile::tempdir().unwrap(), policy(|calls, _| sleepy(calls)), may).await;
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Waiting).await;
    harness
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_only_waits_does_not_hold_up_a_host_that_stops_and_is_not_undone() {
    let harness = at_rest().await;
    // A day of grace, and nobody waits for it.
    harness.engine.shutdown(Duration::from_secs(86_400)).await;
    let incident = harness.incidents().await.remove(0);
    assert_eq!(harness.outcome(&incident.runs[0]).await, None, "the next host goes on with it");
    assert_eq!(harness.cluster.mutations().len(), 1, "nothing is undone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_drained_ends_its_runs_undoes_what_they_did_and_begins_nothing() {
    let harness = at_rest().await;
    assert_eq!(harness.engine.drain_status().await.unwrap(), None);
    harness.engine.drain(order(Duration::ZERO)).await.unwrap();
    let status = harness.drained().await;
    assert_eq!((status.at_work, status.left.len()), (0, 0), "{status:?}");
    let verbs: Vec<_> = harness.cluster.mutations().iter().map(|done| done.mutation.as_str()).collect();
    assert_eq!(verbs, ["create", "delete"], "made once, undone once");
    let incident = harness.until(IncidentState::Queued).await;
    assert_eq!((incident.runs.len(), incident.attempts), (1, 0), "it was none of its attempts");
    assert_eq!(harness.outcome(&incident.runs[0]).await.as_deref(), Some("interrupted"));
    let says = || harness.engine.waiting_for(&incident).map(|waits| waits.message).unwrap_or_default();
    while !says().contains("drained by alice: suture is uninstalled") {
        harness.clock.sleep(Duration::from_secs(2)).await;
    }
    // A restart does not end that.
    let harness = next(ended(harness).await, policy(|calls, _| sleepy(calls)), may).await;
    assert_eq!(harness.drained().await.pause.who, "alice");
    assert_eq!(harness.until(IncidentState::Queued).await.runs.len(), 1);
    harness.engine.resume(None, "bob").await.unwrap();
    assert_eq!(harness.until(IncidentState::Waiting).await.runs.len(), 2, "it is handled anew");
    assert_eq!(harness.engine.drain_status().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_a_restart_cut_off_goes_on() {
    let left = asleep().await;
    let journal = Journal::open(left.0.path(), left.2.clone()).unwrap();
    let pause = suture_journal::PauseRecord {
        policy: None,
        who: "alice".into(),
        reason: String::new(),
        since: left.2.now(),
        until: None,
        drain: Some(left.2.now()),
    };
    let change = suture_journal::Change::Pause(pause);
    journal.commit(vec![change], suture_journal::Durability::Synced).await.unwrap();
    journal.close().await.unwrap();
    let harness = next(left, policy(|calls, _| sleepy(calls)), may).await;
    harness.drained().await;
    assert_eq!(harness.cluster.mutations().len(), 2, "made once, undone once");
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_time_that_is_given_a_run_ends_by_itself() {
    let harness = at_rest().await;
    harness.engine.drain(order(Duration::from_secs(86_400))).await.unwrap();
    harness.drained().await;
    let incident = harness.incidents().await.remove(0);
    assert_eq!(harness.outcome(&incident.runs[0]).await.as_deref(), Some("remediated"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_resumed_in_the_middle_of_a_drain_goes_on() {
    let harness = at_rest().await;
    harness.engine.drain(order(Duration::ZERO)).await.unwrap();
    harness.engine.resume(None, "bob").await.unwrap();
    // Taken back and handled anew, or gone on with: nothing is stuck between the two.
    harness.until(IncidentState::Verifying).await;
    for record in harness.engine.journal().runs(Filter::default()).await.unwrap().items {
        assert_eq!(record.state, RunState::Ended, "{record:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_undone_is_named_as_left() {
    let program = policy(|calls, _| async move {
        let target = Target {
            kind: Kind::new("v1", "ConfigMap"),
            namespace: Some("media".into()),
            name: "mark".into(),
            uid: None,
            subresource: None,
        };
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mark"}});
        let kind = target.kind.clone();
        let create =
            Mutation::Create(Create { kind, namespace: target.namespace.clone(), object, subresource: None });
        let undo =
            Mutation::Delete(Delete { target, propagation: Default::default(), resource_version: None });
        calls.call(Effect::Mutate { mutation: create, undo: Some(undo) }).await?.unwrap();
        calls.call(Effect::Sleep { duration_ms: 86_400_000 }).await?.unwrap();
        done()
    });
    let harness = start(tempfile::tempdir().unwrap(), program, may).await;
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Waiting).await;
    // It may not delete any more what it has made.
    let mut forbidden = configured(policy(|_, _| async { done() }), &*harness.clock);
    let mut grants = grants();
    grants[0].verbs.retain(|verb| *verb == suture_core::grant::Verb::Create);
    forbidden.config.grants = grants.into();
    harness.engine.replace(vec![Arc::new(forbidden)]);
    harness.engine.drain(order(Duration::ZERO)).await.unwrap();
    let status = harness.drained().await;
    let incident = harness.until(IncidentState::Escalated).await;
    let status = match status.left.is_empty() {
        // The run had ended, and its incident was not yet written.
        true => harness.drained().await,
        false => status,
    };
    let [left] = &status.left[..] else { panic!("{status:#?}") };
    assert_eq!((&left.incident, &left.run), (&incident.id, &incident.runs[0]));
    assert!(left.what.contains("step 1 is not undone: delete"), "{left:?}");
}
