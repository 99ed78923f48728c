//! What a scenario is played on: the cluster, the clock, the alerts as they come.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use futures::future::{BoxFuture, Either, select};
use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use serde_json::Value;
use suture_cluster::SimulatedCluster;
use suture_core::clock::later;
use suture_core::{
    AlertStatus, Clock, Grant, HumanDuration, Incident, IncidentId, Labels, Limits, Mode, Program, RunId,
    Timestamp, VirtualClock,
};
use suture_engine::{Confirm, Finished, Locks, RunSpec, Session, execute, key};
use suture_journal::{Cancel, Entry, JournalError, MemoryLog, Observer};

use super::Watcher;
use crate::expect::check_possible;
use crate::format::{Event, Scenario};
use crate::report::PlayedRun;

/// Everything that a scenario is played with.
pub(super) struct Stage {
    program: Arc<dyn Program>,
    pub(super) cluster: SimulatedCluster,
    clock: Arc<VirtualClock>,
    locks: Arc<Locks>,
    grants: Vec<Grant>,
    settings: Value,
    mode: Mode,
    limits: Limits,
    alerts_fire: bool,
    watcher: Option<Arc<dyn Watcher>>,
    pub(super) played: Mutex<Played>,
}

/// What was played so far.
#[derive(Default)]
pub(super) struct Played {
    pub(super) runs: Vec<Playing>,
    pub(super) notes: Vec<String>,
    /// How a scenario without any run ended.
    pub(super) nothing: Option<(&'static str, String)>,
}

pub(super) struct Playing {
    key: Labels,
    started: Timestamp,
    pub(super) log: Arc<MemoryLog>,
    pub(super) finished: Option<Finished>,
}

impl Playing {
    pub(super) fn into_run(self) -> PlayedRun {
        let (ending, doubts) = match self.finished {
            Some(Finished { ending, doubts, .. }) => (Some(ending), doubts),
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
    pub(super) fn set(
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

    pub(super) async fn play(&self, events: &[Event]) -> Result<(), JournalError> {
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
            past: None,
        };
        let session = Session {
            cluster: Arc::new(self.cluster.clone()),
            clock: self.clock.clone(),
            log,
            locks: self.locks.clone(),
            cancel: Cancel::new(),
            observer,
            metrics: None,
            places: None,
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
