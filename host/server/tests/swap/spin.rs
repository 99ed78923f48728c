//! A policy that spins beside one that does not.

use std::fs;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{guest, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_alerts_for_a_policy_that_spins_keep_no_other_policy_waiting() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("demo.wasm"), guest::component(1)).unwrap();
    fs::write(dir.path().join("spin.wasm"), guest::spinning()).unwrap();
    let policy =
        |name| format!("- {{name: {name}, source: {{file: {name}.wasm}}, mode: enforce, confirm: none}}\n");
    let budgets = "budgets: {storm: 1000, runsPerHour: 1000}\npolicies:\n";
    let harness = start(dir, &format!("{budgets}{}{}", policy("spin"), policy("demo"))).await;
    let alerts: Vec<Value> = (0..100)
        .map(|number| {
            json!({"status": "firing", "labels": {"alertname": "Spin", "name": format!("spin-{number}")},
                "startsAt": "2026-11-22T04:10:00Z", "endsAt": "0001-01-01T00:00:00Z"})
        })
        .collect();
    let (status, answer) =
        harness.post("/hooks", json!({"version": "4", "alerts": alerts}).to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let of = |seen: &Value, policy: &str, state: &str| {
        let is = |run: &&Value| run["policy"] == policy && (state.is_empty() || run["state"] == state);
        seen["items"].as_array().into_iter().flatten().filter(is).count()
    };
    let runs = "/api/v1/runs?limit=1000";
    harness.until(runs, |seen| of(seen, "spin", "") >= 16).await;
    let before = of(&harness.get(runs).await.1, "spin", "ended");
    harness.fire("plex").await;
    let seen = harness.until(runs, |seen| of(seen, "demo", "ended") == 1).await;
    let meanwhile = of(&seen, "spin", "ended") - before;
    assert!(meanwhile < 25, "{meanwhile} of those that spin ended first");
}
