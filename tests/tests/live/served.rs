//! What the API server serves: not this version, not yet, not any more; or it is none.

use std::net::SocketAddr;

use axum::Router;
use axum::http::StatusCode;
use serde_json::json;
use suture_core::handler::Discovery;
use suture_core::object::Kind;
use suture_core::{Effect, Reason, Resolution};
use suture_envtest::{ControlPlane, eventually};
use tokio::net::TcpListener;

use crate::away::plain;
use crate::user::{SOON, User, config_map};

#[tokio::test]
async fn a_version_that_is_not_served_is_told_apart_and_those_that_are_get_named() {
    let plane = ControlPlane::shared();
    let user = User::admin(plane, "default").await.unwrap();
    for (wanted, named) in [
        (Kind::new("apps/v1beta1", "Deployment"), "v1"),
        (Kind::new("v2", "Pod"), "v1"),
        (Kind::new("apps/v1", "Deploiment"), "v1"),
    ] {
        let error = user.cluster.resource(&wanted).await.unwrap_err();
        assert_eq!(error.reason, Reason::NOT_SERVED);
        assert!(error.message.contains(&wanted.to_string()), "{error}");
        assert!(error.message.ends_with(&format!("it serves: {named}")), "{error}");
    }
    let unknown = Kind::new("nowhere.test/v1", "Thing");
    let error = user.cluster.resource(&unknown).await.unwrap_err();
    assert!(error.reason == Reason::NOT_SERVED && error.message.contains("definition"), "{error}");
}

#[tokio::test]
async fn a_definition_that_comes_after_the_start_is_found_and_one_that_goes_is_missed() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("defined").await.unwrap();
    let user = User::admin(plane, &namespace).await.unwrap();
    let kind = Kind::new("late.test/v1", "Comer");
    let making = |name: &str| user.making(kind.clone(), json!({"metadata": {"name": name}, "spec": {}}));
    assert_eq!(user.mutate(making("one")).await.unwrap_err().reason, Reason::NOT_SERVED);

    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "comers.late.test"},
        "spec": {"group": "late.test", "scope": "Namespaced",
            "names": {"kind": "Comer", "plural": "comers", "singular": "comer"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]}});
    plane.apply(&definition.to_string()).await.unwrap();
    let made = async || match user.mutate(making("one")).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.reason, Reason::NOT_SERVED);
            false
        }
    };
    assert!(eventually(SOON, made).await);

    let definitions: kube::Api<kube::api::DynamicObject> = kube::Api::all_with(
        plane.client().unwrap(),
        &kube::api::ApiResource::erase::<
            k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
        >(&()),
    );
    definitions.delete("comers.late.test", &kube::api::DeleteParams::default()).await.unwrap();
    let gone = async || user.cluster.resource(&kind).await.is_err_and(|e| e.reason == Reason::NOT_SERVED);
    let target = suture_core::effect::Target { kind: kind.clone(), ..user.target("one") };
    let missed = async || user.get(&target).await.is_err() && gone().await;
    assert!(eventually(SOON, missed).await);
}

/// Something at the API server's address that answers everything alike.
async fn impostor(status: StatusCode, text: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(move || async move { (status, text) });
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_said_to_be_none() {
    for (status, text) in [
        (StatusCode::OK, "<html>Please log in"),
        (StatusCode::FOUND, "<html>Please log in"),
        (StatusCode::OK, ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = plain(folder.path(), impostor(status, text).await);
        let user = User::as_in(kubeconfig, "media").await.unwrap();
        let error = user.get(&user.target("one")).await.unwrap_err();
        assert_eq!(error.reason, Reason::UNAVAILABLE, "{status}: {error}");
        assert_eq!(error.status, Some(status.as_u16()));
        assert!(text.is_empty() || error.message.contains("Please log in"), "{error}");
        let error = user.create("one").await.unwrap_err();
        assert_eq!(error.reason, Reason::UNAVAILABLE, "{status}: {error}");
    }
}

#[tokio::test]
async fn a_change_that_an_impostor_answered_is_not_known_to_be_done() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("impostor").await.unwrap();
    let real = User::admin(plane, &namespace).await.unwrap();
    let prepared = real.prepare(Effect::Mutate { mutation: real.creation("one"), undo: None }).await.unwrap();
    // Knows the resources as the API server does, and nothing else.
    let resources = json!({"resources": [{"name": "configmaps", "namespaced": true, "kind": "ConfigMap"}]});
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .route("/api/v1", axum::routing::get(move || async move { resources.to_string() }))
        .fallback(|| async { "<html>Please log in" });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let folder = tempfile::tempdir().unwrap();
    let user = User::as_in(plain(folder.path(), address), &namespace).await.unwrap();
    let error = user.perform(&prepared).await.unwrap_err();
    assert_eq!(error.reason, Reason::UNKNOWN, "{error}");
    assert_eq!(real.resolve(&prepared).await, Ok(Resolution::NotDone));
    assert_eq!(real.cluster.resource(&config_map()).await.unwrap().plural, "configmaps");
}
