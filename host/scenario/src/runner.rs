//! Plays a scenario: the real engine on a simulated cluster, under a virtual clock.

mod disk;
mod environment;
mod pace;
mod ready;
mod replay;
mod trouble;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use suture_core::clock::later;
use suture_core::object::redact;
use suture_core::{Ending, Labels, Program, Timestamp, VirtualClock};
use suture_journal::{Call, Entry};
use suture_simulator::SimulatedCluster;

use crate::expect::{Change, Difference, Ended, Lookup, check_doubts, differences};
use crate::format::Scenario;
use crate::report::{PlayedRun, Report, Verdict};
use crate::timeline::{Look, Timeline};
use crate::update::Observed;
use environment::Playing;

pub(crate) use disk::Disk;
pub(crate) use ready::{Play, Ready};
pub(crate) use trouble::{Death, Trouble};

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

/// Play a scenario with a policy, and compare what happens with what is expected. Each run is then played
/// back once, as after a crash: a policy must do the same on the same answers.
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
        observed: Observed::default(),
        notes: Vec::new(),
    };
    let play = match Ready::new(scenario, program.clone()) {
        Ok(ready) => ready.play(clock.clone(), watcher, None),
        Err((line, message)) => {
            report.verdict = Verdict::Invalid { line, message };
            return report;
        }
    };
    let (all, observed) = match play.failure {
        Some(message) => {
            let failed = Difference { expectation: "run".to_owned(), line: 0, message, at: None };
            (vec![failed], Observed::default())
        }
        None => {
            let nothing =
                play.nothing.unwrap_or(("unnecessary", "no alert fired, so nothing was run".to_owned()));
            let (mut all, observed) = compare(scenario, &play.runs, &nothing, play.cluster);
            // Where it differs from what is expected, that is said first, and by itself.
            if all.is_empty() {
                let ended = play.runs.iter().enumerate().filter(|(_, run)| run.ending.is_some());
                all.extend(ended.filter_map(|(index, run)| {
                    replay::difference(index, run, &scenario.limits, &*program, &clock)
                }));
            }
            (all, observed)
        }
    };
    if !all.is_empty() {
        report.verdict = Verdict::Failed(all);
    }
    Report { simulated: play.simulated, runs: play.runs, observed, notes: play.notes, ..report }
}

fn compare(
    scenario: &Scenario,
    runs: &[PlayedRun],
    nothing: &(&'static str, String),
    cluster: SimulatedCluster,
) -> (Vec<Difference>, Observed) {
    let endings = runs.iter().filter_map(|run| run.ending.as_ref());
    let mut ended: Vec<_> = endings.map(|ending| (ending.name().to_owned(), ending.summary())).collect();
    if runs.is_empty() {
        ended.push((nothing.0.to_owned(), nothing.1.clone()));
    }
    let as_expected: Vec<_> = ended.iter().map(|(outcome, summary)| Ended { outcome, summary }).collect();
    let timeline: String = runs.iter().map(|run| Timeline::render(&run.entries, Look::default())).collect();
    let changes = changes(runs, &cluster);
    let lookup: Lookup = Arc::new(move |reference| cluster.object(reference));
    let doubts: Vec<String> = runs.iter().flat_map(|run| run.doubts.clone()).collect();
    let mut all = differences(&scenario.then, &as_expected, &changes, &timeline, &lookup);
    all.extend(check_doubts(&scenario.then, &doubts));
    (all, Observed { ended, changes, timeline, doubts })
}

/// What the runs changed, in the order in which it happened.
fn changes(runs: &[PlayedRun], cluster: &SimulatedCluster) -> Vec<Change> {
    let mut objects: BTreeMap<String, _> = BTreeMap::new();
    for change in cluster.mutations() {
        objects.extend(change.step.map(|step| (step.to_string(), change.objects)));
    }
    let mut all = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        for call in Call::all(&run.entries) {
            let (Some((mutation, after)), Some(prepared)) = (call.change(), &call.prepared) else { continue };
            let before = prepared.before.clone().map_or_else(Arc::default, redact);
            all.push(Change {
                mutation: mutation.mutation_type(),
                object: mutation.reference(),
                at: call.answered_at,
                step: (index, call.step),
                before,
                after: after.clone(),
                // What observe mode only plans never came so far.
                objects: objects.get(&prepared.step.to_string()).cloned().unwrap_or_default(),
            });
        }
    }
    // Each run's own are in order already, and the sort is stable.
    all.sort_by_key(|change| change.at);
    all
}

fn waiting(runs: &[Playing], disk: &Disk) -> String {
    let Some(run) = runs.iter().position(|run| run.finished.is_none()) else {
        return "no run is at work".to_owned();
    };
    let last = Timeline::render(&disk.entries(run), Look::default());
    let last = last.lines().rev().nth(1).unwrap_or_default();
    format!("the run is still at\n{last}")
}

/// Whether a run ended as an operator hopes: repaired, nothing to repair, or planned.
pub fn ended_well(ending: &Ending) -> bool {
    matches!(ending.name(), "remediated" | "unnecessary" | "planned")
}

#[cfg(test)]
mod tests;
