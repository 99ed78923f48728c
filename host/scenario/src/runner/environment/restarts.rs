//! The runs of a host, from one of its lives to the next.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;
use suture_core::{Alert, Clock, Incident, Labels, Mode, Program};
use suture_engine::run::{Past, Unfinished, recover};
use suture_engine::{Confirm, Locks, RunSpec, Session, execute};
use suture_journal::{Cancel, Entry, Ledger, Observer, RunLog};

use super::{Ended, Environment, Playing, Running};
use crate::format::RunIdentity;
use crate::runner::Watcher;
use crate::runner::pace::Paced;
use crate::runner::ready::Ready;
use crate::runner::trouble::Death;

impl Environment<'_> {
    /// A run of an incident; of one of its own, where none is given.
    pub(super) fn start(
        &self,
        incident: Option<usize>,
        key: Labels,
        alert: &Arc<Alert>,
    ) -> BoxFuture<'_, Ended> {
        let started = self.clock.now();
        let log = self.disk.log(self.trouble.clone());
        let (index, incident) = {
            let mut played = self.played.lock();
            let incident = incident.unwrap_or(played.runs.len() + 1);
            let (key, alert, log) = (key.clone(), alert.clone(), log.clone());
            played.runs.push(Playing { incident, key, alert, started, log, finished: None });
            (played.runs.len() - 1, incident)
        };
        if let Some(watcher) = &self.watcher {
            watcher.began(index, &key, started);
        }
        let spec = self.spec(index, incident, key, alert.clone(), None);
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
                let Playing { incident, key, alert, started, log, .. } = run;
                (index, *incident, key.clone(), alert.clone(), *started, log.clone())
            })
            .collect()
        };
        // The locks of all of them, before any goes on.
        let taken_up: Vec<_> = unfinished
            .into_iter()
            .map(|(index, incident, key, alert, started, log)| {
                let past = Past::new(self.disk.entries(index), started, policy, &locks);
                (index, log, self.spec(index, incident, key, alert, Some(past)))
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
        let entries = spec.past.as_ref().map(|past| past.entries.clone()).unwrap_or_default();
        let has_ended = Ledger::of(&entries).ending().is_some();
        if !has_ended && !module_is_gone && spec.mode == Mode::Enforce {
            return async move { (index, execute(spec, session).await) }.boxed();
        }
        let RunSpec { run, policy, program, incident, mode, limits, grants, .. } = spec;
        let requested = program.manifest().permissions_of_run(&incident.settings);
        let unfinished = Unfinished { run, policy, requested, incident, mode, limits, grants, entries };
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

    pub(super) fn spec(
        &self,
        index: usize,
        incident: usize,
        key: Labels,
        alert: Arc<Alert>,
        past: Option<Past>,
    ) -> RunSpec {
        let Ready { scenario, program, settings, grants, .. } = self.ready;
        let named =
            |index: usize| if index == 0 { scenario.run.clone() } else { RunIdentity::counted(index) };
        let (identity, incident) = (named(index), named(incident.saturating_sub(1)).incident);
        RunSpec {
            run: identity.id,
            policy: program.manifest().name.clone(),
            program: self.paced(index, program),
            incident: Incident {
                id: incident,
                key,
                alert,
                attempt: identity.attempt,
                settings: settings.clone(),
            },
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
