//! What many alerts cost in memory, and what a closed incident costs to remove, among a thousand
//! and among a million.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use suture_core::{AlertStatus, IncidentId, Labels, RealClock, Timestamp};
use suture_journal::{Change, Durability, IncidentRecord, IncidentState, Journal};
use suture_tests::host::Host;
use suture_tests::process::eventually;

use crate::figure::{Figure, Goal, Report, median_seconds};
use crate::load;

/// Different alerts, and how many come with one notification.
const ALERTS: usize = 10_000;
const TOGETHER: usize = 10;
const WITHIN: Duration = Duration::from_secs(10);
/// Memory that the host may have taken at most, in bytes.
const MEMORY: u64 = 128 << 20;
const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
/// Incidents that are removed and timed.
const REMOVED: usize = 500;

pub async fn figures(report: &mut Report) -> anyhow::Result<()> {
    report.add(alerts(report.count(ALERTS, 200)).await?);
    report.add(prune(report.count(MANY, 5_000)).await?);
    Ok(())
}

/// The real host with the shipped policy: none of the alerts is lost, and how much memory it took.
async fn alerts(count: usize) -> anyhow::Result<Figure> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("volsync.wasm"), crate::policy::component()?)?;
    std::fs::write(
        folder.path().join("empty.yaml"),
        "name: empty\ngiven: {now: 2026-11-22T04:10:00Z, objects: []}\n\
         when: [{alert: {labels: {alertname: Nothing}}}]\nthen: {outcome: unnecessary}\n",
    )?;
    let config = "cluster: {simulated: {scenario: empty.yaml}}\npolicies:\n- name: volsync\n  \
                  source: {file: volsync.wasm}\n  matchers: ['alertname=\"BackupTooOld\"']\n  confirm: none\n";
    let mut host = Host::start_anywhere(folder.path(), config)?;
    host.listens().await?;
    host.until(200, "").await?;
    let began = Instant::now();
    load::post_all(host.webhook, "/hooks", count / TOGETHER).await?;
    let took = began.elapsed();
    let routed = async || opened(&host.get("/metrics").await.unwrap_or_default().1) >= count as f64;
    ensure!(eventually(Duration::from_secs(120), routed).await, "alerts are lost:\n{}", host.log());
    let peak = host.peak_memory()?;
    println!("{count} alerts in {:.1} s, peak memory {} MiB", took.as_secs_f64(), peak >> 20);
    ensure!(took < WITHIN, "they took {took:?} to be accepted");
    Ok(Figure {
        name: "ten-thousand-alerts-memory-over-128-mebibytes",
        ratio: peak as f64 / MEMORY as f64,
        goal: Goal::AtMost(1.0),
    })
}

/// How many alerts became incidents, by the host's metrics.
fn opened(metrics: &str) -> f64 {
    let counted =
        |line: &str| line.starts_with("suture_alerts_total{") && line.contains(r#"result="opened""#);
    metrics
        .lines()
        .filter(|line| counted(line))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

/// The time to remove some of many, over that of as many of few: what stays is not looked at.
async fn prune(most: usize) -> anyhow::Result<Figure> {
    let (few, many) = (removing(FEW).await?, removing(most).await?);
    println!("{REMOVED} closed incidents leave in {few:.4} s of {FEW}, in {many:.4} s of {most}");
    Ok(Figure { name: "prune-of-a-million-over-a-thousand", ratio: many / few, goal: Goal::AtMost(3.0) })
}

async fn removing(count: usize) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let journal = Journal::open(folder.path(), Arc::new(RealClock))?;
    let numbers: Vec<usize> = (0..count).collect();
    for part in numbers.chunks(1000) {
        let changes = part.iter().map(|number| closed(*number)).collect::<anyhow::Result<Vec<_>>>()?;
        journal.commit(changes, Durability::Lazy).await?;
    }
    let mut took = Vec::new();
    let round = REMOVED / 5;
    for number in 1..=5 {
        let began = Instant::now();
        let pruned = journal.prune(time(number * round)?, 0).await?;
        took.push(began.elapsed());
        ensure!(pruned.incidents == round, "{pruned:?}");
    }
    journal.close().await?;
    Ok(median_seconds(took) * 5.0)
}

fn time(number: usize) -> anyhow::Result<Timestamp> {
    Ok(Timestamp::from_second(1_800_000_000 + i64::try_from(number)?)?)
}

fn closed(number: usize) -> anyhow::Result<Change> {
    let at = time(number)?;
    let key: Labels = [("obj_name".to_owned(), format!("app-{number}"))].into();
    Ok(Change::Incident(IncidentRecord {
        started_by: None,
        forced: false,
        said_resolved: false,
        cancelled: None,
        approval: None,
        retried_by: Vec::new(),
        id: IncidentId::new(format!("incident-{number:08}")),
        policy: format!("policy-{}", number % 10),
        key: key.clone(),
        fingerprint: format!("{number:016x}"),
        starts_at: at,
        state: IncidentState::Resolved,
        since: None,
        held_in: None,
        opened_at: at,
        closed_at: Some(at),
        runs: Vec::new(),
        alert: Arc::new(suture_core::Alert {
            status: AlertStatus::Resolved,
            labels: key,
            annotations: Labels::new(),
            starts_at: at,
            ends_at: None,
            generator_url: String::new(),
            fingerprint: String::new(),
        }),
        attempts: 0,
        due: None,
        summary: "the alert cleared before a run was needed".to_owned(),
        by_hand: false,
        paged: false,
        evidence: String::new(),
    }))
}
