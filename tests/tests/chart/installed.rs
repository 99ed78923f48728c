//! The chart under helm itself, on a real API server: installed, upgraded, tested, uninstalled. No kubelet runs its jobs; the
//! test says how they end.

use std::process::Output;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Pod, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::Role;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use suture_envtest::{ControlPlane, found};

use crate::{file, helm, repository, values};

const NAMESPACE: &str = "mended";
const PATIENCE: Duration = Duration::from_secs(120);

struct Release {
    plane: &'static ControlPlane,
    client: Client,
}

impl Release {
    async fn helm(&self, arguments: &[&str], more: Option<Value>) -> Output {
        let folder = tempfile::tempdir().unwrap();
        let mut command = helm();
        command.args(arguments).args(["--namespace", NAMESPACE, "--kubeconfig"]).arg(self.plane.kubeconfig());
        // Caches and the like.
        for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            command.env(name, folder.path());
        }
        if let Some(more) = more {
            command
                .arg(repository("deploy/helm/suture"))
                .arg("--values")
                .arg(file(folder.path(), &values(more)));
        }
        tokio::process::Command::from(command).output().await.unwrap()
    }

    /// What helm says of something that it must do.
    async fn does(&self, arguments: &[&str], more: Option<Value>) -> String {
        let done = self.helm(arguments, more).await;
        let (said, complained) =
            (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{arguments:?}: {said}{complained}");
        said.into_owned()
    }

    fn of<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Wait for a pod of one of the chart's jobs that has not ended, and end it.
    async fn end_client(&self, phase: &str) {
        let pods = self.of::<Pod>();
        let of_jobs = ListParams::default().labels("app.kubernetes.io/component=client");
        let at_work = |pod: &Pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            phase == Some("Pending") && pod.metadata.deletion_timestamp.is_none()
        };
        let pod =
            found(PATIENCE, async || pods.list(&of_jobs).await.ok()?.items.into_iter().find(at_work)).await;
        let name = pod.expect("a job of the chart has made no pod").metadata.name.unwrap();
        let status = json!({"status": {"phase": phase}});
        pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    }

    async fn tokens(&self) -> Value {
        json!(self.of::<Secret>().get("suture-tokens").await.unwrap().data)
    }

    async fn is_deployed(&self) -> bool {
        self.of::<Deployment>().get_opt("suture").await.unwrap().is_some()
    }
}

fn policies(namespaces: &[&str]) -> Value {
    let grant = |namespace| json!({"groups": [""], "resources": ["pods"], "verbs": ["get"], "namespaces": [namespace]});
    let grants: Vec<_> = namespaces.iter().map(grant).collect();
    json!({"policies": [{"name": "p", "source": {"file": "/policies/volsync.wasm"}, "grants": grants}]})
}

#[tokio::test]
async fn it_is_installed_upgraded_and_uninstalled_once_the_host_is_drained() {
    let plane = ControlPlane::shared();
    let release = Release { plane, client: plane.client().unwrap() };
    for namespace in ["films", "photos"] {
        plane
            .apply(&format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}"))
            .await
            .unwrap();
    }
    let roles = async |namespace: &str| {
        let roles: Api<Role> = Api::namespaced(release.client.clone(), namespace);
        roles.list(&ListParams::default()).await.unwrap().items.len()
    };

    let said = release
        .does(&["install", "suture", "--create-namespace"], Some(policies(&["films", "photos"])))
        .await;
    assert!(said.contains("What is missing") && said.contains("config.alertmanager.url"), "{said}");
    assert!(release.is_deployed().await);
    assert_eq!((roles("films").await, roles("photos").await), (1, 1));
    let tokens = release.tokens().await;
    assert_eq!(tokens.as_object().unwrap().len(), 3);

    // What a smaller configuration no longer needs goes, and the tokens stay.
    release.does(&["upgrade", "suture"], Some(policies(&["films"]))).await;
    assert_eq!((roles("films").await, roles("photos").await), (1, 0));
    assert_eq!(tokens, release.tokens().await);

    // Without it no pod is made.
    let account = async || release.of::<ServiceAccount>().get("default").await.ok();
    assert!(found(PATIENCE, account).await.is_some(), "the namespace has no ServiceAccount");
    let (said, ()) = tokio::join!(release.does(&["test", "suture"], None), release.end_client("Succeeded"));
    assert!(said.contains("suture-doctor"), "{said}");

    // Something is left: nothing goes.
    let (refused, ()) =
        tokio::join!(release.helm(&["uninstall", "suture"], None), release.end_client("Failed"));
    assert!(!refused.status.success(), "{}", String::from_utf8_lossy(&refused.stdout));
    assert!(release.is_deployed().await);

    tokio::join!(release.does(&["uninstall", "suture"], None), release.end_client("Succeeded"));
    assert!(!release.is_deployed().await);
    assert_eq!(roles("films").await, 0);
    // What was done, and who may ask, outlives it.
    assert!(release.of::<PersistentVolumeClaim>().get_opt("suture").await.unwrap().is_some());
    assert_eq!(tokens, release.tokens().await);
    let namespaces: Api<Namespace> = Api::all(release.client.clone());
    assert!(namespaces.get_opt(NAMESPACE).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_missing_is_said_with_the_command_that_adds_it() {
    let plane = ControlPlane::shared();
    let release = Release { plane, client: plane.client().unwrap() };
    plane.apply("{apiVersion: v1, kind: Namespace, metadata: {name: mended}}").await.unwrap();
    let mut more = policies(&["nowhere"]);
    crate::lay_over(
        &mut more,
        json!({"tokens": {"admin": {"existingSecret": "mine"}}, "fullnameOverride": "lacking"}),
    );
    // As it would be installed: nothing is.
    let said = release.does(&["install", "lacking", "--dry-run=server"], Some(more)).await;
    for missing in [
        "kubectl create namespace nowhere",
        "kubectl -n mended create secret generic mine --from-literal=admin=",
        "config.alertmanager.url",
    ] {
        assert!(said.contains(missing), "{missing}: {said}");
    }
}
