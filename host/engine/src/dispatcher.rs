//! The one task that moves incidents along. It owns them; all else sends it commands.
//!
//! Incidents live in the journal. In memory are those at work (with a run, or yet to be confirmed),
//! the oldest of each policy's queue, and those that something has just happened to: whatever an
//! event concerns is fetched by id, or by alert and key, before it is handled, and leaves
//! ([`clear_desk`](Dispatcher::clear_desk)) once what became of it is saved. What is not saved yet never leaves,
//! so that what is not in memory stands in the journal as it is. Of what rests, waits or is due the
//! journal has indexes, and the dispatcher knows only when the next is due and where each queue
//! goes on: no event costs a look at all incidents, however many are open, and routing waits for
//! none of them. What an event changes is written once, runs that begin by it included, and a run
//! starts when its beginning is on disk.

mod approval;
mod by_hand;
mod cancel;
mod conclude;
mod confirming;
mod desk;
mod drain;
mod due;
mod escalate;
mod held;
mod incidents;
mod kept;
mod obstacles;
mod queue;
mod recent;
mod room;
mod route;
mod runs;
mod silenced;
mod tail;
mod take_up;
mod timetable;
mod turns;
mod unconfirmed;
mod verify;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use suture_core::clock::later;
use suture_core::throttle::Throttle;
use suture_core::{Alert, Halt, IncidentId, Labels, RunId, Timestamp};
use suture_journal::{Cancel, Change, Durability, JournalError, RunRecord, Survey};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::budget::Window;
use crate::engine::{
    ByHand, CancelIncidentError, CloseError, DecideError, Decided, Decision, RetryError, Shared, StartError,
    tell_of_end,
};
use crate::policy::Policy;
use crate::run::Finished;
use crate::silences::Suppression;
use confirming::Answer;
use desk::Desk;
pub use incidents::is_our_own;
use kept::Kept;
use queue::Queue;
use silenced::SilenceChecks;
use tail::Tail;
use timetable::Timetable;
use unconfirmed::Unconfirmed;

/// What the dispatcher is told.
pub(crate) enum Command {
    /// A run is over.
    Ended { run: RunId, finished: Result<Finished, JournalError> },
    /// A run began or ceased to wait.
    Waiting { run: RunId, waiting: bool },
    /// A policy has rights again that it lacked, perhaps.
    ReleaseHeld { policy: String },
    /// Prometheus was asked whether an incident's alert still fires.
    Checked { incident: IncidentId, firing: Result<bool, String> },
    /// Prometheus was asked about alerts that are not confirmed yet; why it could not be.
    Confirmed { answers: Vec<(IncidentId, Answer)>, unavailable: Option<String> },
    /// Alertmanager was asked whether alerts are silenced; or could not be.
    Silences { answers: Vec<(IncidentId, Result<Suppression, String>)> },
    /// The alerts of these incidents, which rest, are gone in Prometheus for a while.
    Cleared(Vec<IncidentId>),
    /// People were told of an incident, or could not be.
    Paged { incident: IncidentId, result: Result<(), String> },
    /// All of the journal was looked at.
    Surveyed(Survey),
    /// The API server, which was away at the start, says which cluster it is.
    Identified(String),
    /// Start a run by hand.
    Start {
        policy: String,
        labels: Labels,
        by: ByHand,
        reply: oneshot::Sender<Result<IncidentId, StartError>>,
    },
    /// Handle an incident once more, for somebody.
    Retry { incident: IncidentId, who: String, reply: oneshot::Sender<Result<(), RetryError>> },
    /// Close an incident, for somebody.
    Close { incident: IncidentId, who: String, reply: oneshot::Sender<Result<(), CloseError>> },
    /// End a run. Answers whether it was at work.
    Cancel { run: RunId, why: String, reply: oneshot::Sender<bool> },
    /// Leave an incident alone until its alert has cleared.
    CancelIncident {
        incident: IncidentId,
        why: String,
        reply: oneshot::Sender<Result<(), CancelIncidentError>>,
    },
    /// Somebody approves or rejects the plan of a run.
    Decide {
        incident: IncidentId,
        run: RunId,
        decision: Decision,
        reply: oneshot::Sender<Result<Decided, DecideError>>,
    },
    /// The operator resumed a policy, or (none) the host.
    Resumed { policy: Option<String> },
    /// Stop: start nothing more, and say when nothing is at work.
    Shutdown { reply: oneshot::Sender<()> },
    /// The time of grace is over: what is still at work is interrupted.
    Interrupt,
}

/// A policy's name, and the key of what it works on. Shared: ten thousand runs that wait have
/// one each.
pub(crate) type Key = Arc<(String, Labels)>;

/// A run at work.
struct AtWork {
    incident: IncidentId,
    policy: String,
    key: Key,
    cancel: Cancel,
    record: RunRecord,
    /// In mode `approve`: it does what was approved, and does not only plan.
    is_approved: bool,
    /// It waits, and counts for nothing.
    waiting: bool,
    /// Its policy is not asked any more; what it must undo is undone.
    is_seen_through: bool,
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
    /// Open incidents that are in memory.
    incidents: Desk,
    /// Those that wait for a run.
    queue: Queue,
    /// Which of them Prometheus has yet to confirm.
    unconfirmed: Unconfirmed,
    /// Which of them are silenced.
    silence_checks: SilenceChecks,
    /// Alerts that wait in the inbox for policies that are not loaded.
    kept: Kept,
    /// Alerts of one name that no policy wants, the last and how many, of whom is yet to be told.
    unmatched: Option<(Arc<Alert>, u64)>,
    /// When the next is due, or earlier.
    next_due: Option<Timestamp>,
    at_work: HashMap<RunId, AtWork>,
    /// What they noted last.
    tails: HashMap<RunId, Tail>,
    /// How many of those of each policy do not wait.
    working: HashMap<String, usize>,
    busy_keys: HashSet<Key>,
    /// When each verifying incident is looked at next.
    polls: Timetable,
    policies: HashMap<String, PerPolicy>,
    /// Policies of which incidents may be held back for rights that they have by now.
    to_let_go: BTreeSet<String>,
    locks: Arc<crate::locks::Locks>,
    /// For instances.
    places: Arc<Semaphore>,
    /// Pages that are being delivered, the last about each.
    deliveries: HashMap<IncidentId, AbortHandle>,
    /// What is not on disk yet beside incidents, in order.
    unsaved: Vec<Change>,
    /// None while the API server can't be asked: what an earlier host left waits for it, and no run
    /// starts that could not be told from those of another cluster.
    cluster_id: Option<String>,
    /// Runs that an earlier host left, and that are not taken up yet.
    left: Vec<RunRecord>,
    /// Why the last write failed, where it did.
    behind: Option<JournalError>,
    /// For what fails each time.
    log: Throttle,
    /// How much damage people were told of; none before all of the journal was looked at.
    told_damage: Option<usize>,
    /// Something was left undone, and is gone on with then.
    again_at: Option<Timestamp>,
    /// When the journal is pruned next.
    prune_at: Timestamp,
    /// The host is drained since then, and its runs were told to end.
    drained: Option<Timestamp>,
    /// Runs that were interrupted and are not left to the next host.
    interrupted: Vec<RunRecord>,
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
            cluster_id: crate::cluster::identity(&*shared.cluster).await.ok(),
            left: Vec::new(),
            prune_at: shared.clock.after(PRUNE_EVERY),
            shared,
            commands,
            ids: ulid::Generator::new(),
            incidents: Desk::default(),
            queue: Queue::default(),
            unconfirmed: Unconfirmed::default(),
            silence_checks: SilenceChecks::default(),
            kept: Kept::default(),
            unmatched: None,
            next_due: None,
            at_work: HashMap::new(),
            tails: HashMap::new(),
            working: HashMap::new(),
            busy_keys: HashSet::new(),
            polls: Timetable::default(),
            policies: HashMap::new(),
            to_let_go: BTreeSet::new(),
            locks: Arc::default(),
            places: Arc::new(Semaphore::new(places)),
            deliveries: HashMap::new(),
            unsaved: Vec::new(),
            behind: None,
            log: Throttle::of_the_log(),
            told_damage: None,
            again_at: None,
            drained: None,
            interrupted: Vec::new(),
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
            self.again_at = None;
            self.shared.pauses.take_ended(self.now()).iter().for_each(tell_of_end);
            // All that comes of it is one write, unless the last one failed: then nothing is begun
            // before that is made good.
            if self.behind.is_none() || self.save().await {
                self.route().await;
                self.advance().await;
                self.make_room().await;
                self.save().await;
                self.prune().await;
            }
            self.tell_of_obstacles();
            self.tell_of_damage();
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
            Command::ReleaseHeld { policy } => drop(self.to_let_go.insert(policy)),
            Command::Checked { incident, firing } => self.checked(&incident, firing).await,
            Command::Confirmed { answers, unavailable } => self.answered(answers, unavailable).await,
            Command::Silences { answers } => self.silences_answered(answers).await,
            Command::Cleared(incidents) => self.cleared(incidents).await,
            Command::Paged { incident, result } => self.paged(&incident, result).await,
            Command::Surveyed(survey) => self.surveyed(&survey),
            Command::Identified(cluster) => self.identified(cluster).await,
            Command::Start { policy, labels, by, reply } => {
                let started = self.start_by_hand(&policy, labels, by).await;
                let _ = reply.send(self.promise(started).await);
            }
            Command::Retry { incident, who, reply } => {
                let retried = self.retry_by_hand(&incident, &who).await;
                let _ = reply.send(self.promise(retried).await);
            }
            Command::Close { incident, who, reply } => {
                let closed = self.close_by_hand(&incident, &who).await;
                let _ = reply.send(match closed {
                    Ok(()) if !self.save().await => {
                        Err(CloseError::Unavailable("the journal can't be written".to_owned()))
                    }
                    other => other,
                });
            }
            Command::Cancel { run, why, reply } => {
                let is_at_work = self.cancel_run(&run, why).await;
                let _ = reply.send(is_at_work);
            }
            Command::CancelIncident { incident, why, reply } => {
                let cancelled = self.cancel_incident(&incident, why).await;
                let _ = reply.send(self.promise(cancelled).await);
            }
            Command::Decide { incident, run, decision, reply } => {
                let decided = self.decide(&incident, &run, decision).await;
                let _ = reply.send(self.promise(decided).await);
            }
            Command::Resumed { policy } => {
                let resumed = self.policies.iter_mut();
                let resumed = resumed.filter(|(name, _)| policy.as_ref().is_none_or(|one| one == *name));
                // A storm is over with that, and people are told so.
                resumed.for_each(|(_, policy)| policy.opened = Window::default());
            }
            Command::Shutdown { reply } => {
                self.shutdown = Some(reply);
                // What only waits is left to the next host at once.
                let waiting = self.at_work.values().filter(|at_work| at_work.waiting);
                waiting.for_each(|at_work| at_work.cancel.halt(Halt::Shutdown));
            }
            Command::Interrupt => {
                self.at_work.values().for_each(|at_work| at_work.cancel.halt(Halt::Shutdown));
            }
        }
    }

    /// An answer is a promise: what it says is on disk first.
    async fn promise<T, E: From<StartError>>(&mut self, done: Result<T, E>) -> Result<T, E> {
        match done {
            Ok(_) if !self.save().await => {
                Err(StartError::Unavailable("the journal can't be written".to_owned()).into())
            }
            other => other,
        }
    }

    /// Write what is unsaved. False where the journal can't be written: nothing new is
    /// begun until it can.
    async fn save(&mut self) -> bool {
        if self.is_saved() {
            self.clear_desk();
            return true;
        }
        let changes = self.incidents.changes().chain(self.unsaved.iter().cloned()).collect();
        match self.shared.journal.commit(changes, Durability::Synced).await {
            Ok(()) => {
                self.behind = None;
                self.incidents.saved();
                self.unsaved.clear();
                self.clear_desk();
                true
            }
            Err(error) => {
                self.complain("nothing new is begun until the journal can be written", &error);
                self.behind = Some(error);
                false
            }
        }
    }

    fn is_saved(&self) -> bool {
        self.incidents.is_saved() && self.unsaved.is_empty()
    }

    /// Something can't be done now: it is gone on with before long.
    fn try_later(&mut self, what: &str, error: &JournalError) {
        self.complain(&format!("{what}; it is tried again"), error);
        self.again_at = Some(self.shared.clock.after(JOURNAL_RETRY));
    }

    /// Log that the journal fails: not each time.
    fn complain(&self, what: &str, error: &JournalError) {
        if self.log.lets_through(self.shared.clock.monotonic()) {
            tracing::error!(%error, "{what}");
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        if !self.is_saved() {
            return Some(self.shared.clock.after(JOURNAL_RETRY));
        }
        let windows = self.policies.values().filter_map(|policy| policy.started.next_change(runs::HOUR));
        let storms = self
            .policies
            .values()
            .filter(|policy| policy.storm)
            .filter_map(|policy| policy.opened.next_change(self.shared.budgets.storm_window.get()));
        // While the journal is full, what is queued waits for room, of which nobody tells.
        let is_full = self.shared.journal.room().is_full_with(0);
        let room = is_full.then(|| self.shared.clock.after(ROOM_EVERY));
        let times = [self.polls.next(), self.next_due, self.unconfirmed.next_change(), self.again_at];
        let people = [self.shared.pauses.next_end(), self.next_drain(), self.silence_checks.next_change()];
        let times = times.into_iter().chain(people).flatten();
        let others = times.chain([self.prune_at]).chain(room);
        others.chain(windows).chain(storms).min()
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
        self.shutdown.is_none()
            && self.cluster_id.is_some()
            && !is_full
            && self.shared.pauses.host(self.now()).is_none()
    }
}

#[cfg(test)]
mod tests;
