//! Bringing a run back from its record, over running it live on the simulated cluster.

use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use suture_core::{Clock, RealClock};
use suture_engine::execute;
use suture_engine::run::Past;
use suture_journal::{Body, MemoryLog};

use super::fixture::{self, Deed, EFFECTS, Native};
use crate::figure::{Figure, Goal, median_seconds};

const ROUNDS: usize = 2000;

pub async fn figure() -> anyhow::Result<Figure> {
    let clock: Arc<dyn Clock> = Arc::new(RealClock);
    let program = Native::program(Deed::Repair)?;
    let (mut replayed, mut live) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 50 {
        let cluster = Arc::new(fixture::cluster(1, clock.clone())?);
        let log = Arc::new(MemoryLog::default());
        let (spec, session) = (
            fixture::spec(program.clone(), 0)?,
            fixture::session(cluster.clone(), clock.clone(), log.clone()),
        );
        let began = Instant::now();
        let finished = execute(spec, session).await?;
        let took_live = began.elapsed();
        ensure!(finished.ending.name() == "remediated", "{finished:?}");

        // As a host that died before the end left it.
        let mut entries = log.entries();
        entries.retain(|entry| !matches!(entry.body, Body::Ended { .. }));
        let steps = entries.iter().map(|entry| entry.step).max();
        ensure!(steps == u32::try_from(EFFECTS).ok(), "{steps:?}");
        let done = cluster.mutations().len();
        let log = Arc::new(MemoryLog::beginning_with(entries.clone()));
        let mut spec = fixture::spec(program.clone(), 0)?;
        let session = fixture::session(cluster.clone(), clock.clone(), log);
        let began = Instant::now();
        spec.past = Some(Past::new(entries, clock.now(), "bench", &session.locks));
        let finished = execute(spec, session).await?;
        let took = began.elapsed();
        ensure!(finished.ending.name() == "remediated", "{finished:?}");
        ensure!(cluster.mutations().len() == done, "a replay changes nothing");
        // The first rounds warm caches.
        if round >= 50 {
            replayed.push(took);
            live.push(took_live);
        }
    }
    let (replayed, live) = (median_seconds(replayed), median_seconds(live));
    println!(
        "a run of {EFFECTS} effects: replayed {:.0} µs, live on the simulated cluster {:.0} µs",
        replayed * 1e6,
        live * 1e6
    );
    Ok(Figure { name: "durable-replayed-over-live", ratio: replayed / live, goal: Goal::AtMost(2.0) })
}
