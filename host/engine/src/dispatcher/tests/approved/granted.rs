//! Changes that a grant lets a policy make only once a person has approved them.

use suture_core::effect::Create;
use suture_core::{Reply, object};

use super::*;

/// A change of a field of the ConfigMap `plex`.
fn put(field: &str, value: &str) -> Effect {
    let Effect::Mutate { mutation: Mutation::Patch(patch), undo } = set("") else { unreachable!() };
    let patch = Patch { body: json!({"data": {field: value}}), ..patch };
    Effect::Mutate { mutation: Mutation::Patch(patch), undo }
}

/// A policy in mode `enforce` with these grants for the fields of ConfigMaps.
async fn enforcing(program: Arc<dyn Program>, grants: serde_json::Value) -> Asking {
    Asking::start_with(program, move |policy| {
        policy.config.mode = Mode::Enforce;
        policy.config.grants = serde_json::from_value(grants.clone()).unwrap();
    })
    .await
}

fn noting_and_mending() -> Arc<dyn Program> {
    policy(|calls, _| async move {
        calls.call(put("note", "seen")).await?.unwrap();
        calls.call(set("repaired")).await?.unwrap();
        done()
    })
}

fn patching(fields: &[&str], approve: bool) -> serde_json::Value {
    json!({"groups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"], "namespaces": ["media"],
        "fields": fields, "approve": approve})
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_no_other_grant_allows_waits_for_approval() {
    let grants = json!([patching(&["/data/note"], false), patching(&["/data"], true)]);
    let host = enforcing(noting_and_mending(), grants).await;
    host.harness.post("firing", &["media"]).await;
    let incident = host.asks().await;
    let approval = incident.approval.clone().unwrap();
    assert_eq!((host.state().as_str(), host.note().as_deref()), ("broken", Some("seen")));
    assert_eq!(approval.changes.len(), 1, "what was done is not asked for: {approval:?}");
    host.approve("bob", &incident).await.unwrap();
    let repaired = host.harness.until(IncidentState::Verifying).await;
    assert_eq!((host.state().as_str(), repaired.runs.len(), repaired.attempts), ("repaired", 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_grant_allows_too_waits_for_nobody() {
    let grants = json!([patching(&["/data"], true), patching(&["/data"], false)]);
    let host = enforcing(noting_and_mending(), grants).await;
    host.harness.post("firing", &["media"]).await;
    let repaired = host.harness.until(IncidentState::Verifying).await;
    assert_eq!((host.state().as_str(), repaired.runs.len()), ("repaired", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_under_another_name_and_uid_is_still_what_was_approved() {
    let program = policy(|calls, _| async move {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"generateName": "helper-", "namespace": "media"}, "data": {}});
        let (kind, namespace) = (Kind::new("v1", "ConfigMap"), Some("media".to_owned()));
        let create = Create { kind, namespace, object, subresource: None };
        let effect = Effect::Mutate { mutation: Mutation::Create(create), undo: None };
        let Reply::Mutated(made) = calls.call(effect).await?.unwrap() else { panic!("nothing is made") };
        calls.call(put("helper", object::uid(&made).unwrap())).await?.unwrap();
        calls.call(set("repaired")).await?.unwrap();
        done()
    });
    let host = Asking::start(program, 1, LONG).await;
    host.harness.post("firing", &["media"]).await;
    let incident = host.asks().await;
    assert_eq!(incident.approval.as_ref().unwrap().changes.len(), 3);
    host.approve("bob", &incident).await.unwrap();
    host.harness.until(IncidentState::Verifying).await;
    assert_eq!(host.state(), "repaired");
}
