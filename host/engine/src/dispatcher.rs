//! The one task that moves incidents along. It owns them; all else sends it commands.

mod conclude;
mod escalate;
mod incidents;
mod recent;
mod route;
mod runs;
mod take_up;
mod turns;
mod unconfirmed;
mod verify;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use suture_core::clock::later;
use suture_core::{Halt, IncidentId, Labels, RunId, Timestamp};
use suture_journal::{Cancel, Change, Durability, IncidentRecord, JournalError};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::budget::Window;
use crate::engine::{ByHand, Shared, StartError};
use crate::policy::Policy;
use crate::run::Finished;
pub use incidents::is_our_own;
use unconfirmed::{Answer, Unconfirmed};

/// What the dispatcher is told.
pub(crate) enum Command {
    /// A run is over.
    Ended { run: RunId, finished: Result<Finished, JournalError> },
    /// A run began or ceased to wait.
    Waiting { run: RunId, waiting: bool },
    /// Prometheus was asked whether an incident's alert still fires.
    Checked { incident: IncidentId, firing: Result<bool, String> },
    /// Prometheus was asked about alerts that are not confirmed yet; why it could not be.
    Confirmed { answers: Vec<(IncidentId, Answer)>, unavailable: Option<String> },
    /// People were told of an incident, or could not be.
    Paged { incident: IncidentId, result: Result<(), String> },
    /// Start a run by hand.
    Start {
        policy: String,
        labels: Labels,
        by: ByHand,
        reply: oneshot::Sender<Result<IncidentId, StartError>>,
    },
    /// End a run. Answers whether it was at work.
    Cancel { run: RunId, why: String, reply: oneshot::Sender<bool> },
    /// The operator resumed.
    Resumed,
    /// Stop: start nothing more, and say when nothing is at work.
    Shutdown { reply: oneshot::Sender<()> },
    /// The time of grace is over: what is still at work is interrupted.
    Interrupt,
}

/// A policy's name, and the key of what it works on. Shared: ten thousand runs that wait have
/// one each.
type Key = Arc<(String, Labels)>;

/// A run at work.
struct AtWork {
    incident: IncidentId,
    policy: String,
    key: Key,
    cancel: Cancel,
    record: suture_journal::RunRecord,
    /// It waits, and counts for nothing.
    waiting: bool,
}

/// What belongs to one policy.
#[derive(Default)]
struct PerPolicy {
    started: Window,
    opened: Window,
    storm: bool,
}

pub(crate) struct Dispatcher {
    shared: Arc<Shared>,
    commands: mpsc::UnboundedReceiver<Command>,
    ids: ulid::Generator,
    /// Incidents that are not closed.
    incidents: BTreeMap<IncidentId, IncidentRecord>,
    by_key: HashMap<Key, Vec<IncidentId>>,
    /// Which of them Prometheus has yet to confirm.
    unconfirmed: Unconfirmed,
    at_work: HashMap<RunId, AtWork>,
    busy_keys: HashSet<Key>,
    /// When each verifying incident is looked at next.
    polls: HashMap<IncidentId, Timestamp>,
    policies: HashMap<String, PerPolicy>,
    locks: Arc<crate::locks::Locks>,
    /// For instances.
    places: Arc<Semaphore>,
    /// What is not on disk yet, in order.
    unsaved: Vec<Change>,
    cluster_id: String,
    /// When the journal is pruned next.
    prune_at: Timestamp,
    /// Who waits for nothing to be at work any more.
    shutdown: Option<oneshot::Sender<()>>,
}

/// How long to wait before a journal that could not be written is tried again.
const JOURNAL_RETRY: Duration = Duration::from_secs(1);
/// How often a journal that is full is looked at.
const ROOM_EVERY: Duration = Duration::from_secs(5);
/// How often what is over for long enough is removed.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// Runs that are kept, however old they are.
const RUNS_KEPT: usize = 1000;

impl Dispatcher {
    /// Take up what an earlier host left.
    pub async fn load(
        shared: Arc<Shared>,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Result<Self, JournalError> {
        let places = shared.budgets.concurrent_runs.min(Semaphore::MAX_PERMITS);
        let mut dispatcher = Self {
            cluster_id: crate::cluster::identity(&*shared.cluster).await,
            prune_at: shared.clock.after(PRUNE_EVERY),
            shared,
            commands,
            ids: ulid::Generator::new(),
            incidents: BTreeMap::new(),
            by_key: HashMap::new(),
            unconfirmed: Unconfirmed::default(),
            at_work: HashMap::new(),
            busy_keys: HashSet::new(),
            polls: HashMap::new(),
            policies: HashMap::new(),
            locks: Arc::default(),
            places: Arc::new(Semaphore::new(places)),
            unsaved: Vec::new(),
            shutdown: None,
        };
        dispatcher.take_up().await?;
        Ok(dispatcher)
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn policy(&self, name: &str) -> Option<Arc<Policy>> {
        self.shared.table.find(name)
    }

    fn id(&mut self) -> String {
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let id = self.ids.generate_from_datetime(time).unwrap_or_else(ulid::Overflow::commit_overflow_random);
        id.to_string().to_lowercase()
    }

    pub async fn run(mut self) {
        loop {
            let shared = self.shared.clone();
            let wake = self.next_wake();
            let sleep = async {
                match wake {
                    Some(at) => shared.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => self.handle(command).await,
                    None => return,
                },
                () = shared.arrived.notified() => {},
                () = sleep => {},
            }
            // All that is already there, before anything is written.
            while let Ok(command) = self.commands.try_recv() {
                self.handle(command).await;
            }
            if self.save().await {
                self.route().await;
                self.advance().await;
                self.save().await;
                self.prune().await;
            }
            if self.is_shut_down() {
                if let Some(reply) = self.shutdown.take() {
                    let _ = reply.send(());
                }
                return;
            }
        }
    }

    async fn handle(&mut self, command: Command) {
        match command {
            Command::Ended { run, finished } => self.ended(&run, finished),
            Command::Waiting { run, waiting } => self.waiting(&run, waiting),
            Command::Checked { incident, firing } => self.checked(&incident, firing),
            Command::Confirmed { answers, unavailable } => self.answered(answers, unavailable),
            Command::Paged { incident, result } => self.paged(&incident, result),
            Command::Start { policy, labels, by, reply } => {
                let started = self.start_by_hand(&policy, labels, by);
                // An answer is a promise: it is on disk first.
                let answer = match started {
                    Ok(_) if !self.save().await => {
                        Err(StartError::Unavailable("the journal can't be written".to_owned()))
                    }
                    other => other,
                };
                let _ = reply.send(answer);
            }
            Command::Cancel { run, why, reply } => {
                let at_work = self.at_work.get(&run);
                if let Some(at_work) = at_work {
                    at_work.cancel.halt(Halt::Cancelled(why));
                }
                let _ = reply.send(at_work.is_some());
            }
            Command::Resumed => self.policies.values_mut().for_each(|policy| {
                policy.storm = false;
                policy.opened = Window::default();
            }),
            Command::Shutdown { reply } => self.shutdown = Some(reply),
            Command::Interrupt => {
                self.at_work.values().for_each(|at_work| at_work.cancel.halt(Halt::Shutdown));
            }
        }
    }

    /// Write what is unsaved. False where the journal can't be written: nothing new is
    /// begun until it can.
    async fn save(&mut self) -> bool {
        if self.unsaved.is_empty() {
            return true;
        }
        match self.shared.journal.commit(self.unsaved.clone(), Durability::Synced).await {
            Ok(()) => {
                self.unsaved.clear();
                true
            }
            Err(error) => {
                tracing::error!(%error, "the journal can't be written; nothing new is begun until it can");
                false
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        if !self.unsaved.is_empty() {
            return Some(self.shared.clock.after(JOURNAL_RETRY));
        }
        let due = self
            .incidents
            .values()
            .filter(|incident| incident.state.is_active())
            .filter_map(|incident| incident.due);
        let windows = self.policies.values().filter_map(|policy| policy.started.next_change(runs::HOUR));
        let storms = self
            .policies
            .values()
            .filter(|policy| policy.storm)
            .filter_map(|policy| policy.opened.next_change(self.shared.budgets.storm_window.get()));
        // While the journal is full, what is queued waits for room, of which nobody tells.
        let is_full = self.shared.journal.room().is_full_with(0);
        let room = is_full.then(|| self.shared.clock.after(ROOM_EVERY));
        let others = self
            .polls
            .values()
            .copied()
            .chain([self.prune_at])
            .chain(self.unconfirmed.next_change())
            .chain(room);
        due.chain(others).chain(windows).chain(storms).min()
    }

    /// Remove what is over for longer than it is to be kept.
    async fn prune(&mut self) {
        let now = self.now();
        if now < self.prune_at {
            return;
        }
        self.prune_at = later(now, PRUNE_EVERY);
        let retention =
            jiff::SignedDuration::try_from(self.shared.retention).unwrap_or(jiff::SignedDuration::MAX);
        let before = now.saturating_sub(retention).unwrap_or(Timestamp::MIN);
        match self.shared.journal.prune(before, RUNS_KEPT).await {
            Ok(pruned) => {
                tracing::debug!(runs = pruned.runs, incidents = pruned.incidents, "the journal is pruned")
            }
            Err(error) => tracing::warn!(%error, "the journal can't be pruned"),
        }
    }

    fn is_shut_down(&self) -> bool {
        self.shutdown.is_some() && self.at_work.is_empty()
    }

    /// Whether runs may start. In a journal that is full they would leave no room for those at
    /// work.
    fn may_start(&self) -> bool {
        let is_full = self.shared.journal.room().is_full_with(0);
        self.shutdown.is_none() && !is_full && !self.shared.paused.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests;
