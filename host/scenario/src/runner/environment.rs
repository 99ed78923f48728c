//! What a scenario is played on: the cluster, the clock, the alerts as they come.

mod locks;
mod restarts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Poll;

use futures::future::{BoxFuture, Either, FutureExt, poll_fn, select};
use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use suture_core::clock::{Sleep, later};
use suture_core::{
    AlertStatus, Clock, Ending, Halt, HumanDuration, Incident, Labels, Timestamp, VirtualClock,
};
use suture_engine::locks::Held;
use suture_engine::{Cluster, Finished, Locks, key};
use suture_journal::{JournalError, RunLog};
use suture_simulator::SimulatedCluster;

use super::Watcher;
use super::disk::{Disk, Record};
use super::ready::Ready;
use super::trouble::{Death, Trouble};
use crate::format::Event;
use crate::report::PlayedRun;

/// Everything that a scenario is played with, once.
pub(super) struct Environment<'a> {
    ready: &'a Ready<'a>,
    pub cluster: SimulatedCluster,
    /// The cluster as the host meets it.
    met: Arc<dyn Cluster>,
    clock: Arc<VirtualClock>,
    /// Those of the host that is alive.
    locks: Mutex<Arc<Locks>>,
    /// The locks that others hold, each with its end.
    others: Mutex<Vec<(Held, Option<Timestamp>)>>,
    start: Timestamp,
    pub disk: Arc<Disk>,
    watcher: Option<Arc<dyn Watcher>>,
    trouble: Option<Arc<dyn Trouble>>,
    pub played: Mutex<Played>,
}

/// What was played so far.
#[derive(Default)]
pub(super) struct Played {
    pub runs: Vec<Playing>,
    pub notes: Vec<String>,
    /// How a scenario without any run ended.
    pub nothing: Option<(&'static str, String)>,
}

pub(super) struct Playing {
    /// The incident's number, from 1: a run that can't go on has a successor.
    number: usize,
    incident: Incident,
    started: Timestamp,
    log: Arc<dyn RunLog>,
    pub finished: Option<Finished>,
}

impl Playing {
    pub fn into_run((playing, record): (Self, Record)) -> PlayedRun {
        let (ending, doubts) = match playing.finished {
            Some(Finished { ending, doubts, .. }) => (Some(ending), doubts),
            None => (None, Vec::new()),
        };
        let Record { entries, marks, .. } = record;
        PlayedRun { incident: playing.incident, started: playing.started, ending, doubts, entries, marks }
    }
}

/// The end of a run, by its number from 0.
type Ended = (usize, Result<Finished, JournalError>);
type Running<'a> = FuturesUnordered<BoxFuture<'a, Ended>>;

/// An incident of the scenario: its run, and whether the alert was resolved meanwhile.
#[derive(Default)]
struct Open {
    is_running: bool,
    is_resolved: bool,
}

/// What happens next.
enum Next {
    /// The time has come for what is waited for.
    Due,
    Ended(Ended),
    Died(Death),
    /// Nothing is waited for, and nothing runs.
    Over,
}

impl<'a> Environment<'a> {
    pub fn set(
        ready: &'a Ready<'a>,
        clock: Arc<VirtualClock>,
        watcher: Option<Arc<dyn Watcher>>,
        trouble: Option<Arc<dyn Trouble>>,
    ) -> Self {
        let cluster = ready.cluster.fork(clock.clone());
        let disk = Arc::<Disk>::default();
        let met: Arc<dyn Cluster> = match &trouble {
            Some(trouble) => trouble.clone().cluster_for_host(&cluster, clock.clone(), disk.clone()),
            None => Arc::new(cluster.clone()),
        };
        let (locks, others, played) = (Mutex::default(), Mutex::default(), Mutex::default());
        let start = clock.now();
        Self { ready, cluster, met, clock, locks, others, start, disk, watcher, trouble, played }
    }

    /// Play it among those who hold locks for a while.
    pub async fn play(&self, sent: &[Event]) -> Result<(), JournalError> {
        self.let_others_hold();
        let others = std::pin::pin!(self.release());
        let play = std::pin::pin!(self.play_alone(sent));
        match select(play, others).await {
            Either::Left((played, _)) => played,
            Either::Right((never, _)) => match never {},
        }
    }

    async fn play_alone(&self, sent: &[Event]) -> Result<(), JournalError> {
        let told = self.trouble.as_ref().map(|trouble| trouble.delivered(sent));
        let events = told.as_deref().unwrap_or(sent);
        let clock: Arc<dyn Clock> = self.clock.clone();
        let start = clock.now();
        let mut open: BTreeMap<Labels, Open> = BTreeMap::new();
        let mut running: Running<'_> = FuturesUnordered::new();
        for event in events {
            self.go_on(Some(clock.sleep_until(later(start, event.after))), &mut open, &mut running).await?;
            self.happens(event, &mut open, &running);
        }
        self.go_on(None, &mut open, &mut running).await?;
        if self.trouble.as_ref().is_some_and(|trouble| trouble.tells_again()) {
            open.clear();
            for event in events.iter().filter(|event| event.alert.status == AlertStatus::Firing) {
                self.happens(event, &mut open, &running);
            }
            self.go_on(None, &mut open, &mut running).await?;
        }
        Ok(())
    }

    /// Let the runs go on until a time; to their end, where none is given.
    async fn go_on<'r>(
        &'r self,
        mut due: Option<Sleep>,
        open: &mut BTreeMap<Labels, Open>,
        running: &mut Running<'r>,
    ) -> Result<(), JournalError> {
        let mut death = self.death();
        loop {
            match next(&mut due, running, &mut death).await {
                Next::Due | Next::Over => return Ok(()),
                Next::Ended((index, finished)) => self.ended(index, finished?, open, running),
                Next::Died(how) => {
                    // Wherever they were, they end there.
                    *running = FuturesUnordered::new();
                    self.come_back(how, running).await;
                    death = self.death();
                }
            }
        }
    }

    fn death(&self) -> BoxFuture<'_, Death> {
        match &self.trouble {
            Some(trouble) => trouble.death(),
            None => futures::future::pending().boxed(),
        }
    }

    fn ended<'r>(
        &'r self,
        index: usize,
        finished: Finished,
        open: &mut BTreeMap<Labels, Open>,
        running: &Running<'r>,
    ) {
        self.disk.sync();
        let (number, key, alert) = {
            let mut played = self.played.lock();
            let Some(run) = played.runs.get_mut(index) else { return };
            run.finished = Some(finished.clone());
            (run.number, run.incident.key.clone(), run.incident.alert.clone())
        };
        // Its host died, and it could not go on: its incident gets another run.
        if finished.ending == Ending::Halted(Halt::Shutdown) {
            running.push(self.start(Some(number), key, &alert));
            return;
        }
        if let Some(incident) = open.get_mut(&key) {
            incident.is_running = false;
            if incident.is_resolved {
                open.remove(&key);
            }
        }
    }

    /// An alert fires or is resolved, as Alertmanager tells it.
    fn happens<'r>(&'r self, event: &Event, open: &mut BTreeMap<Labels, Open>, running: &Running<'r>) {
        let alert = &event.alert;
        if !self.ready.scenario.lists_alerts {
            self.cluster.set_alert(alert);
        }
        let manifest = self.ready.program.manifest();
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
        running.push(self.start(None, key, alert));
    }
}

/// What happens next.
async fn next(due: &mut Option<Sleep>, running: &mut Running<'_>, death: &mut BoxFuture<'_, Death>) -> Next {
    poll_fn(|context| {
        if let Poll::Ready(ended) = running.poll_next_unpin(context) {
            match (ended, &due) {
                (Some(ended), _) => return Poll::Ready(Next::Ended(ended)),
                (None, None) => return Poll::Ready(Next::Over),
                (None, Some(_)) => {}
            }
        }
        // Only runs at work can meet with it.
        if let Poll::Ready(death) = death.poll_unpin(context) {
            return Poll::Ready(Next::Died(death));
        }
        match due {
            Some(due) => due.poll_unpin(context).map(|()| Next::Due),
            None => Poll::Pending,
        }
    })
    .await
}
