//! The same small policy in three languages, as `suture new` makes it: what TypeScript and Python take
//! over what Rust takes. Where a language's tools are not there, its line says so.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use async_trait::async_trait;
use serde_json::json;
use suture_build::{Silent, Template};
use suture_core::effect::{Page, Reply};
use suture_core::limits::Bytes;
use suture_core::{Effect, Error, Halt, Host, Incident, IncidentId, Limits, Program};
use suture_runtime::{Compiler, Runtime};
use suture_scenario::{Scenario, runner};

use crate::figure::{Figure, Goal, Report, median_seconds};

const ROUNDS: usize = 100;
const WARMUP: usize = 5;
const MEBIBYTE: u64 = 1 << 20;

/// A policy in one of the languages.
struct Built {
    language: &'static str,
    program: Arc<dyn Program>,
    /// A Job that failed, with its pod and a log, is explained to a person.
    scenario: Scenario,
    bytes: usize,
}

pub fn figures(report: &mut Report) -> anyhow::Result<()> {
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let dir = tempfile::tempdir()?;
    let runtime = Runtime::new(Compiler::InProcess)?;
    let load = |language, template, scenario| {
        executor.block_on(built(&runtime, &dir.path().join(language), language, template, scenario))
    };
    let rust = load("rust", Template::Rust, "explained")?;
    let others = [
        (
            "typescript",
            Template::TypeScript,
            ["languages-scenario-typescript-over-rust", "languages-instance-typescript-over-rust"],
            [15.0, 10.0],
        ),
        (
            "python",
            Template::Python,
            ["languages-scenario-python-over-rust", "languages-instance-python-over-rust"],
            [60.0, 50.0],
        ),
    ];
    for (language, template, names, goals) in others {
        let other = match load(language, template, "says-why") {
            Ok(other) => other,
            Err(error) => {
                println!("languages: {language} is not measured: {error:#}");
                continue;
            }
        };
        let rounds = report.count(ROUNDS, 2);
        let played = beside([&rust, &other], rounds, played)?;
        let called = beside([&rust, &other], rounds, |built| executor.block_on(called(&built.program)))?;
        for ((what, [own, theirs]), (name, goal)) in
            [("a scenario", played), ("an instance with three calls", called)]
                .into_iter()
                .zip(names.into_iter().zip(goals))
        {
            println!("languages {what}: {language} {:.2} ms, rust {:.2} ms", theirs * 1e3, own * 1e3);
            report.add(Figure { name, ratio: theirs / own, goal: Goal::AtMost(goal) });
        }
        for built in [&rust, &other] {
            let memory = executor.block_on(memory(built))?;
            println!(
                "languages {}: {memory} MiB of memory, {} KiB of component",
                built.language,
                built.bytes >> 10
            );
        }
    }
    Ok(())
}

async fn built(
    runtime: &Runtime,
    dir: &Path,
    language: &'static str,
    template: Template,
    scenario: &str,
) -> anyhow::Result<Built> {
    suture_build::scaffold("queue-stuck", template, dir)?;
    let component = std::fs::read(suture_build::build(dir, None, &Silent)?.path)?;
    let program = Arc::new(runtime.load(&component, None).await?);
    let file = dir.join("scenarios").join(scenario).with_extension("yaml");
    let scenario = Scenario::load(&file)?.pop().context("it has no scenario")?;
    Ok(Built { language, program, scenario, bytes: component.len() })
}

/// The median seconds of what two take, in turns.
fn beside(
    both: [&Built; 2],
    rounds: usize,
    mut once: impl FnMut(&Built) -> anyhow::Result<Duration>,
) -> anyhow::Result<[f64; 2]> {
    let mut took = [const { Vec::new() }; 2];
    for round in 0..rounds + WARMUP {
        for (built, took) in both.iter().zip(&mut took) {
            let one = once(built)?;
            if round >= WARMUP {
                took.push(one);
            }
        }
    }
    Ok(took.map(median_seconds))
}

fn played(built: &Built) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let report = runner::run(&built.scenario, built.program.clone());
    let took = began.elapsed();
    anyhow::ensure!(report.passed(), "{}: {report:?}", built.scenario.name);
    Ok(took)
}

/// Answers at once: a Job that failed, its pod, and what that wrote.
#[derive(Default)]
struct Answers {
    /// How many calls were more than a word for the timeline.
    calls: AtomicUsize,
}

#[async_trait]
impl Host for Answers {
    async fn answer(&self, effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        if matches!(effect, Effect::Step { .. } | Effect::Log { .. }) {
            return Ok(Ok(Reply::Noted));
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let condition = json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "it failed"}]);
        Ok(Ok(match effect {
            Effect::Get { .. } => Reply::Object(Arc::new(json!({"apiVersion": "batch/v1", "kind": "Job",
                "metadata": {"name": "a", "namespace": "media", "uid": "u"}, "status": {"failed": 1, "conditions": condition}}))),
            Effect::List(_) => {
                let status = json!({"phase": "Failed", "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}]});
                let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a-x", "namespace": "media", "uid": "p"},
                    "spec": {"containers": [{"name": "main"}]}, "status": status});
                Reply::Page(Page { items: vec![Arc::new(pod)], next: None, resource_version: String::new() })
            }
            _ => Reply::Logs("no space left on device".to_owned()),
        }))
    }
}

async fn called(program: &Arc<dyn Program>) -> anyhow::Result<Duration> {
    let (incident, answers) = (incident(program)?, Arc::new(Answers::default()));
    let began = Instant::now();
    let ending = program.remediate(&incident, &Limits::default(), answers.clone()).await;
    let took = began.elapsed();
    let calls = answers.calls.load(Ordering::Relaxed);
    anyhow::ensure!(ending.name() == "escalate" && calls == 3, "{calls} calls, {ending:?}");
    Ok(took)
}

fn incident(program: &Arc<dyn Program>) -> anyhow::Result<Incident> {
    let labels = json!({"alertname": "KubeJobFailed", "namespace": "media", "job_name": "a"});
    let alert = serde_json::from_value(
        json!({"status": "firing", "labels": labels, "startsAt": "2026-11-22T04:10:00Z"}),
    )?;
    let key = [("namespace", "media"), ("job_name", "a")];
    let key = key.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let settings = program.manifest().settings_schema.with_defaults(json!({}));
    Ok(Incident { id: IncidentId::new("i"), key, alert, attempt: 1, settings })
}

/// The least memory, in MiB, with which it ends well.
async fn memory(built: &Built) -> anyhow::Result<u64> {
    let incident = incident(&built.program)?;
    let (mut too_little, mut enough) = (0, Limits::default().memory.0 / MEBIBYTE);
    while too_little + 1 < enough {
        let tried = u64::midpoint(too_little, enough);
        let limits = Limits { memory: Bytes(tried * MEBIBYTE), ..Limits::default() };
        let ending = built.program.remediate(&incident, &limits, Arc::new(Answers::default())).await;
        if ending.name() == "escalate" { enough = tried } else { too_little = tried }
    }
    Ok(enough)
}
