//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_saphyr::{DefaultMessageFormatter, Location, MessageFormatter};

/// One thing that is wrong, or looks wrong, in a configuration.
///
/// Shown as `FILE:LINE:COLUMN: message`, followed by the line itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 where it is not known.
    pub line: u64,
    /// The column, from 1; 0 where it is not known.
    pub column: u64,
    /// What is wrong, and what to write instead.
    pub message: String,
    /// The text of the line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source_line: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.source_line.is_empty() {
            let margin = self.line.to_string().len();
            let caret = usize::try_from(self.column.saturating_sub(1)).unwrap_or_default();
            write!(
                f,
                "\n{:margin$} |\n{} | {}\n{:margin$} | {:caret$}^",
                "", self.line, self.source_line, "", ""
            )?;
        }
        Ok(())
    }
}

/// A configuration's text and where it came from: makes errors.
pub(crate) struct Source<'a> {
    pub file: &'a Path,
    pub text: &'a str,
}

impl Source<'_> {
    pub fn error(&self, location: Location, message: impl Into<String>) -> ConfigError {
        let line = location.line();
        let index = usize::try_from(line).unwrap_or_default();
        let source_line = if line == 0 { "" } else { self.text.lines().nth(index - 1).unwrap_or_default() };
        ConfigError {
            file: self.file.to_owned(),
            line,
            column: location.column(),
            message: message.into(),
            source_line: source_line.chars().take(200).filter(|c| !c.is_control()).collect(),
        }
    }

    pub fn of_yaml(&self, error: &serde_saphyr::Error) -> ConfigError {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        self.error(location, DefaultMessageFormatter.format_message(error.without_snippet()))
    }
}
