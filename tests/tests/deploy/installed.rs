//! The installation at work: the host as the Deployment starts it, under the rights that
//! are committed, asked what the kubelet, Prometheus and Alertmanager will ask it.

use std::path::Path;

use serde_json::{Value, json};
use suture_envtest::{ControlPlane, free_port};
use suture_tests::process::Process;

use crate::host::{FOLDER, SECRET, as_in_the_pod};
use crate::{documents, kustomized, of_kind, read};

/// The configuration, where addresses and the API server are those of this machine.
fn on_this_machine(root: &Path, kubeconfig: &Path, webhook: u16, admin: u16) {
    let file = root.join(FOLDER).join("suture.yaml");
    let mut config = std::fs::read_to_string(&file).unwrap();
    let live = format!("live: {{namespace: suture, kubeconfig: {}}}", kubeconfig.display());
    for (theirs, ours) in [
        ("listen: 0.0.0.0:8080".to_owned(), format!("listen: 127.0.0.1:{webhook}")),
        ("listen: 0.0.0.0:8081".to_owned(), format!("listen: 127.0.0.1:{admin}")),
        ("/var/lib/suture".to_owned(), root.join("journal").display().to_string()),
        ("live: {namespace: suture}".to_owned(), live),
    ] {
        assert!(config.contains(&theirs), "{theirs} is not in the configuration");
        config = config.replace(&theirs, &ours);
    }
    std::fs::write(file, config).unwrap();
}

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_host_is_ready_and_answers_everyone_who_asks() {
    let plane = ControlPlane::shared();
    plane.apply("{apiVersion: v1, kind: Namespace, metadata: {name: media}}").await.unwrap();
    let built = kustomized(FOLDER);
    plane.apply(&built).await.unwrap();
    let token = plane.token("suture", "suture", 3600).await.unwrap();
    let root = as_in_the_pod();
    let (webhook, admin) = (free_port().unwrap(), free_port().unwrap());
    on_this_machine(root.path(), &plane.kubeconfig_with_token(&token).unwrap(), webhook, admin);

    let container = of_kind(&built, "Deployment")["spec"]["template"]["spec"]["containers"][0].clone();
    let config = root.path().join(FOLDER).join("suture.yaml").display().to_string();
    let arguments: Vec<String> = serde_json::from_value(container["args"].clone()).unwrap();
    let arguments: Vec<_> =
        arguments.iter().map(|one| one.replace("/etc/suture/suture.yaml", &config)).collect();
    let ready = container["readinessProbe"]["httpGet"]["path"].as_str().unwrap();
    let program = suture_tests::host::program().unwrap().display().to_string();
    let log = root.path().join("log");
    let address = format!("http://127.0.0.1:{admin}");
    let _host = Process::start(&program, &arguments, &log, &format!("{address}{ready}")).await.unwrap();

    // No right is missing: else the policy would be held back, and this would say why.
    let client = reqwest::Client::new();
    let policies = client.get(format!("{address}/api/v1/policies")).bearer_auth(SECRET);
    let policies: Value = policies.send().await.unwrap().json().await.unwrap();
    assert_eq!(policies["items"][0]["name"], "volsync");
    assert_eq!(policies["items"][0]["error"], Value::Null, "{policies}");

    // The kubelet.
    let live = container["livenessProbe"]["httpGet"]["path"].as_str().unwrap();
    assert_eq!(status(client.get(format!("{address}{live}"))).await, 200);

    // Prometheus.
    let monitor = &documents(&read("deploy/kustomize/monitoring/servicemonitor.yaml"))[0];
    let metrics = format!("{address}{}", monitor["spec"]["endpoints"][0]["path"].as_str().unwrap());
    assert_eq!(status(client.get(&metrics)).await, 401);
    assert_eq!(status(client.get(&metrics).bearer_auth(SECRET)).await, 200);

    // Alertmanager.
    let receiver = &documents(&read("deploy/alertmanager/receiver.yaml"))[0];
    let url = receiver["receivers"][1]["webhook_configs"][0]["url"].as_str().unwrap();
    let url = url.replace("suture.suture.svc:8080", &format!("127.0.0.1:{webhook}"));
    let nothing = json!({"version": "4", "status": "firing", "receiver": "suture", "alerts": []});
    assert_eq!(status(client.post(&url).json(&nothing)).await, 401);
    assert_eq!(status(client.post(&url).bearer_auth(SECRET).json(&nothing)).await, 200);
}
