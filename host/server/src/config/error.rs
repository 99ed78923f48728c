//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_saphyr::{DefaultMessageFormatter, Error, Location, MessageFormatter};
use suture_core::display;

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

impl ConfigError {
    /// Something that is wrong with no line of it.
    pub(crate) fn whole(file: &Path, message: impl Into<String>) -> Self {
        let file = file.to_owned();
        Self { file, line: 0, column: 0, message: message.into(), source_line: String::new() }
    }

    /// What the reader of YAML says of a file.
    pub fn of_yaml(file: &Path, text: &str, error: &Error) -> Self {
        Source { file, text }.of_yaml(error)
    }

    /// `FILE:LINE:COLUMN: message`, without the line itself.
    pub fn in_a_line(&self) -> String {
        let file = self.file.display();
        let message = &self.message;
        match self.line {
            0 => format!("{file}: {message}"),
            line => format!("{file}:{line}:{}: {message}", self.column),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_a_line())?;
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
        let message: String = message.into();
        let line = location.line();
        let index = usize::try_from(line).unwrap_or_default();
        let source_line = if line == 0 { "" } else { self.text.lines().nth(index - 1).unwrap_or_default() };
        ConfigError {
            file: self.file.to_owned(),
            line,
            column: location.column(),
            message: display::lines(&message).into_owned(),
            source_line: shown_line(source_line),
        }
    }

    pub fn of_yaml(&self, error: &Error) -> ConfigError {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        self.error(location, in_words(error.without_snippet()))
    }
}

/// The beginning of a line, in which the place of a character stays what it was.
fn shown_line(line: &str) -> String {
    line.chars().take(200).map(|c| if display::is_deceptive(c) { '\u{fffd}' } else { c }).collect()
}

/// What the reader of YAML says, in the words of somebody who writes a configuration.
fn in_words(error: &Error) -> String {
    match error {
        Error::Eof { .. } => "the file ends too early, or has nothing in it".to_owned(),
        Error::Unexpected { expected: "mapping start", .. } => {
            "keys with values are expected here: `key: value`, or `{key: value}`".to_owned()
        }
        Error::Unexpected { expected: "sequence start", .. } => {
            "a list is expected here: `[…]`, or lines that begin with `- `".to_owned()
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("the key `{key}` stands here twice"),
        Error::ExpectedMappingEndAfterEnumVariantValue { .. } => {
            "only one of the keys that are possible here may be given".to_owned()
        }
        Error::InvalidScalar { ty, .. } => format!("this is not a valid value; expected: {ty}"),
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("there is no key `{field}` here; possible: {}", listed(expected))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            format!("`{variant}` is not possible here; possible: {}", listed(expected))
        }
        Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        Error::Budget { .. } => {
            "this is more, or deeper, than a configuration can be: too many levels, values, aliases or documents"
                .to_owned()
        }
        other => DefaultMessageFormatter.format_message(other).into_owned(),
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
