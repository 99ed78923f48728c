//! What stands between a request and its object: a namespace that ends, and webhooks.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use suture_cluster::live::LiveConfig;
use suture_core::{Effect, Reason, Resolution};
use suture_envtest::{ControlPlane, found};
use suture_tests::tls::Tls;

use crate::user::{SOON, User};

#[tokio::test]
async fn a_namespace_that_is_terminating_takes_nothing_new_and_says_so() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("ending").await.unwrap();
    let user = User::admin(plane, &namespace).await.unwrap();
    // Something that holds it open.
    plane
        .apply(&format!(
            "{{apiVersion: v1, kind: ConfigMap,
               metadata: {{name: holds, namespace: {namespace}, finalizers: [example.test/held]}}}}"
        ))
        .await
        .unwrap();
    let namespaces: Api<Namespace> = Api::all(plane.client().unwrap());
    namespaces.delete(&namespace, &DeleteParams::default()).await.unwrap();
    let error = user.create("late").await.unwrap_err();
    assert_eq!((&error.reason, error.status), (&Reason::FORBIDDEN, Some(403)));
    assert!(error.message.contains("being terminated"), "{error}");
    // What is there is still read and changed.
    assert!(user.get(&user.target("holds")).await.is_ok());
    user.mutate(user.saying("holds", "changed")).await.unwrap();
}

/// Let a webhook judge the ConfigMaps that are made in a namespace.
async fn webhook(plane: &ControlPlane, namespace: &str, path: &str, timeout: u32) {
    let tls = Tls::listen("127.0.0.1").await.unwrap();
    let url = format!("https://{}/{path}", tls.address);
    let bundle = ByteString(tls.certificate.clone().into_bytes());
    let app = Router::new().route("/rejects", post(reject)).route("/hangs", post(hang));
    tokio::spawn(async move { axum::serve(tls, app).await });
    let configuration = json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration", "metadata": {"name": namespace},
        "webhooks": [{"name": "judge.example.test", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "timeoutSeconds": timeout, "failurePolicy": "Fail",
            "clientConfig": {"url": url, "caBundle": bundle},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"],
                "operations": ["CREATE"]}]}]});
    plane.apply(&configuration.to_string()).await.unwrap();
}

async fn reject(Json(review): Json<Value>) -> Json<Value> {
    let status = json!({"code": 409, "reason": "Conflict", "message": "not on a Friday"});
    Json(json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "response": {"uid": review["request"]["uid"], "allowed": false, "status": status}}))
}

async fn hang() {
    std::future::pending().await
}

/// Until the API server knows of the webhook, it lets things through.
async fn refused(user: &User) -> suture_core::Error {
    let number = AtomicU32::new(0);
    let create = async || user.create(&format!("map-{}", number.fetch_add(1, Ordering::Relaxed))).await.err();
    found(SOON, create).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_webhook_rejects_keeps_its_reason_and_its_words() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("rejected").await.unwrap();
    webhook(plane, &namespace, "rejects", 5).await;
    let user = User::admin(plane, &namespace).await.unwrap();
    let error = refused(&user).await;
    assert_eq!((&error.reason, error.status), (&Reason::CONFLICT, Some(409)));
    assert!(error.message.contains("not on a Friday"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_hangs_is_named_once_the_api_server_gives_it_up() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("hanging").await.unwrap();
    webhook(plane, &namespace, "hangs", 1).await;
    let user = User::admin(plane, &namespace).await.unwrap();
    let error = refused(&user).await;
    assert_eq!((error.reason.as_str(), error.status), ("InternalError", Some(500)));
    assert!(error.message.contains("judge.example.test"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_hangs_for_longer_than_a_request_may_take_leaves_nothing_behind() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("endless").await.unwrap();
    webhook(plane, &namespace, "hangs", 30).await;
    let config = LiveConfig { timeout: Duration::from_secs(3), ..LiveConfig::default() };
    let user = User::with(plane.kubeconfig(), config, &namespace).await.unwrap();
    let error = refused(&user).await;
    assert_eq!(error.reason, Reason::TIMEOUT, "{error}");
    let prepared = user.prepare(Effect::Mutate { mutation: user.creation("x"), undo: None }).await.unwrap();
    assert_eq!(user.resolve(&prepared).await, Ok(Resolution::NotDone));
}
