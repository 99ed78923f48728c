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

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_taken_back_by_a_change_that_needs_approval_needs_it_too() {
    let program = policy(|calls, _| async move {
        let Effect::Mutate { mutation, .. } = put("note", "seen") else { unreachable!() };
        let Effect::Mutate { mutation: undo, .. } = set("by the undo") else { unreachable!() };
        let _ = calls.call(Effect::Mutate { mutation, undo: Some(undo) }).await?;
        done()
    });
    let grants = json!([patching(&["/data/note"], false), patching(&["/data"], true)]);
    let host = enforcing(program, grants).await;
    host.harness.post("firing", &["media"]).await;
    let incident = host.asks().await;
    assert_eq!((host.state().as_str(), host.note()), ("broken", None));
    assert_eq!(incident.approval.unwrap().changes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_needs_approval_is_not_had_as_the_undo_of_a_free_change() {
    let program = policy(|calls, _| async move {
        let Effect::Mutate { mutation, .. } = put("note", "seen") else { unreachable!() };
        let Effect::Mutate { mutation: Mutation::Patch(patch), .. } = set("") else { unreachable!() };
        let other = Target { name: "precious".into(), ..patch.target };
        let undo = Some(Mutation::Delete(suture_core::effect::Delete::of(other)));
        let _ = calls.call(Effect::Mutate { mutation, undo }).await?;
        done()
    });
    let deleting = json!({"groups": [""], "resources": ["configmaps"], "verbs": ["get", "delete"],
        "namespaces": ["media"], "approve": true});
    let host = enforcing(program, json!([patching(&["/data/note"], false), deleting])).await;
    host.harness.post("firing", &["media"]).await;
    host.asks().await;
    assert_eq!(host.note(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finalizer_whose_grant_asks_for_approval_is_not_taken_by_a_free_one() {
    let program = policy(|calls, _| async move {
        let Effect::Mutate { mutation: Mutation::Patch(patch), undo } = set("") else { unreachable!() };
        let patch = Patch { body: json!({"metadata": {"finalizers": null}}), ..patch };
        calls.call(Effect::Mutate { mutation: Mutation::Patch(patch), undo }).await?.unwrap();
        done()
    });
    let free = json!({"groups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"], "namespaces": ["media"]});
    let host = enforcing(program, json!([free, patching(&["/metadata/finalizers"], true)])).await;
    host.harness.post("firing", &["media"]).await;
    let incident = host.asks().await;
    assert_eq!(incident.approval.unwrap().changes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_undo_than_the_one_that_was_approved_is_asked_for_anew() {
    let looks = Arc::new(AtomicUsize::new(0));
    let program = policy(move |calls, _| {
        let look = looks.fetch_add(1, Ordering::SeqCst);
        async move {
            let Effect::Mutate { mutation, .. } = put("note", "seen") else { unreachable!() };
            let Effect::Mutate { mutation: undo, .. } = set(&format!("undone {look}")) else {
                unreachable!()
            };
            let _ = calls.call(Effect::Mutate { mutation, undo: Some(undo) }).await?;
            done()
        }
    });
    let host = Asking::start(program, 1, LONG).await;
    host.harness.post("firing", &["media"]).await;
    let incident = host.asks().await;
    host.approve("bob", &incident).await.unwrap();
    host.asks_again(&incident).await;
    assert_eq!((host.state().as_str(), host.note()), ("broken", None));
}
