//! What is wrong with a scenario, and where.

use std::path::{Path, PathBuf};

use serde_saphyr::{DefaultMessageFormatter, Location, MessageFormatter};
use suture_core::display;

/// What is wrong with a scenario file. Shown as `file:line:column: message`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", file.display(), position(*line, *column))]
pub struct ScenarioError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 where it is not known.
    pub line: u64,
    /// The column, from 1; 0 where it is not known.
    pub column: u64,
    /// What is wrong, and what to write instead.
    pub message: String,
}

fn position(line: u64, column: u64) -> String {
    if line == 0 { String::new() } else { format!(":{line}:{column}") }
}

impl ScenarioError {
    pub(crate) fn at(file: &Path, location: Location, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self {
            file: file.to_owned(),
            line: location.line(),
            column: location.column(),
            message: display::lines(&message).into_owned(),
        }
    }

    pub(crate) fn of_yaml(file: &Path, error: &serde_saphyr::Error) -> Self {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        let message = DefaultMessageFormatter.format_message(error.without_snippet());
        Self::at(file, location, message)
    }
}
