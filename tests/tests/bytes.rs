//! What people post is bounded in bytes: the real host, its memory as the kernel counts it.

use std::time::Duration;

use anyhow::ensure;
use axum::body::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use reqwest::{Client, StatusCode};
use serde_json::json;
use suture_tests::host::Host;
use suture_tests::process::eventually;

const PATIENCE: Duration = Duration::from_secs(120);
const MIB: u64 = 1 << 20;

/// A host that hears of nothing, on an empty cluster.
async fn host(folder: &tempfile::TempDir, more: &str) -> anyhow::Result<Host> {
    std::fs::write(
        folder.path().join("empty.yaml"),
        "name: empty\ngiven: {now: 2026-11-22T04:10:00Z, objects: []}\nwhen: [{alert: {labels: {alertname: Nothing}}}]\nthen: {}\n",
    )?;
    let config = format!("cluster: {{simulated: {{scenario: empty.yaml}}}}\n{more}");
    let mut host = Host::start_anywhere(folder.path(), &config)?;
    host.listens().await?;
    host.until(200, "").await?;
    Ok(host)
}

/// A notification of about so many bytes, of alerts as small as can be: what takes the most
/// memory of what is read as values.
fn crumbs(bytes: usize) -> Vec<u8> {
    let alert = r#"{"status":"firing","labels":{},"startsAt":"2026-11-22T04:10:00Z"}"#;
    let alerts = vec![alert; bytes / (alert.len() + 1)].join(",");
    format!(r#"{{"alerts":[{alerts}]}}"#).into_bytes()
}

/// How many notifications wait to be routed; none where the host does not say.
async fn inbox(host: &Host) -> Option<u64> {
    let metrics = host.get("/metrics").await?.1;
    let line = metrics.lines().find_map(|line| line.strip_prefix("suture_inbox_notifications "))?;
    line.parse().ok()
}

#[tokio::test]
async fn four_hundred_posts_of_four_mebibytes_at_once_stay_under_400_mebibytes() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let host = host(&folder, "").await?;
    let client = Client::new();
    let url = format!("http://{}/hooks", host.webhook);
    let body = Bytes::from(crumbs(4 * MIB as usize - 1000));
    let posts: FuturesUnordered<_> = (0..400)
        .map(|_| client.post(&url).header("content-type", "application/json").body(body.clone()).send())
        .collect();
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    for answer in posts.collect::<Vec<_>>().await {
        match answer {
            Ok(answer) if answer.status() == StatusCode::OK => accepted += 1,
            Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => {
                ensure!(answer.headers().contains_key("retry-after"), "it says nothing of later");
                refused += 1;
            }
            Ok(answer) => anyhow::bail!("{}: {}", answer.status(), answer.text().await?),
            // It is answered before the whole is sent, and the rest is not read.
            Err(_) => refused += 1,
        }
    }
    let peak = host.peak_memory()?;
    println!("accepted {accepted}, refused {refused}, peak {} MiB", peak / MIB);
    ensure!(accepted > 0 && accepted + refused == 400, "{accepted} {refused}");
    ensure!(peak < 400 * MIB, "{} MiB", peak / MIB);
    // Two million alerts are not waited for: those of some notifications are.
    let is_routing = async || inbox(&host).await.is_some_and(|waiting| waiting + 2 <= accepted);
    ensure!(eventually(PATIENCE, is_routing).await, "{:?} wait\n{}", inbox(&host).await, host.log());
    let peak = host.peak_memory()?;
    ensure!(peak < 400 * MIB, "routing took {} MiB", peak / MIB);
    // It goes on as if nothing had been.
    let small =
        json!({"alerts": [{"status": "firing", "labels": {"a": "b"}, "startsAt": "2026-11-22T04:10:00Z"}]});
    ensure!(host.post("/hooks", &small).await? == 200, "{}", host.log());
    Ok(())
}
