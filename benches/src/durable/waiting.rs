//! Ten thousand runs that wait, and the next host that goes on with them. Each host is a
//! process of its own, so that its memory is its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;
use suture_core::{Clock, Notification, RealClock};
use suture_engine::{Budgets, Engine, EngineConfig, Metrics, NoPager};
use suture_journal::Journal;

use super::fixture::{self, Deed, Slow};

const RUNS: usize = 10_000;
/// Alerts of a notification.
const AT_ONCE: usize = 100;
/// Runs that have an instance at once.
const PLACES: usize = 1000;
/// The first argument of a host that this program starts.
const CHILD: &str = "durable-host";
/// More than either host takes.
const PATIENCE: Duration = Duration::from_secs(600);

/// Start the two hosts, one after the other, and print what they say.
pub async fn print() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    for host in ["first", "second"] {
        let said = tokio::process::Command::new(std::env::current_exe()?)
            .args([CHILD, host])
            .arg(folder.path())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output()
            .await?;
        ensure!(said.status.success(), "the {host} host failed: {}", said.status);
        print!("{}", String::from_utf8_lossy(&said.stdout));
    }
    Ok(())
}

/// Be such a host, where the arguments say so.
pub async fn child(arguments: &[String]) -> anyhow::Result<bool> {
    let [child, host, folder] = arguments else { return Ok(false) };
    if child != CHILD {
        return Ok(false);
    }
    match host.as_str() {
        "first" => first(Path::new(folder)).await?,
        _ => second(Path::new(folder)).await?,
    }
    Ok(true)
}

/// Gets the alerts, and waits.
async fn first(folder: &Path) -> anyhow::Result<()> {
    let (engine, cluster) = host(folder).await?;
    let idle = resident()?;
    let began = Instant::now();
    for batch in 0..RUNS / AT_ONCE {
        let alert = |number| {
            let name = fixture::name(number);
            json!({"status": "firing", "startsAt": "2026-11-22T04:00:00Z", "fingerprint": name,
                "annotations": {"summary": format!("the backup of {name} is too old")},
                "labels": {"alertname": "BackupTooOld", "obj_namespace": "media", "obj_name": name,
                    "severity": "warning"}})
        };
        let alerts: Vec<_> = (batch * AT_ONCE..(batch + 1) * AT_ONCE).map(alert).collect();
        let notification = json!({"alerts": alerts});
        let body = serde_json::to_vec(&notification)?;
        let notification: Notification = serde_json::from_value(notification)?;
        engine.accept(None, &notification, body).await?;
    }
    all_wait(&cluster, 2 * RUNS).await?;
    let (took, waiting) = (began.elapsed(), resident()?);
    println!(
        "{RUNS} runs that wait: all wait after {:.1} s; {:.0} MB over an idle host of {:.0} MB",
        took.as_secs_f64(),
        megabytes(waiting.saturating_sub(idle)),
        megabytes(idle)
    );
    leave(engine).await
}

/// Goes on with them.
async fn second(folder: &Path) -> anyhow::Result<()> {
    // The same cluster, without the host: what its objects take is not the host's.
    let empty = tempfile::tempdir()?;
    let (idle_engine, idle_cluster) = host(empty.path()).await?;
    let idle = resident()?;
    leave(idle_engine).await?;
    drop(idle_cluster);
    let began = Instant::now();
    let (engine, cluster) = host(folder).await?;
    all_wait(&cluster, RUNS).await?;
    let (took, waiting) = (began.elapsed(), resident()?);
    println!(
        "{RUNS} waiting runs after a restart: all wait again after {:.1} s; {:.0} MB over an idle host of {:.0} MB",
        took.as_secs_f64(),
        megabytes(waiting.saturating_sub(idle)),
        megabytes(idle)
    );
    leave(engine).await
}

async fn host(folder: &Path) -> anyhow::Result<(Engine, Arc<Slow>)> {
    let clock: Arc<dyn Clock> = Arc::new(RealClock);
    let inner = fixture::cluster(RUNS, clock.clone())?;
    let (latency, waiting) = (Duration::ZERO, AtomicUsize::new(0));
    let cluster = Arc::new(Slow { inner, clock: clock.clone(), latency, waiting });
    let policy = fixture::policy(Deed::Wait, fixture::grants()?, &*clock)?;
    let engine = Engine::start(EngineConfig {
        policies: vec![Arc::new(policy)],
        kept: None,
        journal: Journal::open(folder, clock.clone())?,
        cluster: cluster.clone(),
        clock,
        pager: Arc::new(NoPager),
        silences: None,
        metrics: Metrics::new("bench"),
        budgets: Budgets {
            // Each keeps its place for the first seconds of its wait.
            concurrent_runs: PLACES,
            runs_per_hour: usize::MAX,
            storm: usize::MAX,
            ..Budgets::default()
        },
        max_pending: 1000,
        max_pending_bytes: u64::MAX,
        telling: suture_engine::Telling::default(),
        retention: Duration::from_secs(3600),
        listeners: None,
        held: BTreeMap::new(),
    })
    .await?;
    Ok((engine, cluster))
}

/// Until so many waits have begun: the first host's are begun with an instance, and again
/// without.
#[expect(clippy::disallowed_methods, reason = "a pause between two looks")]
async fn all_wait(cluster: &Slow, waits: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    while cluster.waiting.load(Ordering::Acquire) < waits {
        ensure!(began.elapsed() < PATIENCE, "{} of {waits} wait", cluster.waiting.load(Ordering::Acquire));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn leave(engine: Engine) -> anyhow::Result<()> {
    engine.shutdown(Duration::ZERO).await;
    engine.journal().close().await?;
    Ok(())
}

/// The memory of this process that is in RAM, in bytes.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS in /proc/self/status")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kibibytes * 1024)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
