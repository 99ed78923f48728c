//! The disk that a scenario's runs are recorded on. It may lose what it was not told to
//! sync.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use suture_journal::{Durability, Entry, JournalError, RunLog};

use super::trouble::Trouble;

/// The records of all runs, in the order in which they began.
#[derive(Default)]
pub(crate) struct Disk(Mutex<Vec<Record>>);

/// What is on a disk of one run.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub entries: Vec<Entry>,
    /// How many of them would survive a power loss.
    synced: usize,
    /// What went wrong, and how many entries there were then.
    pub marks: Vec<(usize, String)>,
}

impl Disk {
    /// The log of one more run.
    pub fn log(self: &Arc<Self>, trouble: Option<Arc<dyn Trouble>>) -> Arc<dyn RunLog> {
        let mut records = self.0.lock();
        records.push(Record::default());
        Arc::new(Log { disk: self.clone(), run: records.len() - 1, trouble })
    }

    /// What is on record of a run.
    pub fn entries(&self, run: usize) -> Vec<Entry> {
        self.0.lock().get(run).map(|record| record.entries.clone()).unwrap_or_default()
    }

    /// Note that something went wrong at this point of a run.
    pub fn mark(&self, run: usize, what: String) {
        if let Some(record) = self.0.lock().get_mut(run) {
            let at = record.entries.len();
            record.marks.push((at, what));
        }
    }

    /// Sync what was written: a run that is over is stored as such.
    pub fn sync(&self) {
        self.0.lock().iter_mut().for_each(|record| record.synced = record.entries.len());
    }

    /// Lose what was not synced.
    pub fn lose(&self) {
        for record in self.0.lock().iter_mut() {
            record.entries.truncate(record.synced);
            let left = record.entries.len();
            record.marks.iter_mut().for_each(|(at, _)| *at = left.min(*at));
        }
    }

    /// All records.
    pub fn take(&self) -> Vec<Record> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Where one run writes.
struct Log {
    disk: Arc<Disk>,
    run: usize,
    trouble: Option<Arc<dyn Trouble>>,
}

#[async_trait]
impl RunLog for Log {
    async fn append(&self, entry: Entry, durability: Durability) -> Result<(), JournalError> {
        if let Some(trouble) = &self.trouble {
            trouble.before_write(self.run).await;
        }
        if let Some(record) = self.disk.0.lock().get_mut(self.run) {
            record.entries.push(entry);
        }
        // One file: whatever rode along until now is on it too.
        if durability == Durability::Synced {
            self.disk.sync();
        }
        if let Some(trouble) = &self.trouble {
            trouble.after_write(self.run).await;
        }
        Ok(())
    }

    async fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        Ok(self.disk.entries(self.run))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use suture_core::{Effect, Reply, Timestamp};
    use suture_journal::{Answer, Body};

    use super::*;

    fn entry(step: u32) -> Entry {
        let body = Body::Call { effect: Effect::Now, answer: Answer::Ok(Reply::Noted), undo_of: None };
        Entry { step, at: Timestamp::UNIX_EPOCH, body }
    }

    #[test]
    fn a_disk_loses_what_no_run_has_synced_since() {
        let disk = Arc::new(Disk::default());
        let (one, two) = (disk.log(None), disk.log(None));
        let write = |log: &Arc<dyn RunLog>, step, durability| {
            log.append(entry(step), durability).now_or_never().unwrap().unwrap();
        };
        write(&one, 1, Durability::Lazy);
        write(&two, 1, Durability::Synced);
        write(&one, 2, Durability::Lazy);
        disk.mark(0, "a power loss".to_owned());
        disk.lose();
        let records = disk.take();
        assert_eq!(records.iter().map(|record| record.entries.len()).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(records[0].marks, [(1, "a power loss".to_owned())]);
    }
}
