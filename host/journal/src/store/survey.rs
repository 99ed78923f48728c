//! A look at the whole journal. What is lost is known before it is opened. All else is looked at
//! beside the work, by a thread of its own: a row is guarded by its checksum whenever it is read,
//! and what is over costs a start nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, InterruptHandle};
use tokio::sync::watch;

use super::error::{damaged, explain};
use super::queue::Queue;
use super::wal::{self, End};
use super::{Damage, open, select};
use crate::error::JournalError;

/// What SQLite's own check reports at most.
const MOST: usize = 20;

/// What was found wrong with a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// A sentence for each damage, naming the table and the row where it can. The rest can be
    /// used. Entries are not among it: those of a run are looked at when they are read.
    pub damage: Vec<String>,
    /// Whether something that was on disk is lost: of no run that has not ended is it certain
    /// any more what it did last.
    pub is_lost: bool,
    /// Whether indexes were made anew: until then, they may have hidden something.
    pub is_reindexed: bool,
}

/// Look at the log before SQLite opens the file, and refuse what it would throw away.
pub(super) fn before_opening(path: &Path) -> Result<Survey, JournalError> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let log = wal::beside(path);
    if length(path) == 0 && length(&log) > 0 {
        let what = format!("it is empty, and beside it {} is not", log.display());
        return Err(damaged(path, &what));
    }
    let end = wal::inspect(path)
        .map_err(|error| JournalError::NotReadable { path: log.clone(), source: Arc::new(error) })?;
    Ok(match end {
        End::Whole => Survey::default(),
        End::Torn => {
            tracing::warn!(
                journal = %path.display(),
                "the last transaction was cut off, as by a loss of power, and has not taken place"
            );
            Survey::default()
        }
        End::Lost(what) => {
            // SQLite is about to write over it.
            let kept = log.with_extension("db-wal.damaged");
            let what = match std::fs::copy(&log, &kept) {
                Ok(_) => format!("{what}; a copy is kept in {}", kept.display()),
                Err(error) => format!("{what}; and no copy can be kept: {error}"),
            };
            Survey { damage: vec![what], is_lost: true, is_reindexed: false }
        }
    })
}

/// The thread that looks. It ends when this is dropped, however much is left to look at.
pub(super) struct Surveyor {
    found: watch::Receiver<Option<Survey>>,
    stop: Arc<AtomicBool>,
    interrupt: InterruptHandle,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Surveyor {
    /// Begin to look.
    pub fn start(
        path: &Path,
        queue: Arc<Queue>,
        before: Survey,
        damage: Arc<Damage>,
        log_bytes: u64,
    ) -> Result<Self, JournalError> {
        let connection = open::for_reading(path)?;
        let interrupt = connection.get_interrupt_handle();
        let (sender, found) = watch::channel(None);
        let stop = Arc::new(AtomicBool::new(false));
        let look = Look { path: path.to_owned(), connection, queue, stop: stop.clone(), damage, log_bytes };
        let thread = std::thread::Builder::new()
            .name("journal-survey".into())
            .spawn(move || drop(sender.send_replace(Some(look.survey(before)))))
            .map_err(|error| JournalError::NoThread(Arc::new(error)))?;
        Ok(Self { found, stop, interrupt, thread: Mutex::new(Some(thread)) })
    }

    /// What it found, once it has looked at everything.
    pub async fn found(&self) -> Survey {
        match self.found.clone().wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or_default(),
            Err(_) => Survey::default(),
        }
    }

    /// Look no further.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        let Some(thread) = self.thread.lock().take() else { return };
        // What is interrupted between two statements goes on with the next.
        while !thread.is_finished() {
            self.interrupt.interrupt();
            std::thread::park_timeout(Duration::from_millis(1));
        }
        let _ = thread.join();
    }
}

impl Drop for Surveyor {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Look {
    path: PathBuf,
    connection: Connection,
    queue: Arc<Queue>,
    stop: Arc<AtomicBool>,
    damage: Arc<Damage>,
    /// What the log beside the file usually has at most.
    log_bytes: u64,
}

impl Look {
    /// Look at every page and every row. Indexes that are not as their tables are made anew.
    fn survey(&self, before: Survey) -> Survey {
        let mut found = before.clone();
        let mut pages = pages(&self.connection);
        if !pages.is_empty() && !self.is_stopped() && self.reindex() {
            let left = self::pages(&self.connection);
            if left.is_empty() {
                tracing::warn!(journal = %self.path.display(), damage = pages.join("; "), "indexes were damaged and are made anew");
                found.is_reindexed = true;
            }
            pages = left;
        }
        found.damage.extend(pages);
        match select::damage(&self.connection, &self.stop) {
            Ok(damage) => found.damage.extend(damage),
            Err(error) => found.damage.push(explain(&self.path, "read", error).to_string()),
        }
        // What breaks off looks like damage.
        if self.is_stopped() {
            return before;
        }
        found.damage.iter().for_each(|damage| self.damage.report(&self.path, damage));
        self.fold();
        found
    }

    /// What was written meanwhile could not be folded in: the log may have grown.
    fn fold(&self) {
        let log = wal::beside(&self.path).metadata().map_or(0, |log| log.len());
        if log > self.log_bytes {
            let _ = self.queue.job(Box::new(wal::fold));
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Have all indexes made anew by the one who writes.
    fn reindex(&self) -> bool {
        let (done, answer) = std::sync::mpsc::channel();
        let job = move |connection: &mut Connection| {
            let _ = done.send(connection.execute_batch("REINDEX").is_ok());
        };
        self.queue.job(Box::new(job)).is_ok() && answer.recv().unwrap_or(false)
    }
}

/// What SQLite finds wrong with the pages of the file.
fn pages(connection: &Connection) -> Vec<String> {
    let check = || -> rusqlite::Result<Vec<String>> {
        let mut check = connection.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
        check.query_map([], |row| row.get(0))?.collect()
    };
    match check() {
        Ok(found) => found.into_iter().filter(|line| line != "ok").collect(),
        Err(error) => vec![error.to_string()],
    }
}
