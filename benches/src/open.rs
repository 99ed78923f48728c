//! What open incidents cost a host: a million beside a thousand. Each host is a process of its
//! own, so that its memory is its own.

mod paced;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use suture_core::{Alert, Clock, IncidentId, Notification, Program, RealClock};
use suture_engine::{Budgets, Engine, EngineConfig, Metrics, NoPager, Policy};
use suture_journal::{Change, Durability, IncidentRecord, IncidentState, Journal};

use crate::durable::{Deed, Native, cluster, policy};
use crate::figure::{Figure, Goal, Report};
use paced::Timed;

const HARDLY_ANY: usize = 10;
/// How often hosts with few take turns.
const TURNS: usize = 5;
const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
/// Runs that are timed, and how many alerts come at once.
const RUNS: usize = 5_000;
const AT_ONCE: usize = 100;
/// What a host with a million may take.
const MEMORY: f64 = 300.0 * 1024.0 * 1024.0;
const START: f64 = 2.0;
/// The first argument of a host that this program starts.
const CHILD: &str = "open-host";
/// More than a host takes.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a host says of itself.
struct Said {
    start: f64,
    runs_a_second: f64,
    memory: f64,
    /// From an alert to its run, at 1,000 a second: the median, and what one in a hundred exceeds.
    alert_to_run: (f64, f64),
}

pub async fn figures(report: &mut Report) -> anyhow::Result<()> {
    let mut of_turns = Vec::new();
    for _ in 0..report.count(TURNS, 1) {
        let (hardly_any, few) = (among(HARDLY_ANY).await?, among(report.count(FEW, 100)).await?);
        of_turns.push((few.runs_a_second / hardly_any.runs_a_second, few));
    }
    of_turns.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let (ratio, few) = of_turns.swap_remove(of_turns.len() / 2);
    report.add(Figure {
        name: "runs-a-second-among-a-thousand-open-over-ten",
        ratio,
        goal: Goal::AtLeast(0.95),
    });
    let many = among(report.count(MANY, 5_000)).await?;
    report.add(Figure {
        name: "memory-of-a-million-open-over-300-mebibytes",
        ratio: many.memory / MEMORY,
        goal: Goal::AtMost(1.0),
    });
    report.add(Figure {
        name: "start-of-a-million-open-over-two-seconds",
        ratio: many.start / START,
        goal: Goal::AtMost(1.0),
    });
    report.add(Figure {
        name: "runs-a-second-among-a-million-open-over-a-thousand",
        ratio: many.runs_a_second / few.runs_a_second,
        goal: Goal::AtLeast(0.7),
    });
    Ok(())
}

/// A host on a journal with so many open incidents.
async fn among(count: usize) -> anyhow::Result<Said> {
    let folder = tempfile::tempdir()?;
    fill(folder.path(), count).await?;
    let said = tokio::process::Command::new(std::env::current_exe()?)
        .args([CHILD, "-"])
        .arg(folder.path())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    ensure!(said.status.success(), "the host failed: {}", said.status);
    let said: Value = serde_json::from_slice(&said.stdout)?;
    let number = |name: &str| said[name].as_f64().with_context(|| format!("no {name} in {said}"));
    let said = Said {
        start: number("start")?,
        runs_a_second: number("runsASecond")?,
        memory: number("memory")?,
        alert_to_run: (number("median")?, number("p99")?),
    };
    println!(
        "{count} open incidents: ready after {:.2} s, {:.0} runs a second, {:.0} MiB at most; alert to run at 1,000 a \
         second: p50 {:.1} ms, p99 {:.1} ms",
        said.start,
        said.runs_a_second,
        said.memory / f64::from(1 << 20),
        said.alert_to_run.0 * 1e3,
        said.alert_to_run.1 * 1e3
    );
    Ok(said)
}

/// Be such a host, where the arguments say so.
pub async fn child(arguments: &[String]) -> anyhow::Result<bool> {
    let [child, _, folder] = arguments else { return Ok(false) };
    if child != CHILD {
        return Ok(false);
    }
    let began = Instant::now();
    let timed = Timed::new(Native::program(Deed::Rest)?);
    let engine = host(Path::new(folder), timed.clone()).await?;
    let start = began.elapsed();
    // What is looked at beside the work is no part of it.
    engine.journal().survey().await;
    let before = resting(&engine);
    let began = Instant::now();
    for batch in 0..RUNS / AT_ONCE {
        let alerts: Vec<_> =
            (batch * AT_ONCE..(batch + 1) * AT_ONCE).map(|number| alert("new", number)).collect();
        let notification = json!({"alerts": alerts});
        let body = serde_json::to_vec(&notification)?;
        let notification: Notification = serde_json::from_value(notification)?;
        engine.accept(None, &notification, body).await?;
    }
    rest(&engine, before + RUNS).await?;
    let runs_a_second = RUNS as f64 / began.elapsed().as_secs_f64();
    let took = paced::latencies(&engine, &timed, paced::ALERTS).await?;
    let at = |share: f64| took[(took.len() as f64 * share) as usize].as_secs_f64();
    let said = json!({"start": start.as_secs_f64(), "runsASecond": runs_a_second, "memory": peak()?,
        "median": at(0.5), "p99": at(0.99)});
    engine.shutdown(Duration::ZERO).await;
    engine.journal().close().await?;
    println!("{said}");
    Ok(true)
}

/// How many incidents need nothing more than that their alerts clear.
fn resting(engine: &Engine) -> usize {
    let counts = engine.journal().open_counts().into_iter();
    counts.filter(|(_, state, _)| *state == IncidentState::Unnecessary).map(|(.., count)| count).sum()
}

#[expect(clippy::disallowed_methods, reason = "a pause between two looks")]
async fn rest(engine: &Engine, count: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    while resting(engine) < count {
        ensure!(began.elapsed() < PATIENCE, "{} of {count} rest", resting(engine));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

fn alert(kind: &str, number: usize) -> Value {
    let name = format!("{kind}-{number}");
    json!({"status": "firing", "startsAt": "2026-11-22T04:00:00Z", "fingerprint": name,
        "annotations": {"summary": format!("the backup of {name} is too old"),
            "description": "words as people write them to each other. ".repeat(8)},
        "generatorURL": "http://prometheus:9090/graph?g0.expr=x",
        "labels": {"alertname": "BackupTooOld", "obj_namespace": "media", "obj_name": name, "severity": "warning"}})
}

/// A journal in which so many incidents rest.
async fn fill(folder: &Path, count: usize) -> anyhow::Result<()> {
    let journal = Journal::open(folder, Arc::new(RealClock))?;
    let numbers: Vec<usize> = (0..count).collect();
    for part in numbers.chunks(1000) {
        let changes = part.iter().map(|number| incident(*number)).collect::<anyhow::Result<Vec<_>>>()?;
        journal.commit(changes, Durability::Lazy).await?;
    }
    journal.close().await?;
    Ok(())
}

fn incident(number: usize) -> anyhow::Result<Change> {
    let alert: Arc<Alert> = Arc::new(serde_json::from_value(alert("app", number))?);
    let labels = alert.labels.clone().into_iter();
    Ok(Change::Incident(IncidentRecord {
        id: IncidentId::new(format!("00000000000000000{number:09}")),
        policy: "bench".to_owned(),
        key: labels.filter(|(name, _)| name.starts_with("obj_")).collect(),
        fingerprint: alert.fingerprint(),
        starts_at: alert.starts_at,
        state: IncidentState::Unnecessary,
        since: None,
        held_in: None,
        opened_at: alert.starts_at,
        closed_at: None,
        runs: Vec::new(),
        alert,
        attempts: 1,
        due: None,
        summary: "there was nothing to repair".to_owned(),
        by_hand: false,
        started_by: None,
        forced: false,
        said_resolved: false,
        cancelled: None,
        approval: None,
        retried_by: Vec::new(),
        paged: false,
        evidence: String::new(),
    }))
}

async fn host(folder: &Path, program: Arc<dyn Program>) -> anyhow::Result<Engine> {
    let clock: Arc<dyn Clock> = Arc::new(RealClock);
    let policy = Policy { program: Ok(program), ..policy(Deed::Rest, Vec::new(), &*clock)? };
    let engine = Engine::start(EngineConfig {
        policies: vec![Arc::new(policy)],
        kept: None,
        journal: Journal::open(folder, clock.clone())?,
        cluster: Arc::new(cluster(0, clock.clone())?),
        clock,
        pager: Arc::new(NoPager),
        silences: None,
        metrics: Metrics::new("bench"),
        budgets: Budgets {
            concurrent_runs: 64,
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
    Ok(engine)
}

/// The most memory of this process that was in RAM, in bytes.
fn peak() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kibibytes * 1024)
}
