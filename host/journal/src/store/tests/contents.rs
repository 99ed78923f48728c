//! All that a journal holds, to be compared.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;

/// What can be read of a journal. What can't is an error where a reader would ask for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Contents {
    pub inbox: Vec<(i64, InboxRecord)>,
    pub incidents: Vec<IncidentRecord>,
    pub runs: Vec<RunRecord>,
    pub headers: BTreeMap<String, Result<Option<RunHeader>, JournalError>>,
    pub entries: BTreeMap<String, Result<Vec<Entry>, JournalError>>,
}

/// What is in a journal that has these runs.
pub(super) async fn contents(journal: &Journal, runs: &[&str]) -> Result<Contents, JournalError> {
    let (mut headers, mut entries) = (BTreeMap::new(), BTreeMap::new());
    for run in runs {
        let id = RunId::new(*run);
        headers.insert((*run).to_owned(), journal.header(&id).await);
        entries.insert((*run).to_owned(), journal.entries(&id).await);
    }
    Ok(Contents {
        inbox: journal.inbox(99).await?,
        incidents: journal.open_incidents().await?,
        runs: journal.unfinished_runs().await?,
        headers,
        entries,
    })
}

/// The files of a journal, as they are on disk at a moment.
#[derive(Clone)]
pub(super) struct Files {
    pub database: Vec<u8>,
    pub log: Vec<u8>,
}

impl Files {
    pub fn of(folder: &Path) -> Self {
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap_or_default();
        Self { database: read("journal.db"), log: read("journal.db-wal") }
    }

    /// A host that finds these files.
    pub fn open(&self) -> (TempDir, Result<Journal, JournalError>) {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("journal.db"), &self.database).unwrap();
        if !self.log.is_empty() {
            std::fs::write(folder.path().join("journal.db-wal"), &self.log).unwrap();
        }
        let journal = Journal::open(folder.path(), Arc::new(RealClock));
        (folder, journal)
    }
}

/// Bytes that zstd can't make small.
pub(super) fn noise(length: usize) -> String {
    let mut seed = 1_u64;
    let next = |_| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b' ' + (seed >> 58) as u8)
    };
    (0..length).map(next).collect()
}
