//! What the API says of a keeper's work.

use std::path::{Path, PathBuf};

use serde::Serialize;
use suture_core::Timestamp;

/// What became of the configuration on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigStatus {
    /// The file.
    pub file: PathBuf,
    /// When what is in force was put in force.
    pub loaded_at: Timestamp,
    /// Why what stands in the file now is not in force; empty where it is.
    pub errors: Vec<String>,
    /// Where what stands in the file now is another than what the host runs with: it is in force
    /// from the next start on.
    pub after_restart: Vec<String>,
}

impl ConfigStatus {
    pub fn of(file: &Path, loaded_at: Timestamp) -> Self {
        Self { file: file.to_owned(), loaded_at, errors: Vec::new(), after_restart: Vec::new() }
    }
}

/// Why a module was not put to work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AcceptError {
    /// No policy has that name.
    #[error("there is no policy `{0}`")]
    UnknownPolicy(String),
    /// None waits.
    #[error("no module of policy `{0}` waits to be accepted")]
    NothingWaits(String),
    /// Another one waits.
    #[error("the module that waits is {0}; look at it before you accept it")]
    OtherDigest(String),
    /// The decision could not be written down, or the module is not what it was.
    #[error("{0}")]
    Failed(String),
    /// The host is shutting down.
    #[error("the host is shutting down")]
    Stopping,
}
