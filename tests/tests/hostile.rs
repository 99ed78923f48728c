//! The attacker on a real API server, under a ServiceAccount with what `suture rbac` prints:
//! each scenario of `tests/hostile` is an attack, and must end there as on the simulated cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use suture_envtest::ControlPlane;
use suture_runtime::Compiler;
use suture_server::{ServeOptions, Server};
use suture_tests::process::eventually;

const PATIENCE: Duration = Duration::from_secs(120);
/// What a template is compared with is filled with defaults there; `--test run_cronjob` copies
/// one that it has read.
const NOT_HERE: [&str; 2] = [
    "a template of a CronJob that the grant names passes, and no other does",
    "what a CronJob runs already passes without the grant's naming it where it needs no more than the standard baseline and the lists",
];
/// Namespaces of the scenarios that are made anew for each.
const NAMESPACES: [&str; 2] = ["media", "work"];

/// One attack, as a scenario says it.
struct Attack {
    name: String,
    given: Value,
    outcome: String,
}

fn attacks() -> anyhow::Result<Vec<Attack>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("hostile/scenarios");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    let mut attacks = Vec::new();
    for file in files {
        for scenario in serde_saphyr::from_multiple::<Value>(&std::fs::read_to_string(&file)?)? {
            let text = |pointer: &str| scenario.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            if NOT_HERE.contains(&text("/name")) {
                continue;
            }
            attacks.push(Attack {
                name: text("/name").to_owned(),
                given: scenario["given"].clone(),
                outcome: text("/then/outcome").to_owned(),
            });
        }
    }
    Ok(attacks)
}

/// Every text that names one of the scenario's namespaces, with the real one in its place.
fn moved(value: &mut Value, to: &BTreeMap<&str, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = to.get(text.as_str()) {
                text.clone_from(name);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| moved(item, to)),
        Value::Object(fields) => fields.values_mut().for_each(|value| moved(value, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Put an attack's objects there; how its policy is configured.
async fn prepare(
    plane: &ControlPlane,
    number: usize,
    attack: &Attack,
    component: &Path,
) -> anyhow::Result<Value> {
    let mut given = attack.given.clone();
    let mut names = BTreeMap::new();
    for namespace in NAMESPACES {
        names.insert(namespace, plane.namespace(namespace).await?);
    }
    moved(&mut given, &names);
    for object in given["objects"].as_array().into_iter().flatten() {
        if object["metadata"]["name"] != "kube-system" {
            plane.apply(&object.to_string()).await.with_context(|| attack.name.clone())?;
        }
    }
    Ok(json!({
        "name": format!("attack-{number}"),
        "source": {"file": component},
        "mode": given["mode"],
        "confirm": "none",
        "match": [format!("alertname=\"Attack{number}\"")],
        "settings": given["settings"],
        "grants": given["grants"],
        "retry": {"attempts": 1},
    }))
}

#[tokio::test]
async fn no_attack_goes_through_on_a_real_api_server() -> anyhow::Result<()> {
    let plane = ControlPlane::shared();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let component = suture_build::build(&root.join("hostile"), None, &suture_build::Silent)?.path;
    let attacks = attacks()?;
    ensure!(attacks.len() >= 15, "where are the attacks?");
    let own = plane.namespace("suture").await?;
    let kubeconfig = plane.service_account(&own, "suture").await?;
    let mut policies = Vec::new();
    for (number, attack) in attacks.iter().enumerate() {
        policies.push(prepare(plane, number, attack, &component).await?);
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("suture.yaml");
    let config = json!({
        "listen": "127.0.0.1:0",
        "admin": {"listen": "127.0.0.1:0"},
        "storage": {"path": "state"},
        "cluster": {"live": {"kubeconfig": kubeconfig, "namespace": own}},
        "policies": policies,
    });
    // JSON is YAML.
    std::fs::write(&file, config.to_string())?;
    let rbac = suture_server::rbac(&file, Some(own), Some("suture".to_owned()), Compiler::InProcess).await;
    let rbac = rbac.map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    plane.apply(&rbac.needs.roles(&rbac.installation).yaml()).await?;
    let options = ServeOptions::new(
        Arc::new(|_: &Path, _: f64| Err("this cluster is live".to_owned())),
        Compiler::InProcess,
    );
    let server = Server::start(&file, options).await?;
    let alerts: Vec<_> = (0..attacks.len())
        .map(|number| {
            let labels =
                json!({"alertname": format!("Attack{number}"), "obj_namespace": "media", "obj_name": "plex"});
            json!({"status": "firing", "labels": labels, "startsAt": Timestamp::now().to_string()})
        })
        .collect();
    let url = format!("http://{}/hooks", server.webhook_addr());
    let client = reqwest::Client::new();
    client.post(url).json(&json!({"version": "4", "alerts": alerts})).send().await?.error_for_status()?;
    let url = format!("http://{}/api/v1/runs?limit=200", server.admin_addr());
    let mut runs: Vec<Value> = Vec::new();
    let are_over = async || {
        let Ok(answer) = client.get(&url).send().await else { return false };
        let answer: Value = answer.json().await.unwrap_or_default();
        runs = answer["items"].as_array().cloned().unwrap_or_default();
        runs.len() >= attacks.len() && runs.iter().all(|run| run["state"] == "ended")
    };
    ensure!(eventually(PATIENCE, are_over).await, "{} of {} runs: {runs:#?}", runs.len(), attacks.len());
    let mut wrong = Vec::new();
    for (number, attack) in attacks.iter().enumerate() {
        let run = runs.iter().find(|run| run["policy"] == format!("attack-{number}")).context("no run")?;
        if run["outcome"] != attack.outcome {
            wrong.push(format!(
                "{}: {} instead of {}: {}",
                attack.name, run["outcome"], attack.outcome, run["summary"]
            ));
        }
    }
    server.stop(Duration::from_secs(5)).await;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
