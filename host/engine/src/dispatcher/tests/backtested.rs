//! What a host did, asked again of newer modules.

use suture_core::effect::{Create, Mutation};

use super::*;
use crate::backtest::{BackTested, back_test};
use crate::run::harness::policy_of;

fn reads() -> Effect {
    Effect::Sleep { duration_ms: 1000 }
}

fn creates() -> Effect {
    let object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "media"}});
    let mutation = Mutation::Create(Create {
        kind: suture_core::object::Kind::new("v1", "ConfigMap"),
        namespace: Some("media".into()),
        object,
        subresource: None,
    });
    Effect::Mutate { mutation, undo: None }
}

/// A module that makes these calls, and concludes so.
fn module(digest: &'static str, calls: Vec<Effect>, needed: bool) -> Arc<dyn Program> {
    policy_of(digest, move |host, _| {
        let calls = calls.clone();
        async move {
            for call in calls {
                let _ = host.call(call).await?;
            }
            let summary = "done".to_owned();
            Ok(Ok(if needed { Outcome::Remediated { summary } } else { Outcome::Unnecessary { summary } }))
        }
    })
}

/// What two runs on record are to a newer module.
async fn tested(candidate: Arc<dyn Program>) -> BackTested {
    let harness = harness(module("sha256:old", vec![reads()], false)).await;
    harness.post("firing", &["media", "home"]).await;
    for _ in 0..4000 {
        let incidents = harness.incidents().await;
        if incidents.len() == 2
            && incidents.iter().all(|incident| incident.state == IncidentState::Unnecessary)
        {
            break;
        }
        harness.clock.sleep(Duration::from_secs(2)).await;
    }
    back_test(harness.engine.journal(), "test", &*candidate, 50).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_asks_and_concludes_the_same_does_not_differ() {
    let tested = tested(module("sha256:new", vec![reads()], false)).await;
    assert_eq!((tested.compared, tested.same, tested.differs()), (2, 2, false), "{tested:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_concludes_otherwise_differs() {
    let tested = tested(module("sha256:new", vec![reads()], true)).await;
    assert_eq!((tested.compared, tested.same), (2, 0));
    assert!(!tested.differences[0].changes, "{tested:#?}");
    assert!(tested.differences[0].summary().contains("remediated"), "{}", tested.differences[0].summary());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_would_change_something_says_what() {
    let tested = tested(module("sha256:new", vec![reads(), creates()], false)).await;
    let difference = &tested.differences[0];
    assert!(difference.changes && difference.cant_tell, "{difference:#?}");
    assert!(difference.effects[0].summary().contains("create ConfigMap media/x"), "{difference:#?}");
    // What the API answers is what the command line reads.
    let text = serde_json::to_string(&tested).unwrap();
    assert_eq!(serde_json::from_str::<BackTested>(&text).unwrap(), tested);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_runs_on_record_nothing_differs() {
    let harness = harness(module("sha256:old", vec![], false)).await;
    let tested =
        back_test(harness.engine.journal(), "test", &*module("sha256:new", vec![creates()], true), 50).await;
    assert_eq!((tested.compared, tested.differs()), (0, false));
}
