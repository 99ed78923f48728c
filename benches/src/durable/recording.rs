//! Recording runs on disk, with full sync, over keeping their records in memory.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use anyhow::ensure;
use suture_core::{Clock, RealClock};
use suture_engine::execute;
use suture_journal::{Change, Durability, Journal, MemoryLog, RunHeader, RunLog, RunRecord, RunState};

use super::fixture::{self, Deed, EFFECTS, Native, Slow};
use crate::figure::{Figure, Goal, median_seconds};

/// Runs at once.
const RUNS: usize = 64;
/// What the cluster takes for an effect.
const LATENCY: Duration = Duration::from_millis(2);
const ROUNDS: usize = 15;

pub async fn figure() -> anyhow::Result<Figure> {
    let (mut recorded, mut unrecorded) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 1 {
        let folder = tempfile::tempdir()?;
        let on_disk = round_of(Some(folder.path())).await?;
        let in_memory = round_of(None).await?;
        // The first round warms caches.
        if round > 0 {
            recorded.push(on_disk);
            unrecorded.push(in_memory);
        }
    }
    let (recorded, unrecorded) = (median_seconds(recorded), median_seconds(unrecorded));
    println!(
        "{RUNS} runs of {EFFECTS} effects at once, {} ms an effect: on disk {:.0} ms, in memory {:.0} ms",
        LATENCY.as_millis(),
        recorded * 1e3,
        unrecorded * 1e3
    );
    Ok(Figure { name: "durable-recorded-over-not", ratio: recorded / unrecorded, goal: Goal::AtMost(1.5) })
}

/// How long all runs take together, their beginnings and ends included.
async fn round_of(folder: Option<&Path>) -> anyhow::Result<Duration> {
    let clock: Arc<dyn Clock> = Arc::new(RealClock);
    let inner = fixture::cluster(RUNS, clock.clone())?;
    let cluster =
        Arc::new(Slow { inner, clock: clock.clone(), latency: LATENCY, waiting: AtomicUsize::new(0) });
    let program = Native::program(Deed::Repair)?;
    let journal = folder.map(|folder| Journal::open(folder, clock.clone())).transpose()?;
    let began = Instant::now();
    let mut runs = Vec::new();
    for number in 0..RUNS {
        let (spec, cluster, clock) =
            (fixture::spec(program.clone(), number)?, cluster.clone(), clock.clone());
        let journal = journal.clone();
        runs.push(tokio::spawn(async move {
            let log: Arc<dyn RunLog> = match &journal {
                None => Arc::new(MemoryLog::default()),
                Some(journal) => {
                    let (record, header) = beginning(&spec, &*clock);
                    journal.commit(vec![Change::Begin(record, header)], Durability::Synced).await?;
                    journal.run_log(spec.run.clone())
                }
            };
            anyhow::Ok(execute(spec, fixture::session(cluster, clock, log)).await?)
        }));
    }
    for run in runs {
        let finished = run.await??;
        ensure!(finished.ending.name() == "remediated", "{finished:?}");
    }
    let took = began.elapsed();
    if let Some(journal) = journal {
        journal.close().await?;
    }
    Ok(took)
}

fn beginning(spec: &suture_engine::RunSpec, clock: &dyn Clock) -> (RunRecord, RunHeader) {
    let record = RunRecord {
        id: spec.run.clone(),
        incident: spec.incident.id.clone(),
        policy: spec.policy.clone(),
        digest: spec.program.digest().to_owned(),
        mode: spec.mode,
        attempt: 1,
        state: RunState::Running,
        outcome: None,
        summary: None,
        started_at: clock.now(),
        ended_at: None,
    };
    let header = RunHeader {
        format: RunHeader::FORMAT,
        world: RunHeader::WORLD.to_owned(),
        incident: spec.incident.clone(),
        limits: spec.limits.clone(),
        requested: spec.program.manifest().permissions.clone(),
        grants: spec.grants.clone(),
        approved: None,
        cluster: "bench".to_owned(),
    };
    (record, header)
}
