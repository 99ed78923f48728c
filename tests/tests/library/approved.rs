//! People approve a plan by Approvals, and the real API server is the judge of who they are and whether
//! they may.

use std::path::Path;

use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::{Client, Config};
use serde_json::{Value, json};
use suture_tests::command::{refuses, shows};
use suture_tests::host::Host;
use suture_tests::process::eventually;

use crate::harness::LibraryHarness;
use crate::{PATIENCE, failed_and_later_complete, until};

/// What the chart installs.
const FILES: &str = "../deploy/helm/suture/files/approvals";

async fn client(kubeconfig: &Path) -> anyhow::Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// What the host asks people for: the run, and the digest of its plan.
async fn asked(host: &Host) -> (String, String) {
    let mut runs = Value::Null;
    let asks = async || {
        let incidents = host.json("/api/v1/incidents").await;
        runs = host.json("/api/v1/runs").await;
        incidents["items"][0]["state"] == "awaitingApproval"
    };
    assert!(eventually(PATIENCE, asks).await, "nobody is asked: {runs:#}\n{}", host.log());
    let run = runs["items"][0]["id"].as_str().unwrap_or_default().to_owned();
    let diff = host.json(&format!("/api/v1/runs/{run}/diff")).await;
    (run, diff["plan"]["digest"].as_str().unwrap_or_default().to_owned())
}

/// Approvals, as somebody with a kubeconfig makes them.
struct Approvals {
    api: Api<DynamicObject>,
    spec: Value,
}

impl Approvals {
    async fn by(kubeconfig: &Path, namespace: &str, spec: &Value) -> anyhow::Result<Self> {
        let kind = GroupVersionKind::gvk("suture.dev", "v1alpha1", "Approval");
        let resource = ApiResource::from_gvk_with_plural(&kind, "approvals");
        let api = Api::namespaced_with(client(kubeconfig).await?, namespace, &resource);
        Ok(Self { api, spec: spec.clone() })
    }

    /// Make one in somebody's name.
    async fn make(&self, decided_by: &str) -> Result<DynamicObject, kube::Error> {
        let mut spec = self.spec.clone();
        spec["decidedBy"] = json!(decided_by);
        let object: DynamicObject = serde_json::from_value(json!({"apiVersion": "suture.dev/v1alpha1",
            "kind": "Approval", "metadata": {"generateName": "a-"}, "spec": spec}))
        .map_err(kube::Error::SerdeError)?;
        self.api.create(&PostParams::default(), &object).await
    }

    /// What the host says of it, once it has looked.
    async fn said(&self, approval: &DynamicObject) -> (String, String) {
        let name = approval.metadata.name.clone().unwrap_or_default();
        until(&self.api, &name, |approval| approval.data.pointer("/status/result").is_some()).await;
        let approval = self.api.get(&name).await.map_or(Value::Null, |approval| approval.data);
        let text = |field: &str| approval["status"][field].as_str().unwrap_or_default().to_owned();
        (text("result"), text("message"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_approve_with_kubectl_and_nobody_in_anothers_name_or_without_the_right()
-> anyhow::Result<()> {
    let harness = LibraryHarness::make("job-failed").await?;
    let plane = harness.plane;
    let (node, jobs) = failed_and_later_complete(&harness).await?;
    plane.apply(&std::fs::read_to_string(format!("{FILES}/crd.yaml"))?).await?;
    let approve = |config: &mut Value| {
        config["cluster"]["live"]["approvals"] = json!(true);
        config["policies"][0]["mode"] = json!("approve");
        config["policies"][0]["approval"] = json!({"by": 2});
    };
    let (host, own) = harness.host_with(json!({"cleanUp": "afterSuccess"}), approve).await?;
    harness.fires(&host, "KubeJobFailed", json!({"job_name": "backup-1", "condition": "true"})).await?;
    let (run, digest) = asked(&host).await;
    let spec = json!({"run": run, "digest": digest, "decision": "Approve"});

    // Nothing guards Approvals yet, so not even the administrator's counts.
    let admin = Approvals::by(&plane.kubeconfig(), &own, &spec).await?;
    let (result, message) = admin.said(&admin.make("admin").await?).await;
    assert_eq!(result, "Refused", "{message}");
    assert!(
        message.contains("ValidatingAdmissionPolicy `approvals.suture.dev` is not in the cluster"),
        "{message}"
    );

    for file in ["policy", "binding"] {
        plane.apply(&std::fs::read_to_string(format!("{FILES}/{file}.yaml"))?).await?;
    }
    let is_guarded = async || admin.make("somebody").await.is_err();
    assert!(eventually(PATIENCE, is_guarded).await, "the API server does not hold to the policy");

    // Whom RBAC lets make Approvals may still not approve.
    let make = json!({"apiGroups": ["suture.dev"], "resources": ["approvals"], "verbs": ["create", "get"]});
    let approve = json!({"apiGroups": ["suture.dev"], "resources": ["runs"], "verbs": ["approve"]});
    let bob = format!("system:serviceaccount:{own}:bob");
    for (name, rules, users) in [
        ("makes", json!([make]), json!([{"kind": "User", "name": "mallory"}])),
        (
            "approves",
            json!([make, approve]),
            json!([{"kind": "User", "name": "alice"}, {"kind": "ServiceAccount", "name": "bob", "namespace": own}]),
        ),
    ] {
        let group = "rbac.authorization.k8s.io";
        let metadata = json!({"name": name, "namespace": own});
        let role = json!({"apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": metadata, "rules": rules});
        let binding = json!({"apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name}, "subjects": users});
        plane.apply(&role.to_string()).await?;
        plane.apply(&binding.to_string()).await?;
    }
    let alice = Approvals::by(&plane.person("alice"), &own, &spec).await?;
    let mallory = Approvals::by(&plane.person("mallory"), &own, &spec).await?;
    for (approvals, name, why) in [
        (&mallory, "mallory", "mallory may not approve runs.suture.dev"),
        (&mallory, "alice", "spec.decidedBy must be who makes the Approval: mallory"),
        (&alice, "bob", "spec.decidedBy must be who makes the Approval: alice"),
    ] {
        let mut said = String::new();
        let refused = async || {
            said = approvals
                .make(name)
                .await
                .map_or_else(|error| error.to_string(), |_| "it was made".to_owned());
            said.contains(why)
        };
        assert!(eventually(PATIENCE, refused).await, "{said}");
    }

    // The policy is believed some seconds after it was written.
    let (mut result, mut message, mut made) = (String::new(), String::new(), None);
    let counts = async || {
        let Ok(approval) = alice.make("alice").await else { return false };
        (result, message) = alice.said(&approval).await;
        made = Some(approval);
        result == "Counted"
    };
    assert!(eventually(PATIENCE, counts).await, "{message}\n{}", host.log());
    assert_eq!(message, "1 of 2 people have approved the plan");
    let (result, message) = alice.said(&alice.make("alice").await?).await;
    assert_eq!((result.as_str(), message.contains("approved it already")), ("Refused", true), "{message}");
    let name = made.and_then(|approval| approval.metadata.name).unwrap_or_default();
    let patch = Patch::Merge(json!({"spec": {"decision": "Reject"}}));
    let changed = admin.api.patch(&name, &PatchParams::default(), &patch).await;
    assert!(
        changed.is_err_and(|error| error.to_string().contains("can't be changed")),
        "an Approval was changed"
    );

    // The other one with the command, and a token.
    let token = plane.service_account(&own, "bob").await?;
    let (server, token) = (format!("http://{}", host.admin), token.display().to_string());
    let command =
        ["approve", &run, "--server", &server, "--in-cluster", "--namespace", &own, "--kubeconfig", &token];
    refuses(harness.folder(), &command, "nobody is there to be asked").await?;
    let yes = [&command[..], &["--yes", "--message", "the later one is good"]].concat();
    shows(harness.folder(), &yes, &["it counts", "2 of 2 people"]).await?;
    assert!(host.log().contains(&bob), "{}", host.log());
    let is_over =
        async || jobs.get("backup-1").await.map_or(true, |job| job.metadata.deletion_timestamp.is_some());
    assert!(eventually(PATIENCE, is_over).await, "{}\n{}", host.log(), node.logs());
    refuses(harness.folder(), &yes, "it does not count").await?;

    let policies: Api<k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy> =
        Api::all(plane.client()?);
    policies.delete("approvals.suture.dev", &DeleteParams::default()).await?;
    Ok(())
}
