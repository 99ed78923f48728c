//! What the command says when it can't do what was asked.

use std::fmt;
use std::process::ExitCode;

/// The command's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or passed.
    Done,
    /// 1: an expectation failed, or a run did not end well.
    Failed,
    /// 2: the command line, a file or a configuration is wrong.
    Usage,
    /// 3: something inside is wrong.
    Internal,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Internal => 3,
        })
    }
}

/// An error as people read it: what, where, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    /// The exit code.
    pub exit: Exit,
    /// What happened.
    pub what: String,
    /// Where: a file with its line, an address.
    pub place: Option<String>,
    /// What to do next.
    pub help: Option<String>,
}

impl CliError {
    /// Something that was asked for can't be done as it was asked.
    pub fn usage(what: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, what: what.into(), place: None, help: None }
    }

    /// Something inside is wrong.
    pub fn internal(what: impl Into<String>) -> Self {
        Self { exit: Exit::Internal, ..Self::usage(what) }
    }

    /// Say where.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// Say what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if let Some(place) = &self.place {
            write!(f, "\n  at: {place}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for CliError {}

impl From<suture_scenario::ScenarioError> for CliError {
    fn from(error: suture_scenario::ScenarioError) -> Self {
        let place = match error.line {
            0 => error.file.display().to_string(),
            line => format!("{}:{line}:{}", error.file.display(), error.column),
        };
        Self::usage(error.message).at(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_where_and_what_to_do_next() {
        let error = CliError::usage("no such file").at("a/b.wasm").help("run `suture build a`");
        assert_eq!(error.to_string(), "no such file\n  at: a/b.wasm\nhelp: run `suture build a`");
    }
}
