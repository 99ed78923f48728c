//! Where runs are read from: a journal on disk, or a running host.

mod audit;
mod find;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use suture_core::{Clock, RealClock, RunId, Timestamp};
use suture_journal::{Entry, Filter, Journal, JournalError, ListedRun, Page, Part, RunHeader};
use suture_server::ShownIncident;

pub use find::Whole;

use crate::args::SourceArgs;
use crate::error::CliError;
use crate::module::DEFAULT_CONFIG;
use crate::place::{self, Place};
use crate::server::{Server, id_path};

/// Records of runs.
pub enum Records {
    /// A journal on disk.
    Journal(Journal, String),
    /// A running host's admin API.
    Server(Server),
}

impl Records {
    /// Open what is meant: what the flags name, then what the environment or the user's file does,
    /// then the journal of the configuration in this folder.
    ///
    /// # Errors
    /// Where it can't be opened.
    pub fn open(source: &SourceArgs) -> Result<Self, CliError> {
        if let Some(path) = &source.journal {
            return journal(path);
        }
        if source.server.is_none()
            && let Some(file) = &source.config
        {
            return journal(&storage(file)?);
        }
        let named = Place::known(source.server.as_deref(), source.token_file.as_deref(), &source.tls)?;
        if let Some(place) = named {
            return Ok(Self::Server(Server::at(&place)?));
        }
        let file = Path::new(DEFAULT_CONFIG);
        if !file.exists() {
            let help = format!(
                "--server URL, --journal PATH, or --config FILE with the configuration of a host; SUTURE_SERVER, or \
                 `server` in ~/.config/suture/config.yaml; or a {DEFAULT_CONFIG} in this folder"
            );
            return Err(CliError::usage("name a server or a journal").help(help));
        }
        journal(&storage(file)?)
    }

    /// Where it is, for people.
    pub fn place(&self) -> &str {
        match self {
            Self::Journal(_, path) => path,
            Self::Server(server) => server.url(),
        }
    }

    /// The storage that the journal stands in, where it is one on disk.
    pub fn storage(&self) -> Option<&Path> {
        match self {
            Self::Journal(journal, _) => journal.path().parent(),
            Self::Server(_) => None,
        }
    }

    /// A page of incidents, newest first.
    ///
    /// # Errors
    /// Where they can't be read.
    pub async fn incidents(&self, filter: &Filter) -> Result<Listed<ShownIncident>, CliError> {
        match self {
            Self::Journal(journal, path) => {
                filter.check_for_incidents().map_err(CliError::usage)?;
                // For what each waits, only its host knows.
                let found = journal.list_incidents(filter.clone()).await;
                let shown = |listed| ShownIncident { listed, waiting_for: None };
                Listed::read(found.map(|page| page.map(shown)), path)
            }
            Self::Server(server) => server.get("/api/v1/incidents", &query(filter)).await,
        }
    }

    /// A page of runs, newest first.
    ///
    /// # Errors
    /// Where they can't be read.
    pub async fn runs(&self, filter: &Filter) -> Result<Listed<ListedRun>, CliError> {
        match self {
            Self::Journal(journal, path) => {
                filter.check_for_runs().map_err(CliError::usage)?;
                Listed::read(journal.list_runs(filter.clone()).await, path)
            }
            Self::Server(server) => server.get("/api/v1/runs", &query(filter)).await,
        }
    }

    /// One part of a run's record: what it did after a step.
    ///
    /// # Errors
    /// Where none of it can be read.
    pub async fn part(&self, run: &RunId, after: u32) -> Result<Part, CliError> {
        match self {
            Self::Journal(journal, path) => {
                let read = journal.part(run, after, usize::MAX, PART).await;
                read.map_err(|error| CliError::internal(error.to_string()).at(path))
            }
            Self::Server(server) => {
                let Detail { entries, next, .. } = self.detail(server, run, after).await?;
                Ok(Part { entries, damaged: Vec::new(), next: following(server, next, after)? })
            }
        }
    }

    async fn detail(&self, server: &Server, run: &RunId, after: u32) -> Result<Detail, CliError> {
        // A host that knows no parts is asked for the whole, as it was before.
        let after: Vec<_> = (after > 0).then(|| ("after", after.to_string())).into_iter().collect();
        server.get(&id_path("runs", run.as_str()), &after).await
    }
}

/// Bytes of a part that is read from a journal on disk.
const PART: usize = 4 << 20;

/// Where the next part begins. It must lie behind this one, or there would be no end.
fn following(server: &Server, next: Option<String>, after: u32) -> Result<Option<u32>, CliError> {
    let Some(next) = next else { return Ok(None) };
    match next.parse() {
        Ok(next) if next > after => Ok(Some(next)),
        _ => Err(CliError::internal("the answer names no next part").at(server.url())),
    }
}

/// The journal of a configuration.
fn storage(file: &Path) -> Result<PathBuf, CliError> {
    let loaded = place::load(file)?;
    Ok(loaded.path(&loaded.config.storage.path))
}

/// A filter as the API takes it: what it is as JSON, part by part.
fn query(filter: &Filter) -> Vec<(&'static str, String)> {
    let since = filter.since.map(|since| since.to_string());
    let given = [
        ("policy", filter.policy.clone()),
        ("namespace", filter.namespace.clone()),
        ("state", filter.state.clone()),
        ("outcome", filter.outcome.clone()),
        ("since", since),
        ("open", filter.open.map(|open| open.to_string())),
        ("limit", filter.limit.map(|limit| limit.to_string())),
        ("after", filter.after.clone()),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// A page of a list, and what time it is where it comes from.
#[derive(Deserialize)]
pub struct Listed<T> {
    #[serde(flatten)]
    pub page: Page<T>,
    #[serde(default = "now")]
    pub now: Timestamp,
}

impl<T> Listed<T> {
    fn read(page: Result<Page<T>, JournalError>, path: &str) -> Result<Self, CliError> {
        let page = page.map_err(|error| CliError::internal(error.to_string()).at(path))?;
        Ok(Self { page, now: now() })
    }
}

fn now() -> Timestamp {
    RealClock.now()
}

fn journal(path: &Path) -> Result<Records, CliError> {
    // A host may be at work on it meanwhile.
    let journal = Journal::open_read_only(path).map_err(|error| {
        CliError::usage(format!("the journal can't be opened: {error}"))
            .at(path.display())
            .help("name the folder that `storage.path` names in suture.yaml")
    })?;
    Ok(Records::Journal(journal, path.display().to_string()))
}

/// What the admin API says of one run.
#[derive(Deserialize)]
struct Detail {
    entries: Vec<Entry>,
    /// Where the next part begins; an older host has but one.
    next: Option<String>,
    /// An older host does not tell it.
    header: Option<RunHeader>,
}
