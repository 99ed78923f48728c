//! Plays a scenario: the real engine on a simulated cluster, under a virtual clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{BoxFuture, Either, select};
use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use serde_json::Value;
use suture_cluster::SimulatedCluster;
use suture_core::clock::{Driven, later};
use suture_core::object::redact;
use suture_core::{
    AlertStatus, Clock, Effect, Ending, Grant, HumanDuration, Incident, IncidentId, Labels, Program, Reply,
    RunId, Timestamp, VirtualClock,
};
use suture_engine::{Confirm, Finished, Locks, RunSpec, Session, execute, key};
use suture_journal::Observer;
use suture_journal::{Answer, Body, Cancel, Entry, JournalError, MemoryLog};

use crate::expect::{Change, Difference, Ended, Lookup, check_possible, differences};
use crate::format::{Event, Scenario};
use crate::report::{PlayedRun, Report, Verdict};
use crate::timeline::{Look, Timeline};

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
    let clock = Arc::new(VirtualClock::new(now, later(now, scenario.limit.get())));
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

/// Everything that a scenario is played with.
struct Stage {
    program: Arc<dyn Program>,
    cluster: SimulatedCluster,
    clock: Arc<VirtualClock>,
    locks: Arc<Locks>,
    grants: Vec<Grant>,
    settings: Value,
    mode: suture_core::Mode,
    limits: suture_core::Limits,
    alerts_fire: bool,
    watcher: Option<Arc<dyn Watcher>>,
    played: Mutex<Played>,
}

/// What was played so far.
#[derive(Default)]
struct Played {
    runs: Vec<Playing>,
    notes: Vec<String>,
    /// How a scenario without any run ended.
    nothing: Option<(&'static str, String)>,
}

struct Playing {
    key: Labels,
    started: Timestamp,
    log: Arc<MemoryLog>,
    finished: Option<Finished>,
}

impl Playing {
    fn into_run(self) -> PlayedRun {
        let (ending, doubts) = match self.finished {
            Some(Finished { ending, doubts }) => (Some(ending), doubts),
            None => (None, Vec::new()),
        };
        PlayedRun { key: self.key, started: self.started, ending, doubts, entries: self.log.entries() }
    }
}

type Running<'a> = FuturesUnordered<BoxFuture<'a, (usize, Labels, Result<Finished, JournalError>)>>;

/// An incident of the scenario: its run, and whether the alert was resolved meanwhile.
#[derive(Default)]
struct Open {
    is_running: bool,
    is_resolved: bool,
}

impl Stage {
    fn set(
        scenario: &Scenario,
        program: Arc<dyn Program>,
        clock: Arc<VirtualClock>,
        watcher: Option<Arc<dyn Watcher>>,
    ) -> Result<Self, (u64, String)> {
        let manifest = program.manifest();
        let settings = manifest
            .settings_schema
            .fill(scenario.settings.clone())
            .map_err(|error| (0, format!("`given.settings` break the policy's schema: {error}")))?;
        let cluster = SimulatedCluster::new(scenario.fixture.clone(), clock.clone())
            .map_err(|error| (0, format!("the simulated cluster can't be set up: {error}")))?;
        let grants = scenario.grants(manifest);
        block_on(check_possible(&scenario.then, &cluster, manifest, &grants))?;
        Ok(Self {
            cluster,
            clock,
            locks: Arc::default(),
            grants,
            settings,
            mode: scenario.mode,
            limits: scenario.limits.clone(),
            alerts_fire: !scenario.lists_alerts,
            watcher,
            played: Mutex::default(),
            program,
        })
    }

    async fn play(&self, events: &[Event]) -> Result<(), JournalError> {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let start = clock.now();
        let mut open: BTreeMap<Labels, Open> = BTreeMap::new();
        let mut running: Running<'_> = FuturesUnordered::new();
        for event in events {
            let mut due = clock.sleep_until(later(start, event.after));
            while !running.is_empty() {
                match select(due, running.next()).await {
                    Either::Left(_) => {
                        due = Box::pin(std::future::ready(()));
                        break;
                    }
                    Either::Right((ended, still_due)) => {
                        due = still_due;
                        self.ended(ended, &mut open)?;
                    }
                }
            }
            due.await;
            self.happens(event, &mut open, &running);
        }
        while let Some(ended) = running.next().await {
            self.ended(Some(ended), &mut open)?;
        }
        Ok(())
    }

    fn ended(
        &self,
        ended: Option<(usize, Labels, Result<Finished, JournalError>)>,
        open: &mut BTreeMap<Labels, Open>,
    ) -> Result<(), JournalError> {
        let Some((index, key, finished)) = ended else { return Ok(()) };
        if let Some(incident) = open.get_mut(&key) {
            incident.is_running = false;
            if incident.is_resolved {
                open.remove(&key);
            }
        }
        if let Some(run) = self.played.lock().runs.get_mut(index) {
            run.finished = Some(finished?);
        }
        Ok(())
    }

    /// An alert fires or is resolved, as Alertmanager tells it.
    fn happens<'a>(&'a self, event: &Event, open: &mut BTreeMap<Labels, Open>, running: &Running<'a>) {
        let alert = &event.alert;
        if self.alerts_fire {
            self.cluster.set_alert(alert);
        }
        let manifest = self.program.manifest();
        let after = HumanDuration::from(event.after);
        if !manifest.matchers.matches(&alert.labels) {
            let note = format!(
                "the alert at {after} is not for policy `{}`, whose matchers are {}",
                manifest.name, manifest.matchers
            );
            let mut played = self.played.lock();
            played.nothing.get_or_insert(("unnecessary", note.clone()));
            played.notes.push(note);
            return;
        }
        let key = match key::key(manifest, &alert.labels) {
            Ok(key) => key,
            Err(error) => {
                let mut played = self.played.lock();
                // Stronger than an alert that is merely for somebody else.
                played.nothing = Some(("failed", error.clone()));
                played.notes.push(format!("the alert at {after} is refused: {error}"));
                return;
            }
        };
        if alert.status == AlertStatus::Resolved {
            match open.get_mut(&key) {
                Some(incident) if incident.is_running => incident.is_resolved = true,
                _ => _ = open.remove(&key),
            }
            return;
        }
        if let Some(incident) = open.get_mut(&key) {
            incident.is_resolved = false;
            self.played
                .lock()
                .notes
                .push(format!("the alert at {after} belongs to the incident that is open"));
            return;
        }
        open.insert(key.clone(), Open { is_running: true, is_resolved: false });
        running.push(self.start(key, event));
    }

    fn start<'a>(
        &'a self,
        key: Labels,
        event: &Event,
    ) -> BoxFuture<'a, (usize, Labels, Result<Finished, JournalError>)> {
        let log = Arc::new(MemoryLog::default());
        let started = self.clock.now();
        let index = {
            let mut played = self.played.lock();
            played.runs.push(Playing { key: key.clone(), started, log: log.clone(), finished: None });
            played.runs.len() - 1
        };
        if let Some(watcher) = &self.watcher {
            watcher.began(index, &key, started);
        }
        let observer =
            self.watcher.clone().map(|watcher| Arc::new(Watched { watcher, index }) as Arc<dyn Observer>);
        let spec = RunSpec {
            run: RunId::new(format!("run-{}", index + 1)),
            policy: self.program.manifest().name.clone(),
            program: self.program.clone(),
            incident: Incident {
                id: IncidentId::new(format!("incident-{}", index + 1)),
                key: key.clone(),
                alert: event.alert.clone(),
                attempt: 1,
                settings: self.settings.clone(),
            },
            mode: self.mode,
            limits: self.limits.clone(),
            grants: self.grants.clone(),
            confirm: Confirm::prometheus(),
        };
        let session = Session {
            cluster: Arc::new(self.cluster.clone()),
            clock: self.clock.clone(),
            log,
            locks: self.locks.clone(),
            cancel: Cancel::new(),
            observer,
            metrics: None,
        };
        Box::pin(async move { (index, key, execute(spec, session).await) })
    }
}

/// Passes a run's entries on, with the run's number.
struct Watched {
    watcher: Arc<dyn Watcher>,
    index: usize,
}

impl Observer for Watched {
    fn entry(&self, entry: &Entry) {
        self.watcher.entry(self.index, entry);
    }
}

/// Whether a run ended as an operator hopes: repaired, nothing to repair, or planned.
pub fn ended_well(ending: &Ending) -> bool {
    matches!(ending.name(), "remediated" | "unnecessary" | "planned")
}

#[cfg(test)]
mod tests;
