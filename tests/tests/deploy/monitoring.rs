//! `deploy/kustomize/monitoring` and `deploy/alertmanager`: what Prometheus, Alertmanager
//! and the Prometheus operator read.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use suture_envtest::ControlPlane;

use crate::{documents, kustomized, output, read, repository};

const FOLDER: &str = "deploy/kustomize/monitoring";

#[tokio::test]
async fn what_the_prometheus_operator_reads_is_valid() {
    let plane = ControlPlane::shared();
    for name in ["alertmanagerconfigs", "prometheusrules", "servicemonitors"] {
        let definition = read(&format!("tests/fixtures/monitoring/monitoring.coreos.com_{name}.yaml"));
        plane.apply(&definition).await.unwrap();
    }
    plane.apply("{apiVersion: v1, kind: Namespace, metadata: {name: suture}}").await.unwrap();
    plane.apply(&kustomized(FOLDER)).await.unwrap();
}

/// The rules as Prometheus reads them, in a file.
fn rules(folder: &tempfile::TempDir) -> PathBuf {
    let groups: Vec<Value> = documents(&kustomized(FOLDER))
        .into_iter()
        .filter(|document| document["kind"] == "PrometheusRule")
        .flat_map(|document| document["spec"]["groups"].as_array().cloned().unwrap())
        .collect();
    let file = folder.path().join("rules.yaml");
    // JSON is YAML.
    std::fs::write(&file, json!({"groups": groups}).to_string()).unwrap();
    file
}

#[test]
fn prometheus_takes_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    output(Command::new("promtool").args(["check", "rules"]).arg(rules(&folder)));
}

#[test]
fn each_rule_fires_when_it_should_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rules(&folder);
    let tests = folder.path().join("tests.yaml");
    std::fs::copy(repository("tests/tests/deploy/rules-tests.yaml"), &tests).unwrap();
    output(Command::new("promtool").args(["test", "rules"]).arg(&tests));

    // And none is left out there.
    let (rules, tests) = (std::fs::read_to_string(rules).unwrap(), std::fs::read_to_string(tests).unwrap());
    let rules: Value = serde_json::from_str(&rules).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    for rule in groups.iter().flat_map(|group| group["rules"].as_array().unwrap()) {
        let alert = rule["alert"].as_str().unwrap();
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} has no test");
    }
}

#[test]
fn each_alert_has_a_runbook_and_each_runbook_is_of_an_alert() {
    let rules = documents(&read(&format!("{FOLDER}/suture-rules.yaml")));
    let index = read("docs/runbooks/README.md");
    let mut pages = vec!["README.md".to_owned()];
    for rule in rules[0]["spec"]["groups"][0]["rules"].as_array().unwrap() {
        let alert = rule["alert"].as_str().unwrap();
        let url = rule["annotations"]["runbook_url"].as_str().unwrap();
        assert!(url.ends_with(&format!("/docs/runbooks/{alert}.md")), "{alert}: {url}");
        let page = read(&format!("docs/runbooks/{alert}.md"));
        assert!(page.starts_with(&format!("# {alert}\n")), "{alert}");
        for heading in ["What it means", "What to look at", "What to do", "When it is no problem"] {
            assert!(page.contains(&format!("\n## {heading}\n")), "{alert}: {heading}");
        }
        assert!(index.contains(&format!("| [{alert}]({alert}.md) |")), "the index lacks {alert}");
        pages.push(format!("{alert}.md"));
    }
    assert!(pages.len() > 20, "{pages:?}");
    for file in std::fs::read_dir(repository("docs/runbooks")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(pages.contains(&name), "docs/runbooks/{name} is of no alert");
    }
}

/// Where an alert goes under the receiver that is there to paste.
fn told(alertname: &str) -> String {
    let file = repository("deploy/alertmanager/receiver.yaml");
    let file = format!("--config.file={}", file.display());
    let alertname = format!("alertname={alertname}");
    output(Command::new("amtool").args(["config", "routes", "test", &file, &alertname])).trim().to_owned()
}

#[test]
fn alertmanager_takes_the_receiver_and_people_are_told_too() {
    output(Command::new("amtool").arg("check-config").arg(repository("deploy/alertmanager/receiver.yaml")));
    assert_eq!(told("VolSyncVolumeOutOfSync"), "suture,people");
    assert_eq!(told("Watchdog"), "people");
}

#[test]
fn both_receivers_say_the_same() {
    let plain = &documents(&read("deploy/alertmanager/receiver.yaml"))[0];
    let operated = &documents(&read("deploy/kustomize/monitoring/alertmanagerconfig.yaml"))[0]["spec"];
    let (webhook, same) =
        (&plain["receivers"][1]["webhook_configs"][0], &operated["receivers"][0]["webhookConfigs"][0]);
    assert_eq!(webhook["url"], same["url"]);
    assert_eq!((&webhook["send_resolved"], &same["sendResolved"]), (&json!(true), &json!(true)));
    assert_eq!((&webhook["max_alerts"], &same["maxAlerts"]), (&json!(0), &json!(0)));
    let (route, same) = (&plain["route"]["routes"][0], &operated["route"]);
    assert_eq!((&route["continue"], &same["continue"]), (&json!(true), &json!(true)));
    for (key, other) in [
        ("receiver", "receiver"),
        ("group_by", "groupBy"),
        ("group_wait", "groupWait"),
        ("group_interval", "groupInterval"),
        ("repeat_interval", "repeatInterval"),
    ] {
        assert_eq!(route[key], same[other], "{key}");
    }
}
