//! Ending a run in the middle of it, with `?`.
//!
//! ```
//! use suture_policy::Outcome;
//! use suture_policy::stop::{Stop, escalate};
//!
//! fn repair(backups: u32) -> Result<String, Stop> {
//!     must_be_some(backups)?;
//!     Ok("the newest backup is back".to_owned())
//! }
//!
//! fn must_be_some(backups: u32) -> Result<(), Stop> {
//!     if backups == 0 { escalate("there is no backup") } else { Ok(()) }
//! }
//!
//! let outcome = repair(0).map(Outcome::remediated).or_else(Stop::outcome);
//! assert_eq!(outcome.unwrap(), Outcome::escalate("there is no backup"));
//! ```

use crate::{Duration, Error, Outcome, prometheus};

/// Why a run goes no further.
#[derive(Debug)]
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
    /// What [`Policy::remediate`](crate::Policy::remediate) returns of it.
    ///
    /// # Errors
    /// That of the run.
    pub fn outcome(self) -> Result<Outcome, Error> {
        match self {
            Self::Outcome(outcome) => Ok(outcome),
            Self::Error(error) => Err(error),
        }
    }
}

/// What becomes of an error that another attempt would not mend. What the host does not allow today it does not
/// allow then either, so a person is told, with its words; but where it refused because the alert does not
/// fire any more, there is nothing left to repair.
///
/// # Errors
/// The same error, where it is another: the host tries again later.
pub fn denied_is_for_people(error: Error) -> Result<Outcome, Error> {
    if !error.is_denied() {
        return Err(error);
    }
    if prometheus::alerts().is_ok_and(|alerts| !alerts.iter().any(|alert| alert.firing)) {
        return Ok(Outcome::unnecessary("the alert does not fire any more; nothing more was changed"));
    }
    Ok(Outcome::escalate(format!(
        "the host does not allow it: {}. `suture grants` prints what this policy asks for; its README says what for",
        error.message
    )))
}

/// Stop: there is nothing to repair.
///
/// # Errors
/// Always.
pub fn unnecessary<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Outcome(Outcome::unnecessary(why)))
}

/// Stop: a person must look.
///
/// # Errors
/// Always.
pub fn escalate<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Outcome(Outcome::escalate(why)))
}

/// Stop, and look again after so long, or later.
///
/// # Errors
/// Always.
pub fn retry<T>(after: Duration, why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Outcome(Outcome::retry(after, why)))
}
