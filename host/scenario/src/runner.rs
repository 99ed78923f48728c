//! Plays a scenario: the real engine on a simulated cluster, under a virtual clock.

mod stage;

use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use serde_json::Value;
use suture_cluster::SimulatedCluster;
use suture_core::clock::{Driven, later};
use suture_core::object::redact;
use suture_core::{Clock, Effect, Ending, Labels, Program, Reply, Timestamp, VirtualClock};
use suture_journal::{Answer, Body, Entry};

use crate::expect::{Change, Difference, Ended, Lookup, differences};
use crate::format::Scenario;
use crate::report::{PlayedRun, Report, Verdict};
use crate::timeline::{Look, Timeline};
use stage::{Playing, Stage};

/// Watches a scenario while it is played.
pub trait Watcher: Send + Sync {
    /// A run begins: its number, from 0, and what it is about.
    fn began(&self, run: usize, key: &Labels, at: Timestamp) {
        let _ = (run, key, at);
    }

    /// A run did something.
    fn entry(&self, run: usize, entry: &Entry) {
        let _ = (run, entry);
    }
}

/// Play a scenario with a policy, and compare what happens with what is expected.
pub fn run(scenario: &Scenario, program: Arc<dyn Program>) -> Report {
    run_watched(scenario, program, None)
}

/// As [`run`], with someone who watches.
pub fn run_watched(
    scenario: &Scenario,
    program: Arc<dyn Program>,
    watcher: Option<Arc<dyn Watcher>>,
) -> Report {
    run_on(clock(scenario), scenario, program, watcher)
}

/// The clock that a scenario is played on: once.
pub fn clock(scenario: &Scenario) -> Arc<VirtualClock> {
    let now = scenario.fixture.now;
    Arc::new(VirtualClock::new(now, later(now, scenario.limit.get())))
}

/// As [`run_watched`], on the scenario's [clock](clock()).
pub fn run_on(
    clock: Arc<VirtualClock>,
    scenario: &Scenario,
    program: Arc<dyn Program>,
    watcher: Option<Arc<dyn Watcher>>,
) -> Report {
    let mut report = Report {
        name: scenario.name.clone(),
        file: scenario.file.clone(),
        line: scenario.line,
        verdict: Verdict::Passed,
        simulated: Duration::ZERO,
        runs: Vec::new(),
        notes: Vec::new(),
    };
    let now = scenario.fixture.now;
    let stage = match Stage::set(scenario, program, clock.clone(), watcher) {
        Ok(stage) => stage,
        Err((line, message)) => {
            report.verdict = Verdict::Invalid { line, message };
            return report;
        }
    };
    let driven = block_on(clock.drive(stage.play(&scenario.when)));
    report.simulated = Duration::try_from(now.duration_until(clock.now())).unwrap_or_default();
    let played = stage.played.into_inner();
    let failure = match driven {
        Driven::Done(Ok(())) => None,
        Driven::Done(Err(error)) => Some(format!("the record of the run can't be written: {error}")),
        Driven::Stalled => Some(format!("nothing will ever happen again: {}", waiting(&played.runs))),
        Driven::OutOfTime => Some(format!(
            "stopped at the limit of {} of virtual time: {}",
            scenario.limit,
            waiting(&played.runs)
        )),
    };
    report.runs = played.runs.into_iter().map(Playing::into_run).collect();
    report.notes = played.notes;
    report.notes.extend(stage.cluster.complaints());
    let mut all: Vec<Difference> = failure
        .into_iter()
        .map(|message| Difference { expectation: "run".to_owned(), line: 0, message, at: None })
        .collect();
    if all.is_empty() {
        let nothing =
            played.nothing.unwrap_or(("unnecessary", "no alert fired, so nothing was run".to_owned()));
        all = compare(scenario, &report.runs, &nothing, stage.cluster);
    }
    if !all.is_empty() {
        report.verdict = Verdict::Failed(all);
    }
    report
}

fn compare(
    scenario: &Scenario,
    runs: &[PlayedRun],
    nothing: &(&'static str, String),
    cluster: SimulatedCluster,
) -> Vec<Difference> {
    let summaries: Vec<_> = runs
        .iter()
        .filter_map(|run| run.ending.as_ref())
        .map(|ending| (ending.name(), ending.summary()))
        .collect();
    let mut ended: Vec<_> = summaries.iter().map(|(outcome, summary)| Ended { outcome, summary }).collect();
    if runs.is_empty() {
        ended.push(Ended { outcome: nothing.0, summary: &nothing.1 });
    }
    let timeline: String = runs.iter().map(|run| Timeline::render(&run.entries, Look::default())).collect();
    let lookup: Lookup = Arc::new(move |reference| cluster.object(reference));
    differences(&scenario.then, &ended, &changes(runs), &timeline, &lookup)
}

/// What the runs changed, in the order in which it happened.
fn changes(runs: &[PlayedRun]) -> Vec<Change> {
    let mut all = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let mut begun = None;
        for entry in &run.entries {
            match &entry.body {
                Body::Intent { prepared, .. } => begun = Some(prepared),
                Body::Reply { answer } => {
                    let Some(prepared) = begun.take() else { continue };
                    let (Effect::Mutate { mutation, .. }, Answer::Ok(Reply::Mutated(after))) =
                        (&prepared.effect, answer)
                    else {
                        continue;
                    };
                    let before =
                        prepared.before.clone().map_or(Value::Null, |object| (*redact(object)).clone());
                    all.push((
                        entry.at,
                        Change {
                            verb: mutation.verb(),
                            object: mutation.reference(),
                            step: (index, entry.step),
                            before,
                            after: (**after).clone(),
                        },
                    ));
                }
                _ => {}
            }
        }
    }
    // Each run's own are in order already, and the sort is stable.
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, change)| change).collect()
}

fn waiting(runs: &[Playing]) -> String {
    let open: Vec<_> = runs.iter().filter(|run| run.finished.is_none()).collect();
    let Some(run) = open.first() else { return "no run is at work".to_owned() };
    let last = Timeline::render(&run.log.entries(), Look::default());
    let last = last.lines().rev().nth(1).unwrap_or_default();
    format!("the run is still at\n{last}")
}

/// Whether a run ended as an operator hopes: repaired, nothing to repair, or planned.
pub fn ended_well(ending: &Ending) -> bool {
    matches!(ending.name(), "remediated" | "unnecessary" | "planned")
}

#[cfg(test)]
mod tests;
