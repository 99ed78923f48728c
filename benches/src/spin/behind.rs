//! A run of an honest policy behind a hundred alerts for one that spins, on a whole host: how
//! long its alert waits until the run starts.
#![expect(clippy::disallowed_methods, reason = "what is measured is real time")]

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;
use suture_journal::{Filter, RunRecord, RunState};
use suture_server::Server;

use crate::figure::{Figure, Goal, median};
use crate::guest;
use crate::webhook::options;

const SPINNERS: usize = 100;
/// Runs of them that are at work before the alert comes: as many as there may be.
const AT_WORK: usize = 16;
/// What the slowest start may take, in seconds.
const GOAL: f64 = 1.0;
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn figure(rounds: usize) -> anyhow::Result<Figure> {
    suture_cluster::install_crypto();
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let (start, end) = behind_spinners(round).await?;
        starts.push(start);
        ends.push(end);
    }
    let slowest = starts.iter().copied().fold(0.0, f64::max);
    println!(
        "spin behind {SPINNERS} that spin an honest run starts after {:.0} ms (the slowest of {rounds}: {:.0} ms), and has \
         ended after {:.0} ms",
        median(starts) * 1e3,
        slowest * 1e3,
        median(ends) * 1e3
    );
    Ok(Figure { name: "spin-honest-start-over-a-second", ratio: slowest / GOAL, goal: Goal::AtMost(1.0) })
}

/// From the alert to the start of its run, and to the end, in seconds. Each round has a host of
/// its own: what has spun before is tried again later.
async fn behind_spinners(round: usize) -> anyhow::Result<(f64, f64)> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("spin.wasm"), guest::spinning())?;
    std::fs::write(dir.path().join("demo.wasm"), guest::component(1))?;
    let policy =
        |name| format!("- {{name: {name}, source: {{file: {name}.wasm}}, mode: enforce, confirm: none}}\n");
    let config = format!(
        "listen: 127.0.0.1:0\nadmin: {{listen: 127.0.0.1:0}}\nstorage: {{path: state}}\n\
         cluster: {{simulated: {{scenario: none.yaml}}}}\nbudgets: {{storm: 1000, runsPerHour: 1000}}\n\
         policies:\n{}{}",
        policy("spin"),
        policy("demo")
    );
    std::fs::write(dir.path().join("suture.yaml"), config)?;
    let server = Server::start(&dir.path().join("suture.yaml"), options()?).await?;
    let names: Vec<_> = (0..SPINNERS).map(|number| format!("spin-{number}")).collect();
    post(&server, "Spin", &names).await?;
    until(&server, "spin", |runs| runs.len() >= AT_WORK).await?;
    let posted = Instant::now();
    post(&server, "Demo", &[format!("honest-{round}")]).await?;
    until(&server, "demo", |runs| !runs.is_empty()).await?;
    let start = posted.elapsed();
    until(&server, "demo", |runs| runs.iter().any(|run| run.state == RunState::Ended)).await?;
    let end = posted.elapsed();
    server.stop(Duration::ZERO).await;
    Ok((start.as_secs_f64(), end.as_secs_f64()))
}

async fn post(server: &Server, alert: &str, names: &[String]) -> anyhow::Result<()> {
    let alert = |name: &String| {
        json!({"status": "firing", "labels": {"alertname": alert, "name": name},
            "startsAt": "2026-11-22T04:10:00Z", "endsAt": "0001-01-01T00:00:00Z"})
    };
    let body = json!({"version": "4", "alerts": names.iter().map(alert).collect::<Vec<_>>()});
    let url = format!("http://{}/hooks", server.webhook_addr());
    let status = reqwest::Client::new().post(url).json(&body).send().await?.status();
    ensure!(status.is_success(), "the alerts are answered with {status}");
    Ok(())
}

/// Wait for the runs of a policy.
async fn until(server: &Server, policy: &str, fits: impl Fn(&[RunRecord]) -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    let filter = Filter { policy: Some(policy.to_owned()), ..Filter::default() };
    while !fits(&server.engine().journal().runs(filter.clone()).await?.items) {
        ensure!(began.elapsed() < PATIENCE, "the runs of `{policy}` never get there");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
