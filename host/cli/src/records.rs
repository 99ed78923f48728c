//! Where runs are read from: a journal on disk, or a running host.

mod find;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use suture_core::RunId;
use suture_journal::{Entry, Filter, Journal, Page, Part, RunHeader, RunRecord};
use suture_server::Config;

pub use find::Whole;

use crate::args::SourceArgs;
use crate::error::CliError;
use crate::module::DEFAULT_CONFIG;
use crate::server::Server;

/// Records of runs.
pub enum Records {
    /// A journal on disk.
    Journal(Journal, String),
    /// A running host's admin API.
    Server(Server),
}

impl Records {
    /// Open what the command line names; where it names nothing, the journal of the
    /// configuration in this folder.
    ///
    /// # Errors
    /// Where it can't be opened.
    pub fn open(source: &SourceArgs) -> Result<Self, CliError> {
        if let Some(path) = &source.journal {
            return journal(path);
        }
        let Some(url) = &source.server else { return journal(&configured()?) };
        Ok(Self::Server(Server::at(url, source.token_file.as_deref(), &source.tls)?))
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

    /// One page of runs, newest first.
    ///
    /// # Errors
    /// Where they can't be read.
    pub async fn runs(&self, filter: &Filter) -> Result<Page<RunRecord>, CliError> {
        match self {
            Self::Journal(journal, path) => journal
                .runs(filter.clone())
                .await
                .map_err(|error| CliError::internal(error.to_string()).at(path)),
            Self::Server(server) => {
                let mut query: Vec<(&str, String)> = Vec::new();
                query.extend(filter.policy.clone().map(|policy| ("policy", policy)));
                query.extend(filter.limit.map(|limit| ("limit", limit.to_string())));
                query.extend(filter.after.clone().map(|after| ("after", after)));
                server.get("/api/v1/runs", &query).await
            }
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
        server.get(&format!("/api/v1/runs/{run}"), &after).await
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

/// The journal of the configuration in this folder.
fn configured() -> Result<PathBuf, CliError> {
    let file = Path::new(DEFAULT_CONFIG);
    if !file.exists() {
        let help = format!("--journal PATH, --server URL, or a {DEFAULT_CONFIG} in this folder");
        return Err(CliError::usage("name a journal or a server").help(help));
    }
    let loaded = Config::load(file).map_err(|errors| {
        let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
        CliError::usage(all.join("\n"))
    })?;
    Ok(loaded.path(&loaded.config.storage.path))
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
