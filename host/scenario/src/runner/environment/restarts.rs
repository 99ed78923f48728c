//! The runs of a host, from one of its lives to the next.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;
use suture_core::{Alert, Clock, Incident, Labels, Mode, Program};
use suture_engine::run::{Past, Unfinished, recover};
use suture_engine::{Confirm, Locks, RunSpec, Session, execute};
use suture_journal::{Body, Cancel, Entry, Observer, RunLog};

use super::{Ended, Environment, Playing, Running};
use crate::format::RunIdentity;
use crate::runner::Watcher;
use crate::runner::pace::Paced;
use crate::runner::ready::Ready;
use crate::runner::trouble::Death;

impl Environment<'_> {
    /// A run of an incident, by its number; of one of its own, where none is given.
    pub(super) fn start(
        &self,
        number: Option<usize>,
        key: Labels,
        alert: &Arc<Alert>,
    ) -> BoxFuture<'_, Ended> {
        let started = self.clock.now();
        let log = self.disk.log(self.trouble.clone());
        let (index, incident) = {
            let mut played = self.played.lock();
            let index = played.runs.len();
            let number = number.unwrap_or(index + 1);
            let incident = self.incident(index, number, key, alert.clone());
            let log = log.clone();
            played.runs.push(Playing { number, incident: incident.clone(), started, log, finished: None });
            (index, incident)
        };
        if let Some(watcher) = &self.watcher {
            watcher.began(index, &incident.key, started);
        }
        let spec = self.spec(index, incident, None);
        let session = self.session(index, log);
        async move { (index, execute(spec, session).await) }.boxed()
    }

    /// The host is there again after a while, and takes its unfinished runs up as a real
    /// one does.
    pub(super) async fn come_back<'r>(&'r self, death: Death, running: &mut Running<'r>) {
        if death.loses_unsynced {
            self.disk.lose();
        }
        let clock: Arc<dyn Clock> = self.clock.clone();
        clock.sleep(death.down).await;
        let locks = Arc::<Locks>::default();
        *self.locks.lock() = locks.clone();
        // The others are taken up as well.
        self.let_others_hold();
        let policy = &self.ready.program.manifest().name;
        let unfinished: Vec<_> = {
            let played = self.played.lock();
            let open = played.runs.iter().enumerate().filter(|(_, run)| run.finished.is_none());
            open.map(|(index, run)| {
                let Playing { incident, started, log, .. } = run;
                (index, incident.clone(), *started, log.clone())
            })
            .collect()
        };
        // The locks of all of them, before any goes on.
        let taken_up: Vec<_> = unfinished
            .into_iter()
            .map(|(index, incident, started, log)| {
                let past = Past::new(self.disk.entries(index), started, policy, &locks);
                (index, log, self.spec(index, incident, Some(past)))
            })
            .collect();
        for (index, log, spec) in taken_up {
            running.push(self.take_up(index, spec, self.session(index, log), death.module_is_gone));
        }
    }

    pub(super) fn take_up(
        &self,
        index: usize,
        spec: RunSpec,
        session: Session,
        module_is_gone: bool,
    ) -> BoxFuture<'_, Ended> {
        let is_end = |entry: &Entry| matches!(entry.body, Body::Ended { .. });
        let has_ended = spec.past.as_ref().is_some_and(|past| past.entries.iter().any(is_end));
        if !has_ended && !module_is_gone && spec.mode == Mode::Enforce {
            return async move { (index, execute(spec, session).await) }.boxed();
        }
        let RunSpec { run, policy, program, incident, mode, limits, grants, past, .. } = spec;
        let entries = past.map(|past| past.entries).unwrap_or_default();
        let requested = program.manifest().permissions_of_run(&incident.settings);
        let module = program.digest().to_owned();
        let unfinished =
            Unfinished { run, policy, module, requested, incident, mode, limits, grants, entries };
        async move { (index, recover(unfinished, session).await) }.boxed()
    }

    /// The policy, late where the scenario says so.
    pub(super) fn paced(&self, index: usize, program: &Arc<dyn Program>) -> Arc<dyn Program> {
        let pauses = &self.ready.scenario.pauses;
        if index > 0 || pauses.is_empty() {
            return program.clone();
        }
        let pauses = Arc::new(Mutex::new(pauses.clone()));
        Arc::new(Paced { program: program.clone(), clock: self.clock.clone(), pauses })
    }

    /// What the run `index` (from 0) is about: the incident `number` (from 1).
    fn incident(&self, index: usize, number: usize, key: Labels, alert: Arc<Alert>) -> Incident {
        let id = self.identity(number.saturating_sub(1)).incident;
        let attempt = self.identity(index).attempt;
        Incident { id, key, alert, attempt, settings: self.ready.settings.clone() }
    }

    fn identity(&self, index: usize) -> RunIdentity {
        if index == 0 { self.ready.scenario.run.clone() } else { RunIdentity::counted(index) }
    }

    pub(super) fn spec(&self, index: usize, incident: Incident, past: Option<Past>) -> RunSpec {
        let Ready { scenario, program, grants, .. } = self.ready;
        RunSpec {
            run: self.identity(index).id,
            policy: program.manifest().name.clone(),
            program: self.paced(index, program),
            incident,
            mode: scenario.mode,
            limits: scenario.limits.clone(),
            grants: grants.clone(),
            confirm: Confirm::prometheus(),
            past,
        }
    }

    pub(super) fn session(&self, index: usize, log: Arc<dyn RunLog>) -> Session {
        let observer =
            self.watcher.clone().map(|watcher| Arc::new(Watched { watcher, index }) as Arc<dyn Observer>);
        Session {
            cluster: self.met.clone(),
            clock: self.clock.clone(),
            log,
            locks: self.locks.lock().clone(),
            cancel: Cancel::new(),
            observer,
            metrics: None,
            places: None,
            silences: None,
        }
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
