//! The commands about a running host, as an operator gives them: `suture sweep`, and
//! `suture policies` from a newer module that waits until it is accepted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not go on panics"
)]

#[path = "../../host/server/tests/harness/guest.rs"]
#[allow(dead_code, reason = "only a part is used here")]
mod guest;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use suture_tests::command::{refuses, shows};
use suture_tests::host::Host;
use suture_tests::process::eventually;

const PATIENCE: Duration = Duration::from_secs(60);
/// Two alerts fire, and one of them is for the policy.
const CLUSTER: &str = "
name: what fires
given: {now: 2026-11-22T04:10:30Z}
when:
- alert: {labels: {alertname: Demo, name: plex}}
- alert: {labels: {alertname: Other, name: plex}}
";

/// A host whose cluster's hours are minutes.
async fn host(dir: &Path, more: &str) -> Host {
    std::fs::write(dir.join("cluster.yaml"), CLUSTER).unwrap();
    put(dir, &guest::component(1));
    let config = format!(
        "cluster: {{simulated: {{scenario: cluster.yaml, speed: 60}}}}\npolicies:\n\
         - {{name: demo, source: {{file: demo.wasm}}, mode: enforce{more}}}\n"
    );
    let host = Host::start(dir, &config).unwrap();
    host.until(200, "").await.unwrap();
    host
}

fn put(dir: &Path, bytes: &[u8]) {
    std::fs::write(dir.join(".new"), bytes).unwrap();
    std::fs::rename(dir.join(".new"), dir.join("demo.wasm")).unwrap();
}

async fn ended(host: &Host, runs: usize) {
    let path = "/api/v1/runs?state=ended";
    let there = eventually(PATIENCE, async || {
        host.json(path).await["items"].as_array().is_some_and(|items| items.len() >= runs)
    });
    assert!(there.await, "{:#}\n{}", host.json(path).await, host.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fires_is_swept_and_a_module_that_differs_is_looked_at_and_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let host = host(dir, ", backtest: {runs: 10}").await;

    shows(
        dir,
        &["sweep", "demo", "--dry-run"],
        &[
            "would be accepted  {alertname=\"Demo\", name=\"plex\"}",
            "2 alerts fire, 1 of them for policy `demo`",
        ],
    )
    .await
    .unwrap();
    assert_eq!(host.json("/api/v1/incidents").await["items"], Value::Array(Vec::new()));
    shows(dir, &["sweep", "demo"], &["1 accepted"]).await.unwrap();
    ended(&host, 1).await;
    shows(dir, &["sweep", "demo"], &["is handled already", "0 accepted"]).await.unwrap();
    refuses(dir, &["sweep", "none"], "there is no policy `none`").await.unwrap();

    shows(dir, &["policies", "list"], &["demo", "works"]).await.unwrap();
    refuses(dir, &["policies", "accept", "demo@sha256:0123456789ab"], "no module of policy `demo` waits")
        .await
        .unwrap();
    put(dir, &guest::component(7));
    let mut candidate = Value::Null;
    let waits = eventually(PATIENCE, async || {
        candidate = host.json("/api/v1/policies/demo").await["candidate"].clone();
        candidate.is_object()
    });
    assert!(waits.await, "{}", host.log());
    let digest = candidate["digest"].as_str().unwrap();
    shows(dir, &["policies", "list"], &["waits to be accepted"]).await.unwrap();
    let accept = format!("suture policies accept demo@{digest}");
    shows(dir, &["policies", "show", "demo"], &["a newer module waits", "≠", &accept]).await.unwrap();
    refuses(dir, &["policies", "accept", "demo@sha256:0123456789ab"], "the module that waits is")
        .await
        .unwrap();
    refuses(dir, &["policies", "accept", "demo"], "NAME@DIGEST").await.unwrap();
    let short = format!("demo@{}", &digest["sha256:".len()..][..12]);
    shows(dir, &["policies", "accept", &short], &["demo works with"]).await.unwrap();
    let shown = shows(dir, &["policies", "show", "demo", "--output", "json"], &[]).await.unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["digest"], &shown["candidate"]), (&Value::from(digest), &Value::Null), "{shown:#}");
    drop(host);
    refuses(dir, &["policies", "list"], "the host does not answer: ").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_its_schedule_a_policy_is_swept_unasked() {
    let dir = tempfile::tempdir().unwrap();
    // Each minute, which is a second here.
    let host = host(dir.path(), r#", sweep: {schedule: "* * * * *"}"#).await;
    ended(&host, 1).await;
    let swept = eventually(PATIENCE, async || {
        let (_, metrics) = host.get("/metrics").await.unwrap_or_default();
        metrics.contains(r#"suture_sweeps_total{policy="demo",result="ok"} 3"#)
    });
    assert!(swept.await, "{}", host.log());
    // It is one incident all the same.
    assert_eq!(host.json("/api/v1/incidents").await["items"].as_array().map(Vec::len), Some(1));
}
