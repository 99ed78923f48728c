//! `deploy/kustomize`: the host.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};
use suture_envtest::{ControlPlane, found};

use crate::{documents, kustomized, of_kind, output, read, repository};

pub const FOLDER: &str = "deploy/kustomize";
/// What stands in the token files.
pub const SECRET: &str = "secret";
const PATIENCE: Duration = Duration::from_secs(60);

/// The example configuration under its own path in another folder, with the files there
/// that it finds in its pod.
pub fn as_in_the_pod() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let built = suture_build::build(&repository("policies/volsync"), None, &suture_build::Silent).unwrap();
    let tokens = root.path().join("tokens");
    std::fs::create_dir_all(root.path().join(FOLDER)).unwrap();
    std::fs::create_dir(&tokens).unwrap();
    for name in ["webhook", "admin", "metrics"] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(tokens.join(name), SECRET).unwrap();
        std::fs::set_permissions(tokens.join(name), std::fs::Permissions::from_mode(0o440)).unwrap();
    }
    let config = read("deploy/kustomize/suture.yaml")
        .replace("/policies/volsync.wasm", &built.path.display().to_string())
        .replace("/etc/suture/tokens", &tokens.display().to_string());
    std::fs::write(root.path().join(FOLDER).join("suture.yaml"), config).unwrap();
    root
}

fn suture(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(suture_tests::host::program().unwrap());
    command.current_dir(root).args(arguments).args(["--config", "deploy/kustomize/suture.yaml"]);
    command
}

#[test]
fn the_rights_are_what_suture_rbac_prints_for_the_configuration() {
    let root = as_in_the_pod();
    let printed = output(&mut suture(root.path(), &["rbac"]));
    assert_eq!(read("deploy/kustomize/rbac.yaml").trim(), printed.trim(), "`make deploy-rbac` makes it anew");
}

#[test]
fn the_configuration_is_good_and_only_observes() {
    let root = as_in_the_pod();
    let checked = output(&mut suture(root.path(), &["check", "--output", "json"]));
    let checked: Value = serde_json::from_str(&checked).unwrap();
    let checked = &checked["report"];
    assert_eq!(checked["errors"], json!([]));
    assert_eq!(checked["policies"][0]["name"], "volsync");
    assert_eq!(checked["policies"][0]["mode"], "observe");
    // What only settings need that are not set is not asked for.
    assert_eq!(checked["policies"][0]["notGranted"], json!([]));
    assert_eq!(checked["warnings"], json!([]));
}

#[test]
fn what_a_setting_needs_is_asked_for_with_the_setting() {
    let root = as_in_the_pod();
    let file = root.path().join(FOLDER).join("suture.yaml");
    let config = std::fs::read_to_string(&file).unwrap().replace(
        "  mode: observe",
        "  settings: {unlock: job, unlockJob: {image: 'restic/restic:0.18.1'}}\n  mode: observe",
    );
    std::fs::write(&file, config).unwrap();
    let checked: Value =
        serde_json::from_str(&output(&mut suture(root.path(), &["check", "--output", "json"]))).unwrap();
    let expected = ["get jobs.batch", "create jobs.batch", "delete jobs.batch"];
    assert_eq!(checked["report"]["policies"][0]["notGranted"], json!(expected));
}

#[test]
fn a_changed_configuration_rolls_the_deployment() {
    let copy = tempfile::tempdir().unwrap();
    let build = || {
        let kubectl = suture_envtest::program("kubectl").unwrap();
        let built = output(Command::new(kubectl).arg("kustomize").arg(copy.path()));
        let name = of_kind(&built, "ConfigMap")["metadata"]["name"].clone();
        let volumes = of_kind(&built, "Deployment")["spec"]["template"]["spec"]["volumes"].clone();
        let mounted = volumes.as_array().unwrap().iter().find(|volume| volume["name"] == "config").unwrap();
        assert_eq!(mounted["projected"]["sources"][0]["configMap"]["name"], name);
        name
    };
    for file in std::fs::read_dir(repository(FOLDER)).unwrap().map(Result::unwrap) {
        if file.path().is_file() {
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
    }
    let before = build();
    let config = read("deploy/kustomize/suture.yaml").replace("mode: observe", "mode: enforce");
    std::fs::write(copy.path().join("suture.yaml"), config).unwrap();
    assert_ne!(before, build());
}

/// The API server takes every object, and lets the pod into a namespace that admits
/// restricted pods only.
#[tokio::test]
async fn the_host_is_applied_and_its_pod_admitted() {
    let plane = ControlPlane::shared();
    let built = kustomized(FOLDER);
    // Roles stand where the grants are, so that namespace must be there.
    plane.apply("{apiVersion: v1, kind: Namespace, metadata: {name: media}}").await.unwrap();
    plane.apply(&built).await.unwrap();
    let client = plane.client().unwrap();
    let pods: Api<Pod> = Api::namespaced(client.clone(), "suture");
    let of_suture = ListParams::default().labels("app.kubernetes.io/name=suture");
    let pod = found(PATIENCE, async || pods.list(&of_suture).await.ok()?.items.pop()).await;
    let deployments: Api<Deployment> = Api::namespaced(client, "suture");
    let Some(pod) = pod else {
        panic!("no pod: {:?}", deployments.get("suture").await.unwrap().status);
    };
    assert_eq!(pod.spec.unwrap().service_account_name.as_deref(), Some("suture"));

    // That it was let in means something: others are not.
    let careless = serde_json::from_value(json!({"metadata": {"name": "careless"},
        "spec": {"containers": [{"name": "careless", "image": "careless"}]}}));
    let refused = pods.create(&PostParams::default(), &careless.unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("violates PodSecurity \"restricted"), "{refused}");
}

#[test]
fn kustomize_leaves_the_rights_as_they_are() {
    // It renames what a generated name stands for, in resourceNames as well.
    let role = |kind: &Value| ["Role", "ClusterRole"].contains(&kind.as_str().unwrap());
    let rules = |yaml: &str| -> BTreeSet<String> {
        let roles = documents(yaml).into_iter().filter(|document| role(&document["kind"]));
        roles.map(|role| format!("{} {}", role["metadata"]["namespace"], role["rules"])).collect()
    };
    assert_eq!(rules(&kustomized(FOLDER)), rules(&read("deploy/kustomize/rbac.yaml")));
}

#[test]
fn every_object_names_its_namespace() {
    // The transformer `namespace:` is not used: it would move the Roles of other namespaces.
    for document in documents(&kustomized(FOLDER)) {
        let kind = document["kind"].as_str().unwrap();
        let without = ["Namespace", "ClusterRole", "ClusterRoleBinding"].contains(&kind);
        assert_eq!(document["metadata"]["namespace"].is_null(), without, "{kind}");
    }
}

#[test]
fn ports_probes_and_selectors_fit_together() {
    let built = kustomized(FOLDER);
    let deployment = of_kind(&built, "Deployment");
    let template = &deployment["spec"]["template"];
    let container = &template["spec"]["containers"][0];
    let listens = of_kind(&built, "ConfigMap")["data"]["suture.yaml"].as_str().unwrap().to_owned();
    let ports = container["ports"].as_array().unwrap();
    let service = of_kind(&built, "Service");
    assert_eq!(service["spec"]["selector"], template["metadata"]["labels"]);
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], template["metadata"]["labels"]);
    let policies = documents(&built).into_iter().filter(|document| document["kind"] == "NetworkPolicy");
    let policies: Vec<_> = policies.map(|policy| policy["spec"].clone()).collect();
    assert_eq!(policies.len(), 3, "one for each address, one for what the host reaches");
    for policy in &policies {
        assert_eq!(policy["podSelector"]["matchLabels"], template["metadata"]["labels"]);
    }
    for port in ports {
        assert!(listens.contains(&format!("0.0.0.0:{}", port["containerPort"])), "{port}");
        let all = service["spec"]["ports"].as_array().unwrap();
        assert!(all.iter().any(|one| one["targetPort"] == port["name"]), "{port}");
        let name = port["name"].as_str().unwrap();
        assert!(policies.iter().any(|policy| policy["ingress"].to_string().contains(name)), "{port}");
    }
    for (probe, path) in
        [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
    {
        assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "admin"}));
    }
    assert_eq!(deployment["spec"]["strategy"]["type"], "Recreate");
    assert!(template["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap() >= 30);
}
