//! Where a run's entries go.

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::entry::Entry;
use crate::error::JournalError;

/// Whether a write waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It returns when the disk has it: intents, waits, outcomes, the inbox.
    Synced,
    /// It rides along with the next that is synced: reads and replies.
    Lazy,
}

/// Where one run's entries go.
#[async_trait]
pub trait RunLog: Send + Sync {
    /// Add an entry.
    async fn append(&self, entry: Entry, durability: Durability) -> Result<(), JournalError>;

    /// All that was added, in order, by whichever process.
    async fn entries(&self) -> Result<Vec<Entry>, JournalError>;
}

/// Entries in memory: for scenarios, and for runs that need not survive.
#[derive(Debug, Default)]
pub struct MemoryLog(Mutex<Vec<Entry>>);

impl MemoryLog {
    /// A log that begins with what an earlier process wrote.
    pub fn beginning_with(entries: Vec<Entry>) -> Self {
        Self(Mutex::new(entries))
    }

    /// What was written so far.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.lock().clone()
    }
}

#[async_trait]
impl RunLog for MemoryLog {
    async fn append(&self, entry: Entry, _: Durability) -> Result<(), JournalError> {
        self.0.lock().push(entry);
        Ok(())
    }

    async fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        Ok(self.0.lock().clone())
    }
}
