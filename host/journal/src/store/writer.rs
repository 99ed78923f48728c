//! The one thread that writes: it takes all that waits, and commits it as one.

mod limit;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;
use suture_core::throttle::Throttle;
use suture_core::{Clock, RealClock};
use tokio::sync::{oneshot, watch};

use super::damage::Damage;
use super::error::explain;
use super::open::Opened;
use super::queue::{Batch, Closed, Queue, Request, Work};
use super::room::{self, Gauge};
use super::row::{Effects, Row};
use super::tally::Tallies;
use super::wal;
use crate::error::JournalError;
use crate::log::Durability;

/// How long to wait before lazy changes that could not be written are tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How long readers are waited for where the log is large: none of ours takes so long.
const PATIENCE: Duration = Duration::from_millis(100);

type Hook = Arc<dyn Fn(Duration) + Send + Sync>;

/// The handle of the thread that writes.
pub(super) struct Writer {
    pub queue: Arc<Queue>,
    pub shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread lets others know.
pub(super) struct Shared {
    path: PathBuf,
    /// How many notifications are in the inbox.
    pub inbox: AtomicUsize,
    /// And how many bytes they have.
    pub inbox_bytes: AtomicU64,
    /// The last id given to a notification; ids are not used again.
    pub last_id: AtomicI64,
    /// The last number given to an act that began.
    pub last_act: AtomicI64,
    /// How much of the limit is used.
    pub gauge: Gauge,
    /// What there is of each policy.
    pub tallies: Mutex<Tallies>,
    /// Of what is over nothing is left, until something else is.
    pub nothing_is_over: AtomicBool,
    /// What was seen to be damaged.
    damage: Arc<Damage>,
    /// Why the last commit failed, where it did.
    failure: Mutex<Option<JournalError>>,
    /// Why lazy changes were lost, until somebody was told.
    lost: Mutex<Option<JournalError>>,
    on_commit: Mutex<Option<Hook>>,
    /// Set when the thread has closed the file: how that went.
    closed: watch::Sender<Option<Result<(), JournalError>>>,
}

impl Writer {
    pub fn start(opened: Opened, gauge: Gauge, damage: Arc<Damage>) -> Result<Self, JournalError> {
        let Opened { path, mut connection, lock, .. } = opened;
        let written = |error| explain(&path, "written", error);
        let tallies = match Tallies::read(&connection) {
            Ok(Some(tallies)) => tallies,
            Ok(None) | Err(_) => Tallies::count(&mut connection).map_err(written)?,
        };
        let number = |sql: &str| {
            connection
                .query_row(sql, [], |row| row.get::<_, i64>(0))
                .map_err(|error| explain(&path, "read", error))
        };
        let inbox = usize::try_from(number("SELECT count(*) FROM inbox")?).unwrap_or_default();
        let inbox_bytes = number("SELECT coalesce(sum(octet_length(body)), 0) FROM inbox")?.unsigned_abs();
        let last_id = number("SELECT coalesce(max(id), 0) FROM inbox")?;
        // No damage of the audit trail keeps a host from its start.
        let last_act = number("SELECT coalesce(max(id), 0) FROM audit_begun").unwrap_or_default();
        let queue = Arc::new(Queue::new());
        let shared = Arc::new(Shared {
            path,
            inbox: AtomicUsize::new(inbox),
            inbox_bytes: AtomicU64::new(inbox_bytes),
            last_id: AtomicI64::new(last_id),
            last_act: AtomicI64::new(last_act),
            gauge,
            tallies: Mutex::new(tallies),
            nothing_is_over: AtomicBool::new(false),
            damage,
            failure: Mutex::default(),
            lost: Mutex::default(),
            on_commit: Mutex::default(),
            closed: watch::Sender::new(None),
        });
        let thread = Thread {
            connection,
            lock,
            queue: queue.clone(),
            shared: shared.clone(),
            kept: Vec::new(),
            log: Throttle::of_the_log(),
            was_told: false,
            is_making_room: false,
            is_shrinking: false,
            log_bytes: 0,
            fold_at: Instant::now(),
            fold_above: 0,
        };
        let mut thread = thread;
        thread.measure();
        let thread = std::thread::Builder::new()
            .name("journal-writer".into())
            .spawn(move || thread.run())
            .map_err(|error| JournalError::NoThread(Arc::new(error)))?;
        Ok(Self { queue, shared, thread: Some(thread) })
    }

    /// Have rows written.
    pub async fn commit(&self, rows: Vec<Row>, durability: Durability) -> Result<(), JournalError> {
        if let Some(lost) = self.shared.lost.lock().take() {
            return Err(lost);
        }
        // Nobody may build on changes that a disk which has just failed might refuse.
        let durability = if self.health().is_ok() { durability } else { Durability::Synced };
        match self.queue.rows(rows, durability).await {
            Ok(None) => Ok(()),
            Ok(Some(answer)) => answer.await.unwrap_or_else(|_| Err(self.closed())),
            Err(Closed) => Err(self.closed()),
        }
    }

    /// Have other work done on the connection that writes.
    pub async fn job<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (done, answer) = oneshot::channel();
        let job = move |connection: &mut Connection| {
            let _ = done.send(job(connection));
        };
        self.queue.job(Box::new(job)).map_err(|Closed| self.closed())?;
        match answer.await {
            Ok(result) => result.map_err(|error| explain(&self.shared.path, "written", error)),
            Err(_) => Err(self.closed()),
        }
    }

    /// Wait until all that was asked for before is written, or has failed.
    pub async fn settle(&self) {
        if let Some(answer) = self.queue.barrier() {
            let _ = answer.await;
        }
    }

    /// How many requests wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub fn health(&self) -> Result<(), JournalError> {
        self.shared.failure.lock().clone().map_or(Ok(()), Err)
    }

    pub fn on_commit(&self, hook: Hook) {
        *self.shared.on_commit.lock() = Some(hook);
    }

    pub async fn close(&self) -> Result<(), JournalError> {
        let mut closed = self.shared.closed.subscribe();
        self.queue.close();
        match closed.wait_for(Option::is_some).await {
            Ok(result) => result.clone().unwrap_or(Ok(())),
            Err(_) => Err(self.closed()),
        }
    }

    fn closed(&self) -> JournalError {
        JournalError::Closed(self.shared.path.clone())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What lives on the thread.
struct Thread {
    connection: Connection,
    lock: File,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    /// Lazy changes that the disk refused.
    kept: Vec<Request>,
    /// For what fails each time.
    log: Throttle,
    /// The log says that it can't be written.
    was_told: bool,
    /// There is too much: what is over leaves, a little after each commit.
    is_making_room: bool,
    /// The file is larger than it may be, and has pages that are free.
    is_shrinking: bool,
    /// What the log takes, in bytes.
    log_bytes: u64,
    /// When that is tried again, although there is something to write.
    fold_at: Instant,
    /// Or from how many bytes on.
    fold_above: u64,
}

impl Thread {
    fn run(mut self) {
        loop {
            let retry = match self.is_making_room || self.is_shrinking {
                true => Some(Duration::ZERO),
                false => (!self.kept.is_empty() || self.is_log_large()).then_some(RETRY),
            };
            let Batch { requests, is_last } = self.queue.take(retry);
            let (jobs, rows): (Vec<_>, Vec<_>) =
                requests.into_iter().partition(|request| matches!(request.work, Work::Job(_)));
            let mut batch = std::mem::take(&mut self.kept);
            batch.extend(rows);
            let is_idle = batch.is_empty();
            let is_measured = self.write(batch) && jobs.is_empty();
            for request in jobs {
                if let Work::Job(job) = request.work {
                    job(&mut self.connection);
                }
            }
            if is_last {
                return self.close();
            }
            if !is_measured {
                self.measure();
            }
            if self.is_making_room {
                self.make_room();
            } else if self.is_shrinking {
                self.shrink();
            } else if self.is_log_large()
                && (is_idle || self.log_bytes >= self.fold_above || self.fold_at <= Instant::now())
            {
                // Otherwise it would count as used until somebody writes again, and a journal that
                // is full by that takes nothing that would be written. Readers that overlap would keep
                // it from beginning anew for as long as there are any: once in a while they are waited for.
                let patience = if is_idle { Duration::ZERO } else { PATIENCE };
                wal::fold_within(&mut self.connection, patience);
                self.measure();
                self.fold_at = Instant::now() + RETRY;
                let usual = self.shared.gauge.log_bytes();
                self.fold_above = if self.is_log_large() { self.log_bytes.saturating_add(usual) } else { 0 };
            }
        }
    }

    /// Commit requests as one. One that can't be written must not take the others with
    /// it: then each is committed alone. Whether it is known how much room there is now.
    fn write(&mut self, batch: Vec<Request>) -> bool {
        match self.try_to_commit(&batch) {
            Ok(is_measured) => {
                answer(batch, &Ok(()));
                is_measured
            }
            Err(error) if error.may_pass() => {
                self.fail(batch, error);
                false
            }
            Err(_) => {
                for request in batch {
                    let alone = [request];
                    let result = self.try_to_commit(&alone);
                    let alone = Vec::from(alone);
                    match result {
                        Ok(_) => answer(alone, &Ok(())),
                        Err(error) if error.may_pass() => self.fail(alone, error),
                        Err(error) => self.reject(alone, error),
                    }
                }
                false
            }
        }
    }

    /// Whether a reader has kept the log from being folded in, and it is larger than it should be.
    fn is_log_large(&self) -> bool {
        self.log_bytes > self.shared.gauge.log_bytes()
    }

    fn try_to_commit(&mut self, batch: &[Request]) -> Result<bool, JournalError> {
        self.commit(batch).map_err(|error| explain(&self.shared.path, "written", error))
    }

    /// Whether there was anything to commit, and room was measured.
    fn commit(&mut self, batch: &[Request]) -> rusqlite::Result<bool> {
        let rows = || {
            batch.iter().flat_map(|request| match &request.work {
                Work::Rows(rows) => rows.as_slice(),
                Work::Job(_) => &[],
            })
        };
        // Somebody only wants to know that all is written.
        if rows().next().is_none() {
            return Ok(false);
        }
        let started = Instant::now();
        let transaction = self.connection.transaction()?;
        let mut effects = Effects::default();
        for row in rows() {
            row.write(&transaction, &self.shared.last_id, &mut effects)?;
        }
        effects.finish(&transaction)?;
        let mut tallies = self.shared.tallies.lock();
        tallies.write(&transaction, &effects.tallies)?;
        // In the transaction, which has the locks that it takes to look.
        let pages = room::pages(&transaction);
        transaction.commit()?;
        tallies.apply(effects.tallies);
        drop(tallies);
        // Who is told that it is written sees how much room there is after it.
        self.measured(pages);
        let took = started.elapsed();
        // First what came, then what went: the number is never below 0.
        self.shared.inbox.fetch_add(effects.accepted, Ordering::AcqRel);
        self.shared.inbox.fetch_sub(effects.routed, Ordering::AcqRel);
        self.shared.inbox_bytes.fetch_add(effects.accepted_bytes, Ordering::AcqRel);
        self.shared.inbox_bytes.fetch_sub(effects.routed_bytes, Ordering::AcqRel);
        if effects.is_over {
            self.shared.nothing_is_over.store(false, Ordering::Release);
        }
        if self.shared.failure.lock().take().is_some() && std::mem::take(&mut self.was_told) {
            tracing::info!(path = %self.shared.path.display(), "the journal can be written again");
        }
        let hook = self.shared.on_commit.lock().clone();
        if let Some(hook) = hook {
            hook(took);
        }
        Ok(true)
    }

    /// The disk refuses: tell those who wait, keep what nobody waits for.
    fn fail(&mut self, batch: Vec<Request>, error: JournalError) {
        self.tell(&error);
        *self.shared.failure.lock() = Some(error.clone());
        let (waited_for, lazy): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|request| request.done.is_some());
        answer(waited_for, &Err(error));
        self.kept.extend(lazy);
    }

    /// What is to be written is at fault: it would fail again.
    fn reject(&mut self, batch: Vec<Request>, error: JournalError) {
        self.shared.damage.note(&self.shared.path, &error);
        self.tell(&error);
        if error.is_damage() {
            *self.shared.failure.lock() = Some(error.clone());
        }
        if batch.iter().any(|request| request.done.is_none()) {
            *self.shared.lost.lock() = Some(error.clone());
        }
        answer(batch, &Err(error));
    }

    /// Log that something can't be written: not each time.
    fn tell(&mut self, error: &JournalError) {
        if self.log.lets_through(RealClock.monotonic()) {
            self.was_told = true;
            tracing::error!(%error, "the journal can't be written; it is tried again");
        }
    }

    fn close(mut self) {
        let mut result = self.shared.lost.lock().take().map_or(Ok(()), Err);
        if !self.kept.is_empty() {
            let why = self.shared.failure.lock().clone().map(Box::new);
            let lost = JournalError::Lost { count: self.kept.len(), why };
            tracing::error!("{lost}");
            result = Err(lost);
            self.kept.clear();
        }
        // A reader may be in the way; then the next who opens it folds the log in.
        let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        drop(self.connection);
        drop(self.lock);
        self.shared.closed.send_replace(Some(result));
    }
}

fn answer(batch: Vec<Request>, result: &Result<(), JournalError>) {
    for request in batch {
        if let Some(done) = request.done {
            let _ = done.send(result.clone());
        }
    }
}
