//! The journal on disk: one SQLite file, one thread that writes it, and some that read.

mod agenda;
mod audit;
mod closed;
mod damage;
mod error;
mod find;
mod lines;
mod list;
mod open;
mod part;
mod pauses;
mod prune;
mod queue;
mod reader;
mod room;
mod row;
mod schema;
mod seal;
mod select;
mod storms;
mod survey;
mod tally;
mod wal;
mod writer;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use suture_core::{Clock, IncidentId, RunId};

pub use agenda::{Slice, Sought};
pub use find::NameError;
pub use lines::Line;
pub use part::Part;
pub use prune::Pruned;
pub use room::Room;
pub use survey::Survey;

use crate::change::Change;
use crate::entry::Entry;
use crate::error::JournalError;
use crate::log::{Durability, RunLog};
use crate::record::{InboxRecord, IncidentRecord, RunHeader, RunRecord};
use damage::Damage;
use reader::Readers;
use room::Gauge;
use row::Row;
use select::{Legible, Table};
use survey::Surveyor;
use writer::Writer;

/// The journal of one host, in one folder. Clones share it; the last to be dropped
/// writes what is left and closes it.
#[derive(Clone)]
pub struct Journal(Arc<Store>);

struct Store {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    readers: Readers,
    /// None where the journal is only read, as below. Dropped before the writer, which folds the
    /// log in: nobody may read then.
    surveyor: Option<Surveyor>,
    writer: Option<Writer>,
    /// What was known to be lost before anything was looked at.
    before: Survey,
    damage: Arc<Damage>,
}

impl Journal {
    /// The file in the folder.
    pub const FILE: &str = "journal.db";

    /// Open the journal in a folder, and make both where they are missing. One process
    /// at a time has it.
    ///
    /// # Errors
    /// The folder can't be written, another process has the journal, the file is no
    /// journal or a damaged one, or a newer version of Suture wrote it.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, JournalError> {
        Self::open_bounded(folder, clock, None)
    }

    /// The same, for a journal that is to take at most so many bytes on disk. From 80 % of
    /// them on the log warns. From 85 % on what is over leaves, whatever its age: the oldest
    /// of the policy that holds the most, until the journal is below 80 % again. From 90 % on
    /// its [`Room`] is full, and nothing new should be committed; what runs at work write is
    /// never refused.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub fn open_bounded(
        folder: &Path,
        clock: Arc<dyn Clock>,
        max_size: Option<u64>,
    ) -> Result<Self, JournalError> {
        let gauge = Gauge::new(max_size);
        let opened = open::for_writing(folder, &gauge)?;
        let readers = Readers::start(&opened.path)?;
        let (path, before, damage) = (opened.path.clone(), opened.before.clone(), Arc::<Damage>::default());
        before.damage.iter().chain(&opened.of_audit).for_each(|lost| damage.report(&path, lost));
        let log_bytes = gauge.log_bytes();
        let writer = Writer::start(opened, gauge, damage.clone())?;
        let surveyor =
            Surveyor::start(&path, writer.queue.clone(), before.clone(), damage.clone(), log_bytes)?;
        let (surveyor, writer) = (Some(surveyor), Some(writer));
        Ok(Self(Arc::new(Store { path, clock, readers, surveyor, writer, before, damage })))
    }

    /// Open a journal only to read it: a folder, or the file in it. A host may be at
    /// work on it meanwhile; what it has not brought to the disk yet is not seen.
    ///
    /// # Errors
    /// There is none, it is damaged, or another version of Suture wrote it.
    pub fn open_read_only(path: &Path) -> Result<Self, JournalError> {
        let path = if path.is_dir() { path.join(Self::FILE) } else { path.to_owned() };
        open::check(&path)?;
        let readers = Readers::start(&path)?;
        let clock = Arc::new(suture_core::RealClock);
        let (before, damage) = (Survey::default(), Arc::default());
        Ok(Self(Arc::new(Store { path, clock, readers, surveyor: None, writer: None, before, damage })))
    }

    /// What is wrong with it, once all of it was looked at since it was opened to be written.
    /// Virtual time stands still meanwhile.
    pub async fn survey(&self) -> Survey {
        let _hold = self.0.clock.hold();
        match &self.0.surveyor {
            Some(surveyor) => surveyor.found().await,
            None => Survey::default(),
        }
    }

    /// What was on disk and is lost, a sentence each: of no run that has not ended is it certain
    /// any more what it did last.
    pub fn lost(&self) -> &[String] {
        &self.0.before.damage
    }

    /// The journal's file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    fn writer(&self) -> Result<&Writer, JournalError> {
        self.0.writer.as_ref().ok_or_else(|| JournalError::ReadOnly(self.0.path.clone()))
    }

    /// Write changes, all or none. Changes that were committed before are on disk no
    /// later than these. Virtual time stands still meanwhile.
    ///
    /// [Lazy](Durability::Lazy) changes are on disk within a second. Where the disk
    /// refuses them then, they are kept and tried again with whatever comes next, and
    /// the next commit fails unless all of it can be written.
    ///
    /// # Errors
    /// When they can't be written: nothing of them is on disk then. With room on the
    /// disk again the next commit succeeds.
    pub async fn commit(&self, changes: Vec<Change>, durability: Durability) -> Result<(), JournalError> {
        let writer = self.writer()?;
        let rows = changes.into_iter().map(Row::encode).collect::<Result<Vec<_>, _>>()?;
        let _hold = self.0.clock.hold();
        writer.commit(rows, durability).await
    }

    /// The id of a notification that is to be [accepted](Change::Accept). No other gets it.
    ///
    /// # Errors
    /// Where the journal is only read.
    pub fn reserve(&self) -> Result<i64, JournalError> {
        Ok(self.writer()?.shared.last_id.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Whether what is accepted is kept and can be found again: the last commit succeeded, and the
    /// inbox can be read.
    ///
    /// # Errors
    /// Why not.
    pub fn health(&self) -> Result<(), JournalError> {
        self.0.writer.as_ref().map_or(Ok(()), Writer::health)?;
        self.0.damage.inbox()
    }

    /// What of it was seen to be damaged since it was opened: a sentence each, which names the row
    /// where it can. A hundred at most.
    pub fn damage(&self) -> Vec<String> {
        self.0.damage.all()
    }

    /// Something of it is damaged, as whoever has read it knows: a sentence.
    pub fn note_damage(&self, damage: &str) {
        self.0.damage.report(&self.0.path, damage);
    }

    /// How many those are.
    pub fn damage_count(&self) -> usize {
        self.0.damage.len()
    }

    /// Be told how long each commit took, the disk included.
    pub fn on_commit(&self, hook: Arc<dyn Fn(Duration) + Send + Sync>) {
        if let Some(writer) = &self.0.writer {
            writer.on_commit(hook);
        }
    }

    /// Where the entries of a run go. The run must [begin](Change::Begin) first.
    pub fn run_log(&self, run: RunId) -> Arc<dyn RunLog> {
        Arc::new(StoredLog { journal: self.clone(), run })
    }

    /// Notifications that are not routed yet, oldest first, with their ids.
    ///
    /// # Errors
    /// When the journal can't be read. A notification that is damaged is left out, and
    /// logged.
    pub async fn inbox(&self, limit: usize) -> Result<Vec<(i64, InboxRecord)>, JournalError> {
        let listed = self.inbox_part(limit, usize::MAX, Vec::new(), BTreeSet::new()).await?;
        Ok(listed.into_iter().filter_map(|(id, record)| Some((id, record?))).collect())
    }

    /// The same, of so many bytes at most, without what waits for policies that are away. The
    /// first is among them, however large it is. Of those that are known there is no more than the id.
    /// As of the last commit that was waited for.
    ///
    /// # Errors
    /// As of [`inbox`](Self::inbox).
    pub async fn inbox_part(
        &self,
        limit: usize,
        bytes: usize,
        away: Vec<String>,
        known: BTreeSet<i64>,
    ) -> Result<Vec<(i64, Option<InboxRecord>)>, JournalError> {
        let read = self
            .read_committed(move |connection| select::inbox(connection, limit, bytes, &away, &known))
            .await;
        self.0.damage.inbox_read(read.as_ref().map(drop));
        read.map(|found| self.legible(found))
    }

    /// What waits in the inbox for policies to be loaded, oldest first.
    ///
    /// # Errors
    /// As of [`inbox`](Self::inbox).
    pub async fn inbox_waiting(&self) -> Result<Vec<(i64, InboxRecord)>, JournalError> {
        self.read(select::waiting).await.map(|found| self.legible(found))
    }

    /// How many notifications are not routed yet. 0 where the journal is only read.
    pub fn inbox_len(&self) -> usize {
        self.0.writer.as_ref().map_or(0, |writer| writer.shared.inbox.load(Ordering::Acquire))
    }

    /// The incidents that are not closed, oldest first.
    #[cfg(test)]
    async fn open_incidents(&self) -> Result<Vec<IncidentRecord>, JournalError> {
        self.read(|connection| select::unfinished(connection, Table::Incidents))
            .await
            .map(|found| self.legible(found))
    }

    /// The runs that have not ended, oldest first.
    ///
    /// # Errors
    /// When the journal can't be read. One that is damaged is left out, and logged.
    pub async fn unfinished_runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        self.read(select::unfinished_runs).await.map(|found| self.legible(found))
    }

    /// An incident, where there is one of that id.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn incident(&self, id: &IncidentId) -> Result<Option<IncidentRecord>, JournalError> {
        let id = id.as_str().to_owned();
        self.noted(self.read(move |connection| select::record(connection, Table::Incidents, &id)).await?)
    }

    /// A run, where there is one of that id.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, JournalError> {
        let id = id.as_str().to_owned();
        self.noted(self.read(move |connection| select::record(connection, Table::Runs, &id)).await?)
    }

    /// Under what a run began, where there is one of that id.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn header(&self, id: &RunId) -> Result<Option<RunHeader>, JournalError> {
        let id = id.as_str().to_owned();
        self.noted(self.read(move |connection| select::header(connection, &id)).await?)
    }

    /// What a run did, in order. All of it, or an error: nothing may be concluded from
    /// a record with holes.
    ///
    /// # Errors
    /// When the journal can't be read, or an entry is damaged or missing: it is named.
    pub async fn entries(&self, run: &RunId) -> Result<Vec<Entry>, JournalError> {
        let (entries, damaged) = self.legible_entries(run).await?;
        self.noted(if damaged.is_empty() { Ok(entries) } else { Err(JournalError::DamagedRows(damaged)) })
    }

    /// What can still be read of a run's record, to be shown to people, and what can't:
    /// a sentence each.
    ///
    /// # Errors
    /// When the journal can't be read at all.
    pub async fn legible_entries(&self, run: &RunId) -> Result<(Vec<Entry>, Vec<String>), JournalError> {
        let run = run.as_str().to_owned();
        let Legible { items, damaged } = self.read(move |connection| part::entries(connection, &run)).await?;
        Ok((items, damaged))
    }

    /// What can be read; the rest goes to the log.
    fn legible<T>(&self, Legible { items, damaged }: Legible<T>) -> Vec<T> {
        damaged.iter().for_each(|damage| self.0.damage.report(&self.0.path, damage));
        items
    }

    /// What was read; damage that was in the way is noted.
    fn noted<T>(&self, read: Result<T, JournalError>) -> Result<T, JournalError> {
        read.inspect_err(|error| self.0.damage.note(&self.0.path, error))
    }

    /// Write what is left and close the journal: another may open it then. Commits fail
    /// from here on.
    ///
    /// # Errors
    /// When something could not be written and is lost.
    pub async fn close(&self) -> Result<(), JournalError> {
        let _hold = self.0.clock.hold();
        if let Some(surveyor) = &self.0.surveyor {
            surveyor.stop();
        }
        match &self.0.writer {
            Some(writer) => writer.close().await,
            None => Ok(()),
        }
    }

    /// Read, after all that was committed before.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let _hold = self.0.clock.hold();
        if let Some(writer) = &self.0.writer {
            writer.settle().await;
        }
        self.read_committed(query).await
    }

    /// Read what is on disk. Of changes whose commit was waited for none is missed.
    async fn read_committed<T: Send + 'static>(
        &self,
        query: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let _hold = self.0.clock.hold();
        let result = self.0.readers.run(query).await?;
        self.noted(result.map_err(|error| error::explain(&self.0.path, "read", error)))
    }
}

/// The record of one run in the journal.
struct StoredLog {
    journal: Journal,
    run: RunId,
}

#[async_trait]
impl RunLog for StoredLog {
    async fn append(&self, entry: Entry, durability: Durability) -> Result<(), JournalError> {
        self.journal.commit(vec![Change::Entry(self.run.clone(), entry)], durability).await
    }

    async fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        self.journal.entries(&self.run).await
    }
}

#[cfg(test)]
mod tests;
