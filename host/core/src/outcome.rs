//! How a run ends.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::duration::HumanDuration;
use crate::handler::Halt;
use crate::limits::LimitExceeded;

/// What a policy concluded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub enum Outcome {
    /// The repair is done; the alert should clear.
    Remediated {
        /// For people.
        summary: String,
    },
    /// There is nothing to repair.
    Unnecessary {
        /// For people.
        summary: String,
    },
    /// Not now.
    Retry {
        /// How long to wait, at least.
        after: HumanDuration,
        /// For people.
        summary: String,
    },
    /// A person must look.
    Escalate {
        /// For people.
        summary: String,
    },
}

impl Outcome {
    /// `remediated`, `unnecessary`, `retry` or `escalate`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Remediated { .. } => "remediated",
            Self::Unnecessary { .. } => "unnecessary",
            Self::Retry { .. } => "retry",
            Self::Escalate { .. } => "escalate",
        }
    }

    /// The sentence for people.
    pub fn summary(&self) -> &str {
        match self {
            Self::Remediated { summary }
            | Self::Unnecessary { summary }
            | Self::Retry { summary, .. }
            | Self::Escalate { summary } => summary,
        }
    }

    /// How long a `retry` wants to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Retry { after, .. } => Some((*after).into()),
            _ => None,
        }
    }
}

/// Why a run is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    /// The policy concluded.
    Concluded(Outcome),
    /// The policy returned an error: it could not conclude.
    Failed(String),
    /// The policy's code trapped.
    Trapped(String),
    /// The host ended it.
    Halted(Halt),
}

impl Ending {
    /// All that [`name`](Self::name) can say.
    pub const NAMES: [&str; 10] = [
        "remediated",
        "unnecessary",
        "retry",
        "escalate",
        "failed",
        "planned",
        "unapproved",
        "cancelled",
        "silenced",
        "interrupted",
    ];

    /// What FORMATS calls the outcome: an [`Outcome::name`], `planned`,
    /// `cancelled`, `silenced`, or `failed`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Concluded(outcome) => outcome.name(),
            Self::Halted(Halt::Planned) => "planned",
            Self::Halted(Halt::Cancelled(_)) => "cancelled",
            Self::Halted(Halt::Silenced(_)) => "silenced",
            Self::Halted(Halt::Shutdown) => "interrupted",
            Self::Failed(_) | Self::Trapped(_) | Self::Halted(_) => "failed",
        }
    }

    /// A sentence for people.
    pub fn summary(&self) -> String {
        match self {
            Self::Concluded(outcome) => outcome.summary().to_owned(),
            Self::Failed(message) => message.clone(),
            Self::Trapped(message) => format!("the policy trapped: {message}"),
            Self::Halted(halt) => halt.to_string(),
        }
    }
}

impl From<LimitExceeded> for Ending {
    fn from(exceeded: LimitExceeded) -> Self {
        Self::Halted(Halt::Limit(exceeded))
    }
}
