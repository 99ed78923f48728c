//! The control plane behaves as a cluster does.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as expected")]

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use suture_envtest::{ControlPlane, eventually, found};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_job_makes_a_pod_and_a_pod_that_succeeds_completes_its_job() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("jobs").await.unwrap();
    plane
        .apply(&format!(
            "{{apiVersion: batch/v1, kind: Job, metadata: {{name: one, namespace: {namespace}}},
               spec: {{template: {{spec: {{restartPolicy: Never,
                 containers: [{{name: main, image: example.test/none}}]}}}}}}}}"
        ))
        .await
        .unwrap();
    let client = plane.client().unwrap();
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let made = found(SOON, || async { pods.list(&ListParams::default()).await.unwrap().items.pop() }).await;
    let status = json!({"status": {"phase": "Succeeded"}});
    let name = made.unwrap().metadata.name.unwrap();
    pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    let jobs: Api<Job> = Api::namespaced(client, &namespace);
    let is_complete =
        || async { jobs.get("one").await.unwrap().status.and_then(|status| status.succeeded) == Some(1) };
    assert!(eventually(SOON, is_complete).await);
}

#[tokio::test]
async fn a_service_account_may_nothing_until_it_is_given_rights() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("rights").await.unwrap();
    let kubeconfig =
        Kubeconfig::read_from(plane.service_account(&namespace, "worker").await.unwrap()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let worker: Api<ConfigMap> = Api::namespaced(Client::try_from(config).unwrap(), &namespace);
    let refused = worker.get("kube-root-ca.crt").await.unwrap_err().to_string();
    assert!(refused.contains("forbidden"), "{refused}");
    plane
        .apply(&format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role,
               metadata: {{name: reader, namespace: {namespace}}},
               rules: [{{apiGroups: [''], resources: [configmaps], verbs: [get]}}]}}
---
{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding,
  metadata: {{name: reader, namespace: {namespace}}},
  roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}},
  subjects: [{{kind: ServiceAccount, name: worker, namespace: {namespace}}}]}}"
        ))
        .await
        .unwrap();
    // The authorizer learns of it through a watch.
    assert!(eventually(SOON, || async { worker.get("kube-root-ca.crt").await.is_ok() }).await);
}

#[tokio::test]
async fn a_field_that_no_schema_knows_is_refused() {
    let plane = ControlPlane::shared();
    let error = plane
        .apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: typo, namespace: default}, dtaa: {}}")
        .await
        .unwrap_err();
    assert!(format!("{error:#}").contains("dtaa"), "{error:#}");
}

#[tokio::test]
async fn an_api_server_that_comes_back_knows_what_it_knew() {
    let plane = ControlPlane::start().unwrap();
    let namespace = plane.namespace("kept").await.unwrap();
    plane.stop_api_server();
    assert!(plane.client().unwrap().apiserver_version().await.is_err());
    plane.start_api_server().unwrap();
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(plane.client().unwrap());
    assert!(namespaces.get(&namespace).await.is_ok());
}
