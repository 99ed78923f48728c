//! Why a server gave no answer.

use std::time::Duration;

/// Why a server gave no answer; each begins with its URL, without credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The request can't be made: a path that is none, a token or certificate that can't be read.
    #[error("{url}: {why}")]
    NotSent {
        /// The server.
        url: String,
        /// A sentence for people.
        why: String,
    },
    /// Nobody answers, or the connection was lost.
    #[error("{url} can't be reached: {why}")]
    Unreachable {
        /// The server.
        url: String,
        /// The causes, the outermost first.
        why: String,
    },
    /// It leads to another server, which was not configured.
    #[error(
        "{url} answers {status}, which leads to another server: that is asked only where its own URL is \
         configured"
    )]
    Redirected {
        /// The server.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// Its answer is longer than is read.
    #[error("{url} answers more than {} MiB", most >> 20)]
    TooLong {
        /// The server.
        url: String,
        /// What is read, in bytes.
        most: usize,
    },
    /// It took too long.
    #[error("{url} did not answer within {} s", within.as_secs())]
    TimedOut {
        /// The server.
        url: String,
        /// What it had.
        within: Duration,
    },
}
