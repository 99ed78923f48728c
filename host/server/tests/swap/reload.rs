//! A configuration that changes.

use serde_json::{Value, json};

use crate::harness::{demo, guest};
use crate::{FILE, put, with};

#[tokio::test]
async fn settings_are_reloaded_and_only_if_they_fit() {
    let harness = with(1, ", settings: {pause: 1}").await;
    harness.configure(&demo(FILE, ", settings: {pause: 2}"));
    harness.until("/api/v1/policies/demo", |policy| policy["settings"]["pause"] == 2).await;
    harness.configure(&demo(FILE, ", settings: {pause: soon}, limits: {deadline: 1h}"));
    let config = harness.until("/api/v1/config", |config| config["errors"][0].is_string()).await;
    assert!(config["errors"][0].as_str().unwrap().contains("suture.yaml:7:"), "{config}");
    assert_eq!(harness.policy().await["settings"]["pause"], 2);
    let metrics = harness.metrics().await;
    assert!(metrics.contains("suture_config_reloads_total{result=\"refused\"}"), "{metrics}");
    assert!(metrics.contains("suture_config_last_reload_successful 0"), "{metrics}");
    harness.configure("policies: [");
    harness
        .until("/api/v1/config", |config| {
            config["errors"][0].as_str().is_some_and(|why| !why.contains("pause"))
        })
        .await;
    harness.configure(&demo(FILE, ", settings: {pause: 3}"));
    let config = harness.until("/api/v1/config", |config| config["errors"] == json!([])).await;
    assert_eq!(config["afterRestart"], json!([]));
    assert_eq!(harness.policy().await["settings"]["pause"], 3);
}

#[tokio::test]
async fn a_policy_comes_and_goes_with_the_configuration_and_what_needs_a_restart_is_said() {
    let harness = with(1, "").await;
    put(harness.dir.path(), "other.wasm", &guest::named("other", "pause", 1));
    harness.configure("budgets: {concurrentRuns: 3}\npolicies:\n- {name: other, source: {file: other.wasm}, confirm: none}\n");
    let names = |seen: &Value| -> Vec<String> {
        let items = seen["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    harness.until("/api/v1/policies", |seen| names(seen) == ["other"]).await;
    let metrics = harness.metrics().await;
    assert!(metrics.contains("suture_policy_error{policy=\"other\"} 0"), "{metrics}");
    assert!(!metrics.contains("suture_policy_error{policy=\"demo\"}"), "{metrics}");
    let config = harness.until("/api/v1/config", |config| config["afterRestart"] != json!([])).await;
    assert_eq!(config["afterRestart"], json!(["budgets"]), "{config}");
    // What is put back is what runs.
    let file = harness.dir.path().join("suture.yaml");
    let before = std::fs::read_to_string(file).unwrap().replace("budgets: {concurrentRuns: 3}\n", "");
    put(harness.dir.path(), "suture.yaml", before.as_bytes());
    harness.until("/api/v1/config", |config| config["afterRestart"] == json!([])).await;
}

#[tokio::test]
async fn settings_and_the_module_that_they_are_for_may_come_in_any_order() {
    let harness = with(1, ", settings: {pause: 1}").await;
    harness.configure(&demo(FILE, ", settings: {rest: 1}"));
    harness.until("/api/v1/config", |config| config["errors"][0].is_string()).await;
    let newer = guest::named("demo", "rest", 1);
    put(harness.dir.path(), "demo.wasm", &newer);
    harness.until_works(&newer).await;
    harness.until("/api/v1/config", |config| config["errors"] == json!([])).await;
    assert_eq!(harness.policy().await["settings"]["rest"], 1);
}
