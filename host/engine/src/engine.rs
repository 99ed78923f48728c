//! The service that lasts: it accepts notifications and answers questions; its
//! [dispatcher](crate::dispatcher) does the rest.

mod alerts;
mod arriving;
mod by_hand;
mod cancelling;
mod deciding;
mod draining;
mod fresh;
mod pausing;
mod reconciling;
mod shown;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use suture_core::{Alert, Clock, Envelope, RealClock};
use suture_journal::{Change, Durability, InboxRecord, Journal, JournalError, PauseRecord};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::budget::Budgets;
use crate::cleared;
use crate::cluster::Cluster;
use crate::dispatcher::{Command, Dispatcher};
use crate::hold::Hold;
use crate::metrics::Metrics;
use crate::obstacles::Obstacles;
use crate::pager::{Pager, Telling};
use crate::pauses::{self, Pauses};
use crate::policy::{KeptModules, Policy, PolicyStatus};
use crate::progress::Listeners;
use crate::reconcile::Unreconciled;
use crate::reminder::{self, Notices};
use crate::silences::Silences;
use crate::table::Table;
use crate::unmatched::{Unmatched, UnmatchedAlert};
use arriving::Arriving;
pub use by_hand::{ByHand, CloseError, RetryError, StartError};
pub use cancelling::{CancelError, CancelIncidentError};
pub use deciding::{Asked, DecideError, Decided, Decision};
pub use draining::{DrainOrder, DrainStatus, Left};
use fresh::{Arrival, Fresh};
pub(crate) use pausing::tell_of_end;
pub use pausing::{PauseError, PauseOrder, Paused};
pub use reconciling::OpenIncidents;

/// What a host is made of.
pub struct EngineConfig {
    /// The policies to begin with, loaded or not; see [`Engine::replace`].
    pub policies: Vec<Arc<Policy>>,
    /// Where a run that an earlier host left finds its module, once the policy has another.
    pub kept: Option<Arc<dyn KeptModules>>,
    /// Where everything is written down.
    pub journal: Journal,
    /// What effects act on.
    pub cluster: Arc<dyn Cluster>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How people are told.
    pub pager: Arc<dyn Pager>,
    /// Who knows what is silenced; none where nobody does.
    pub silences: Option<Arc<dyn Silences>>,
    /// What is said in all that they are told.
    pub telling: Telling,
    /// What is counted.
    pub metrics: Metrics,
    /// How much is done at once.
    pub budgets: Budgets,
    /// How many notifications may wait to be routed before more are turned away.
    pub max_pending: usize,
    /// How many bytes their bodies may have together.
    pub max_pending_bytes: u64,
    /// How long what is over is kept.
    pub retention: Duration,
    /// Who watches.
    pub listeners: Option<Listeners>,
    /// Policies that start no runs for now, or not everywhere, and why; see [`Engine::hold`].
    pub held: BTreeMap<String, Hold>,
}

/// A running host. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

/// What the handle and the dispatcher share.
pub(crate) struct Shared {
    config: EngineConfig,
    pub table: Table,
    pub commands: mpsc::UnboundedSender<Command>,
    pub arrived: Notify,
    pub pauses: Pauses,
    pub stopping: AtomicBool,
    pub notices: Notices,
    pub unmatched: Unmatched,
    arriving: Arriving,
    pub fresh: Fresh,
    pub obstacles: Obstacles,
    held: RwLock<BTreeMap<String, Hold>>,
    /// Why alerts that never arrived can't be asked for, where they can't.
    unreconciled: RwLock<Option<Unreconciled>>,
    /// The policies of which too much broke at once.
    storms: RwLock<BTreeSet<String>>,
}

impl Shared {
    /// What a policy is held back from for now.
    pub fn hold(&self, policy: &str) -> Hold {
        self.held.read().get(policy).cloned().unwrap_or_default()
    }

    /// Whether it starts no run at all.
    pub fn is_held(&self, policy: &str) -> bool {
        self.held.read().get(policy).is_some_and(|hold| hold.all.is_some())
    }

    /// Show whether a policy is in a storm.
    pub fn in_storm(&self, policy: &str, is_one: bool) {
        self.metrics.storm(policy, is_one);
        match is_one {
            true => self.storms.write().insert(policy.to_owned()),
            false => self.storms.write().remove(policy),
        };
    }
}

impl Deref for Shared {
    type Target = EngineConfig;

    fn deref(&self) -> &EngineConfig {
        &self.config
    }
}

/// Why a notification was not accepted. Nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No policy has that name.
    #[error("there is no policy `{0}`")]
    UnknownPolicy(String),
    /// Too many wait already.
    #[error("{0} notifications are waiting already; send it again later")]
    Overloaded(usize),
    /// What waits has too many bytes already.
    #[error(
        "{0} bytes of notifications are waiting already (`webhook.maxPendingBytes`); send it again later"
    )]
    TooManyBytes(u64),
    /// The journal is full.
    #[error("{0}")]
    Full(String),
    /// The host is shutting down.
    #[error("the host is shutting down")]
    Stopping,
    /// It could not be stored.
    #[error("the notification could not be stored: {0}")]
    Journal(#[from] JournalError),
}

impl Engine {
    /// Start: pick up what an earlier host accepted and did not finish, then go on.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub async fn start(mut config: EngineConfig) -> Result<Self, JournalError> {
        let policies = std::mem::take(&mut config.policies);
        shown::show(&config.metrics, &[], &policies);
        for policy in policies.iter().filter(|policy| policy.program.is_err()) {
            config.metrics.load_failure(&policy.config.name);
        }
        config.held.keys().for_each(|policy| config.metrics.held(policy, true));
        let pauses = left_paused(&config).await;
        let (commands, received) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            held: RwLock::new(std::mem::take(&mut config.held)),
            unreconciled: RwLock::default(),
            table: Table::new(policies),
            config,
            commands,
            arrived: Notify::new(),
            pauses,
            stopping: AtomicBool::new(false),
            notices: Notices::default(),
            unmatched: Unmatched::default(),
            arriving: Arriving::default(),
            fresh: Fresh::default(),
            storms: RwLock::default(),
            obstacles: Obstacles::default(),
        });
        let dispatcher = Dispatcher::load(shared.clone(), received).await?;
        tokio::spawn(dispatcher.run());
        tokio::spawn(reminder::run(shared.clock.clone(), Arc::downgrade(&shared)));
        tokio::spawn(cleared::run(shared.clock.clone(), Arc::downgrade(&shared)));
        Ok(Self(shared))
    }

    /// Take a notification, for all policies that it matches or for one by name. It is
    /// on disk when this returns.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn accept(
        &self,
        policy: Option<&str>,
        notification: impl Into<Envelope>,
        body: Vec<u8>,
    ) -> Result<(), Refusal> {
        self.accept_read(policy, notification, None, body).await
    }

    /// As [`accept`](Self::accept), with the alerts that were read off the body: all of them, or
    /// none.
    ///
    /// # Errors
    /// As of [`accept`](Self::accept).
    pub async fn accept_read(
        &self,
        policy: Option<&str>,
        notification: impl Into<Envelope>,
        alerts: Option<Vec<Arc<Alert>>>,
        body: Vec<u8>,
    ) -> Result<(), Refusal> {
        let notification: Envelope = notification.into();
        if let Some(policy) = policy {
            self.0.table.find(policy).ok_or_else(|| Refusal::UnknownPolicy(policy.to_owned()))?;
        }
        if self.0.stopping.load(Ordering::Acquire) {
            return Err(Refusal::Stopping);
        }
        if notification.alerts == 0 {
            return Ok(());
        }
        // What came of it could not be written either.
        if let Some(error) = self.0.obstacles.behind().filter(JournalError::is_damage) {
            return Err(Refusal::Journal(error));
        }
        let waiting = self.0.journal.inbox_len();
        if waiting >= self.0.max_pending {
            return Err(Refusal::Overloaded(waiting));
        }
        let arriving = self.0.arriving.add(body.len());
        let waiting = self.0.journal.inbox_bytes().saturating_add(arriving.all);
        if waiting > self.0.max_pending_bytes {
            return Err(Refusal::TooManyBytes(waiting.saturating_sub(body.len() as u64)));
        }
        let room = self.0.journal.room();
        // That an alert cleared is no more work: it ends incidents, and so makes room.
        if notification.firing > 0 && room.is_full_with(arriving.all) {
            return Err(Refusal::Full(room.full()));
        }
        let id = self.0.journal.reserve()?;
        let arrival = alerts.map(|alerts| self.0.fresh.keep(id, body.len(), policy, alerts));
        let record = InboxRecord {
            received_at: self.0.clock.now(),
            policy: policy.map(str::to_owned),
            waits: false,
            body,
        };
        self.0.journal.commit(vec![Change::Accept(Some(id), record)], Durability::Synced).await?;
        arrival.into_iter().for_each(Arrival::complete);
        self.0.arrived.notify_one();
        Ok(())
    }

    /// All metrics as of this moment, as OpenMetrics text.
    pub async fn exposition(&self) -> String {
        let journal = &self.0.journal;
        self.0.metrics.journal(journal.inbox_len(), journal.size());
        self.0.metrics.journal_room(journal.inbox_bytes(), journal.room());
        let is_failing = journal.health().and_then(|()| self.keeps_up()).is_err();
        self.0.metrics.journal_health(is_failing, journal.damage_count());
        self.show_pauses();
        match self.waiting().await {
            Ok(waiting) => self.0.metrics.waiting(&waiting, self.0.clock.now()),
            Err(error) => tracing::warn!(%error, "what waits can't be read"),
        }
        self.0.metrics.encode()
    }

    /// A policy, as it is now.
    pub fn policy(&self, name: &str) -> Option<Arc<Policy>> {
        self.0.table.find(name)
    }

    /// All policies, as the API shows them.
    pub fn policies(&self) -> Vec<PolicyStatus> {
        let status = |policy: &Arc<Policy>| {
            let mut status = policy.status();
            let hold = self.0.hold(&policy.config.name);
            status.error = status.error.or_else(|| hold.why());
            status.held_back = hold.all;
            status.held_namespaces = hold.namespaces;
            // Its own, where both are paused: the host's is told for all.
            status.pause = self.0.pauses.both(&policy.config.name, self.0.clock.now()).pop();
            status.storm = self.0.storms.read().contains(&policy.config.name);
            status
        };
        self.0.table.all().iter().map(status).collect()
    }

    /// Alerts that were posted since the host started and that nobody handles, by name; and how
    /// many more have other names, where those are too many.
    pub fn unmatched(&self) -> (Vec<UnmatchedAlert>, u64) {
        self.0.unmatched.all()
    }

    /// Put other policies in the place of all there are, at once. Runs that have begun keep
    /// what they began with; what begins from now on gets the new ones. Incidents of a policy
    /// that is gone are escalated when they are due.
    pub fn replace(&self, policies: Vec<Arc<Policy>>) {
        let before = self.0.table.replace(policies.clone());
        shown::show(&self.0.metrics, &before, &policies);
        let is_away =
            |policy: &Arc<Policy>, name: &str| policy.config.name == name && policy.program.is_err();
        self.0.unmatched.forget(|name| policies.iter().any(|policy| is_away(policy, name)));
        // What has waited for a module starts now.
        self.0.arrived.notify_one();
    }

    /// Let a policy start no runs, or none for incidents of some namespaces, for reasons that its
    /// status shows; or start them again. Its alerts become incidents all the same, and wait; its
    /// runs at work go on.
    pub fn hold(&self, policy: &str, hold: Hold) {
        self.0.metrics.held(policy, !hold.is_none());
        match hold.is_none() {
            true => self.0.held.write().remove(policy),
            false => self.0.held.write().insert(policy.to_owned(), hold),
        };
        // What has waited for this starts now.
        let _ = self.0.commands.send(Command::ReleaseHeld { policy: policy.to_owned() });
    }

    fn show_pauses(&self) {
        let now = self.0.clock.now();
        self.0.metrics.paused(self.0.pauses.host(now).is_some());
        for policy in &*self.0.table.all() {
            let name = &policy.config.name;
            self.0.metrics.policy_paused(name, self.0.pauses.get(Some(name), now).is_some());
        }
    }

    /// Whether it is shutting down.
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    /// Whether what is accepted now is handled before long: what comes of what was accepted before can be
    /// written.
    ///
    /// # Errors
    /// Why it can't.
    pub fn keeps_up(&self) -> Result<(), JournalError> {
        self.0.obstacles.behind().map_or(Ok(()), Err)
    }

    /// Where everything is written down.
    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Accept nothing more, let runs end within a time of grace, then interrupt them:
    /// they are picked up at the next start. Returns when nothing is at work. The grace is
    /// real time, whatever the cluster's clock shows: the kubelet's is, too.
    pub async fn shutdown(&self, grace: Duration) {
        self.0.stopping.store(true, Ordering::Release);
        let (reply, mut done) = oneshot::channel();
        if self.0.commands.send(Command::Shutdown { reply }).is_err() {
            return;
        }
        let real: &dyn Clock = &RealClock;
        if real.timeout(grace, &mut done).await.is_none() {
            let _ = self.0.commands.send(Command::Interrupt);
            let _ = done.await;
        }
    }
}

/// What an earlier host left paused. Where that can't be read, the host is: somebody may have
/// stopped it.
async fn left_paused(config: &EngineConfig) -> Pauses {
    let now = config.clock.now();
    let left = config.journal.pauses().await.unwrap_or_else(|error| {
        vec![PauseRecord {
            policy: None,
            who: "suture".to_owned(),
            reason: format!("whether somebody has paused it can't be read ({error}); resume it if not"),
            since: now,
            until: None,
            drain: None,
        }]
    });
    let (left, over): (Vec<_>, Vec<_>) = left.into_iter().partition(|pause| pause.holds(now));
    left.iter().for_each(|pause| tracing::warn!("{} since {}", pauses::sentence(pause), pause.since));
    let forgotten = over.into_iter().map(|pause| Change::Resume(pause.policy)).collect();
    if let Err(error) = config.journal.commit(forgotten, Durability::Lazy).await {
        tracing::warn!(%error, "pauses that are over can't be removed");
    }
    Pauses::new(left)
}
