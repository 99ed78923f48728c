//! What a policy concluded.

use crate::Duration;
use crate::wit::types;

/// What a policy concluded. Each comes with a sentence for people: it stands in the
/// timeline, in the API, and in the alert that tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The repair is done. The host now watches that the alert clears.
    Remediated(String),
    /// There is nothing to repair.
    Unnecessary(String),
    /// Not now: the host starts another run after this long, or later.
    Retry(Duration, String),
    /// A person must look.
    Escalate(String),
}

impl Outcome {
    /// The repair is done.
    pub fn remediated(summary: impl Into<String>) -> Self {
        Self::Remediated(summary.into())
    }

    /// There is nothing to repair.
    pub fn unnecessary(summary: impl Into<String>) -> Self {
        Self::Unnecessary(summary.into())
    }

    /// Not now, but after this long.
    pub fn retry(after: Duration, reason: impl Into<String>) -> Self {
        Self::Retry(after, reason.into())
    }

    /// A person must look: what was seen, and what was not done because of it.
    pub fn escalate(summary: impl Into<String>) -> Self {
        Self::Escalate(summary.into())
    }
}

impl From<Outcome> for types::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Remediated(summary) => Self::Remediated(summary),
            Outcome::Unnecessary(summary) => Self::Unnecessary(summary),
            Outcome::Retry(after, reason) => {
                Self::Retry(types::Retry { after_ms: after.as_millis(), reason })
            }
            Outcome::Escalate(summary) => Self::Escalate(summary),
        }
    }
}
