//! Honest runs beside policies that spin, one for each processor: how long the slowest
//! hundredth takes, over what it takes alone. The load is a fifth of what there is room for.
#![expect(clippy::disallowed_methods, reason = "what is measured is real time")]

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use suture_core::effect::Reply;
use suture_core::{Effect, Ending, Error, Halt, Host, Incident, IncidentId, Limits, Program};
use suture_runtime::{Compiler, Runtime};
use tokio::task::JoinSet;

use crate::figure::{Figure, Goal, median};
use crate::guest;

const ROUND: Duration = Duration::from_secs(3);
/// Of what there is room for.
const SHARE: f64 = 0.2;
/// The tasks that find out how much that is.
const TASKS: usize = 64;

/// Answers after others had their turn, as a host that writes down does.
struct Answers;

#[async_trait]
impl Host for Answers {
    async fn answer(&self, _effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        tokio::task::yield_now().await;
        Ok(Ok(Reply::Slept))
    }
}

pub async fn figure(rounds: usize) -> anyhow::Result<Figure> {
    let runtime = Runtime::new(Compiler::InProcess)?;
    let honest: Arc<dyn Program> = Arc::new(runtime.load(&guest::component(1), None).await?);
    let spinner: Arc<dyn Program> = Arc::new(runtime.load(&guest::spinning(), None).await?);
    let rate = capacity(&honest).await? * SHARE;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        alone.push(p99(&honest, rate).await?);
        let mut spinners = JoinSet::new();
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            let (spinner, incident) = (spinner.clone(), incident()?);
            spinners.spawn(async move {
                loop {
                    spinner.remediate(&incident, &Limits::default(), Arc::new(Answers)).await;
                }
            });
        }
        beside.push(p99(&honest, rate).await?);
        spinners.shutdown().await;
    }
    let (alone, beside) = (median(alone), median(beside));
    println!(
        "spin {rate:.0} honest runs a second: p99 {:.2} ms alone, {:.2} ms beside a spinner per core",
        alone * 1e3,
        beside * 1e3
    );
    Ok(Figure { name: "spin-honest-p99-over-alone", ratio: beside / alone, goal: Goal::AtMost(3.0) })
}

fn incident() -> anyhow::Result<Incident> {
    let alert = serde_json::from_value(serde_json::json!({"status": "firing",
        "labels": {"alertname": "Demo", "name": "plex"}, "startsAt": "2026-11-22T04:10:00Z"}))?;
    let key = [("name".to_owned(), "plex".to_owned())].into_iter().collect();
    Ok(Incident { id: IncidentId::new("i"), key, alert, attempt: 1, settings: serde_json::json!({}) })
}

async fn once(program: &Arc<dyn Program>) -> anyhow::Result<()> {
    let ending = program.remediate(&incident()?, &Limits::default(), Arc::new(Answers)).await;
    anyhow::ensure!(matches!(ending, Ending::Concluded(_)), "{ending:?}");
    Ok(())
}

/// Runs a second, as many as there can be.
async fn capacity(program: &Arc<dyn Program>) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let program = program.clone();
        tasks.spawn(async move {
            let mut runs = 0_u32;
            while began.elapsed() < ROUND {
                once(&program).await?;
                runs += 1;
            }
            anyhow::Ok(runs)
        });
    }
    let mut runs = 0;
    while let Some(task) = tasks.join_next().await {
        runs += task??;
    }
    Ok(f64::from(runs) / began.elapsed().as_secs_f64())
}

/// How long the slowest hundredth of runs takes that begin at a rate, from when each was due.
async fn p99(program: &Arc<dyn Program>, rate: f64) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    let mut due = Duration::ZERO;
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    while due < ROUND {
        tick.tick().await;
        while due < began.elapsed() {
            let (program, at) = (program.clone(), began + due);
            tasks.spawn(async move {
                once(&program).await?;
                anyhow::Ok(at.elapsed())
            });
            due += Duration::from_secs_f64(1.0 / rate);
        }
    }
    let mut took = Vec::new();
    while let Some(task) = tasks.join_next().await {
        took.push(task??);
    }
    took.sort_unstable();
    let index = took.len() * 99 / 100;
    Ok(took.get(index).map_or(0.0, Duration::as_secs_f64))
}
