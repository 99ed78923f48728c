//! `deploy/examples`: what an API server that knows the definitions of others takes.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use suture_envtest::ControlPlane;

use crate::{documents, output, read, repository};

/// The YAML files of a folder and those below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "yaml") {
            found.push(entry);
        }
    }
    found.sort();
    found
}

/// The objects of all examples; the other files hold values of charts.
fn objects() -> Vec<Value> {
    let texts =
        files(&repository("deploy/examples")).into_iter().map(|file| std::fs::read_to_string(file).unwrap());
    let is_object = |document: &Value| document["kind"].is_string() && document["apiVersion"].is_string();
    texts.flat_map(|text| documents(&text)).filter(is_object).collect()
}

#[tokio::test]
async fn the_objects_of_the_examples_are_valid() {
    let plane = ControlPlane::shared();
    for file in files(&repository("tests/fixtures/examples")) {
        plane.apply(&std::fs::read_to_string(file).unwrap()).await.unwrap();
    }
    let mut applied = 0;
    for object in objects() {
        // This one is read by kustomize, and by no API server.
        if object["apiVersion"].as_str().unwrap().starts_with("kustomize.config.k8s.io/") {
            continue;
        }
        if let Some(namespace) = object["metadata"]["namespace"].as_str() {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            plane.apply(&namespace.to_string()).await.unwrap();
        }
        plane.apply(&object.to_string()).await.unwrap();
        applied += 1;
    }
    assert!(applied >= 12, "{applied} objects");
}

#[test]
fn alertmanager_takes_the_routes_for_kube_prometheus_stack_and_people_are_told_too() {
    let text = read("deploy/examples/kube-prometheus-stack/values.yaml");
    let mut config = documents(&text)[0]["alertmanager"]["config"].clone();
    // Templates are in the chart's pod.
    config["templates"] = json!([]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alertmanager.yaml");
    // JSON is YAML.
    std::fs::write(&file, config.to_string()).unwrap();
    output(Command::new("amtool").arg("check-config").arg(&file));
    for (alertname, told) in [
        ("VolSyncVolumeOutOfSync", "suture,people"),
        ("Watchdog", "null"),
        ("SutureDrill", "suture,null"),
        ("SutureEscalation", "people"),
        ("KubePodCrashLooping", "people"),
    ] {
        let file = format!("--config.file={}", file.display());
        let alertname = format!("alertname={alertname}");
        let routes = output(Command::new("amtool").args(["config", "routes", "test", &file, &alertname]));
        assert_eq!(routes.trim(), told, "{alertname}");
    }
}
