//! Modules that must be accepted before they work.

use std::fs;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::guest;
use crate::{GRACE, digest, put, with};

#[tokio::test]
async fn a_module_that_differs_waits_until_it_is_accepted_even_over_a_restart() {
    let harness = with(1, ", backtest: {runs: 10}").await;
    harness.fire("plex").await;
    harness.ended(1).await;
    let (old, new) = (guest::component(1), guest::component(7));
    put(harness.dir.path(), "demo.wasm", &new);
    let waits = |policy: &Value| policy["candidate"]["backtest"].is_object();
    let status = harness.until("/api/v1/policies/demo", waits).await;
    assert_eq!(
        (&status["digest"], &status["candidate"]["digest"]),
        (&json!(digest(&old)), &json!(digest(&new)))
    );
    assert_eq!(status["candidate"]["backtest"]["compared"], 1, "{status:#}");
    assert_eq!(status["candidate"]["backtest"]["differences"].as_array().unwrap().len(), 1);

    let harness = harness.restart(GRACE).await;
    let status = harness.until("/api/v1/policies/demo", waits).await;
    assert_eq!(status["digest"], digest(&old).as_str(), "{status:#}");
    let (code, error) = harness.tell("/policies/demo/accept", json!({"digest": digest(&old)})).await;
    assert_eq!(code, StatusCode::CONFLICT, "{error}");
    let (code, status) = harness.tell("/policies/demo/accept", json!({"digest": digest(&new)})).await;
    assert_eq!((code, &status["digest"]), (StatusCode::OK, &json!(digest(&new))));
    assert!(status["candidate"].is_null());
    let (code, _) = harness.tell("/policies/demo/accept", json!({"digest": digest(&new)})).await;
    assert_eq!(code, StatusCode::CONFLICT);
    assert_eq!(harness.tell("/policies/none/accept", json!({"digest": "x"})).await.0, StatusCode::NOT_FOUND);
    let harness = harness.restart(GRACE).await;
    assert_eq!(harness.policy().await["digest"], digest(&new).as_str());
}

#[tokio::test]
async fn where_nobody_knows_what_worked_before_a_module_that_differs_still_waits() {
    let harness = with(1, ", backtest: {runs: 10}").await;
    harness.fire("plex").await;
    harness.ended(1).await;
    let new = guest::component(7);
    let slot = harness.dir.path().join("state/modules/kept/demo/slot.json");
    let harness = harness
        .restart_after(|dir| {
            fs::write(&slot, "{").unwrap();
            put(dir, "demo.wasm", &new);
        })
        .await;
    let waits = |policy: &Value| policy["candidate"]["backtest"].is_object();
    let status = harness.until("/api/v1/policies/demo", waits).await;
    assert!(status["digest"].is_null(), "{status:#}");
    let (code, status) = harness.tell("/policies/demo/accept", json!({"digest": digest(&new)})).await;
    assert_eq!((code, &status["digest"]), (StatusCode::OK, &json!(digest(&new))));
    assert!(status["error"].is_null(), "{status:#}");
}

#[tokio::test]
async fn with_warn_a_module_that_differs_is_put_to_work() {
    let harness = with(1, ", backtest: {onDifference: warn}").await;
    harness.fire("plex").await;
    harness.ended(1).await;
    let new = guest::component(7);
    put(harness.dir.path(), "demo.wasm", &new);
    harness.until_works(&new).await;
}
