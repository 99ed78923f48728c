//! Why Alertmanager does not say or do something.

use std::time::Duration;

use crate::http::HttpError;

/// Why Alertmanager does not say or do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlertmanagerError {
    /// There is no answer.
    #[error("Alertmanager at {0}")]
    Http(#[from] HttpError),
    /// It answers that something is wrong.
    #[error("Alertmanager at {url} answered {status}: {excerpt}")]
    Status {
        /// Where it is.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How its answer begins.
        excerpt: String,
    },
    /// Something else answers there, or one of a version that is not known.
    #[error("Alertmanager at {url} does not answer as one: {why}")]
    Unreadable {
        /// Where it is.
        url: String,
        /// What is wrong with its JSON.
        why: String,
    },
    /// It does not take an alert.
    #[error("Alertmanager at {url} refused the alert with {status}: {excerpt}{hint}")]
    Refused {
        /// Where it is.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How its answer begins.
        excerpt: String,
        /// What to look at, or nothing.
        hint: &'static str,
    },
    /// An alert has no labels, and so no identity.
    #[error("an alert without labels can't be posted")]
    NoLabels,
    /// It has more of something than is looked at.
    #[error(
        "Alertmanager at {url} has {found} active silences, and no more than {most} can be held against each alert; let some expire"
    )]
    TooMany {
        /// Where it is.
        url: String,
        /// How many it has.
        found: usize,
        /// How many it may have.
        most: usize,
    },
    /// It answers, but so slowly that not all was asked.
    #[error("Alertmanager at {url} took more than {} s to answer some of the questions", within.as_secs())]
    Slow {
        /// Where it is.
        url: String,
        /// What it had for all of them.
        within: Duration,
    },
}

impl AlertmanagerError {
    /// Whether it would say more than is read: one can ask for less.
    pub fn is_too_long(&self) -> bool {
        matches!(self, Self::Http(HttpError::TooLong { .. }))
    }
}
