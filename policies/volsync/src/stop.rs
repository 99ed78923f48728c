//! Ends of a repair before its end.

use suture_policy::{Duration, Error, Outcome};

use crate::manifest::Settings;

/// Why a repair goes no further.
pub enum Stop {
    /// It has come to a conclusion.
    Outcome(Outcome),
    /// It could not.
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Stop {
    /// Look again after so long.
    pub fn later(after: Duration, why: impl Into<String>) -> Self {
        Self::Outcome(Outcome::retry(after, why))
    }
}

/// Stop: there is nothing to repair.
pub fn unnecessary<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Outcome(Outcome::unnecessary(why)))
}

/// Stop: a person must look.
pub fn escalate<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Outcome(Outcome::escalate(why)))
}

/// Stop, and look again later.
pub fn retry<T>(settings: &Settings, why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::later(settings.retry_after, why))
}
