//! Ends of a run before its end.

use suture_policy::{Error, Outcome};

use crate::manifest::Settings;

/// Why a run goes no further.
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
    /// How the run ends. What the operator does not allow today is not allowed at the next
    /// attempt either: a person must look.
    pub fn outcome(self) -> Result<Outcome, Error> {
        match self {
            Self::Outcome(outcome) => Ok(outcome),
            Self::Error(error) if error.is_denied() => Ok(Outcome::escalate(format!(
                "the host does not allow it: {}. `suture grants` prints what this policy asks for; its README says \
                 what for",
                error.message
            ))),
            Self::Error(error) => Err(error),
        }
    }
}

/// Stop: there is nothing to do.
pub fn unnecessary<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Outcome(Outcome::unnecessary(why)))
}

/// Stop: a person must look.
pub fn escalate<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Outcome(Outcome::escalate(why)))
}

/// Stop, and look again later.
pub fn retry<T>(settings: &Settings, why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Outcome(Outcome::retry(settings.retry_after, why)))
}
