//! Modules that must be accepted before they work.

use std::fs;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::bed::guest;
use crate::{GRACE, digest, put, with};

#[tokio::test]
async fn a_module_that_differs_waits_until_it_is_accepted_even_over_a_restart() {
    let bed = with(1, ", backtest: {runs: 10}").await;
    bed.fire("plex").await;
    bed.ended(1).await;
    let (old, new) = (guest::component(1), guest::component(7));
    put(bed.dir.path(), "demo.wasm", &new);
    let waits = |policy: &Value| policy["candidate"]["backtest"].is_object();
    let status = bed.until("/api/v1/policies/demo", waits).await;
    assert_eq!(
        (&status["digest"], &status["candidate"]["digest"]),
        (&json!(digest(&old)), &json!(digest(&new)))
    );
    assert_eq!(status["candidate"]["backtest"]["compared"], 1, "{status:#}");
    assert_eq!(status["candidate"]["backtest"]["differences"].as_array().unwrap().len(), 1);

    let bed = bed.restart(GRACE).await;
    let status = bed.until("/api/v1/policies/demo", waits).await;
    assert_eq!(status["digest"], digest(&old).as_str(), "{status:#}");
    let (code, error) = bed.tell("/policies/demo/accept", json!({"digest": digest(&old)})).await;
    assert_eq!(code, StatusCode::CONFLICT, "{error}");
    let (code, status) = bed.tell("/policies/demo/accept", json!({"digest": digest(&new)})).await;
    assert_eq!((code, &status["digest"]), (StatusCode::OK, &json!(digest(&new))));
    assert!(status["candidate"].is_null());
    let (code, _) = bed.tell("/policies/demo/accept", json!({"digest": digest(&new)})).await;
    assert_eq!(code, StatusCode::CONFLICT);
    assert_eq!(bed.tell("/policies/none/accept", json!({"digest": "x"})).await.0, StatusCode::NOT_FOUND);
    let bed = bed.restart(GRACE).await;
    assert_eq!(bed.policy().await["digest"], digest(&new).as_str());
}

#[tokio::test]
async fn where_nobody_knows_what_worked_before_a_module_that_differs_still_waits() {
    let bed = with(1, ", backtest: {runs: 10}").await;
    bed.fire("plex").await;
    bed.ended(1).await;
    let new = guest::component(7);
    let slot = bed.dir.path().join("state/modules/kept/demo/slot.json");
    let bed = bed
        .restart_after(|dir| {
            fs::write(&slot, "{").unwrap();
            put(dir, "demo.wasm", &new);
        })
        .await;
    let waits = |policy: &Value| policy["candidate"]["backtest"].is_object();
    let status = bed.until("/api/v1/policies/demo", waits).await;
    assert!(status["digest"].is_null(), "{status:#}");
    let (code, status) = bed.tell("/policies/demo/accept", json!({"digest": digest(&new)})).await;
    assert_eq!((code, &status["digest"]), (StatusCode::OK, &json!(digest(&new))));
    assert!(status["error"].is_null(), "{status:#}");
}

#[tokio::test]
async fn with_warn_a_module_that_differs_is_put_to_work() {
    let bed = with(1, ", backtest: {onDifference: warn}").await;
    bed.fire("plex").await;
    bed.ended(1).await;
    let new = guest::component(7);
    put(bed.dir.path(), "demo.wasm", &new);
    bed.until_works(&new).await;
}
