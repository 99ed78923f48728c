//! A cluster in a process of its own, behind a Unix socket that speaks effects.
//!
//! The host can be killed and started again while the cluster, its time, and what its
//! controllers are at go on. [`Listener`] takes a place in the file system,
//! [`Offer::serve`] answers there, and [`SocketCluster`] is the cluster on the host's side.
//!
//! # The protocol
//! Frames: four bytes with the length (big endian), then JSON, at most [`MAX_FRAME`] bytes
//! of it. The client says which [`PROTOCOL`] it speaks; the server answers with its own, with what time
//! it is and how that passes, and with a name that no other server has. From then on
//! the client asks and the server answers, in any order: each question has a number. A
//! question that is no longer of interest is cancelled. Both sides are the same version of
//! Suture, so the JSON is that of [`suture_core`], and may change with every protocol.
//!
//! # Time
//! It runs, some times as fast as real; so it is for people. Or it is manual: it stands still until
//! the server says what time it is now, and the client says so once it lives by that. It does as
//! soon as nothing holds its clock: no question but a wait is unanswered, nothing is on its way to
//! the disk. [`ManualTime`] is for tests, in which time must wait for work on a machine that is busy.
//!
//! # What can go wrong
//! A frame that makes no sense ends its connection, with a reason, and nothing else. A
//! question that makes no sense gets an error for an answer. Where the connection is lost,
//! what changes nothing fails with `Unavailable`, a wait is asked again until its deadline,
//! and a change that was sent fails with `Unknown`: it may have taken place.

mod awake;
mod client;
mod clock;
mod listener;
mod manual;
mod server;
#[cfg(test)]
mod tests;
mod wire;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use awake::Awake;
pub use client::SocketCluster;
pub use listener::Listener;
pub use manual::ManualTime;
pub use server::Offer;
pub use wire::PROTOCOL;

/// The most bytes of JSON in a frame: more than the largest page of a list.
pub const MAX_FRAME: usize = 64 << 20;

/// How many questions may be unanswered at once on a connection. Each run that waits has
/// one.
pub const MAX_IN_FLIGHT: usize = 32_768;

/// How many connections a server has at once; others wait for their turn.
pub const MAX_CONNECTIONS: usize = 64;

/// How long the other side may take for its first frame.
const GREETING: Duration = Duration::from_secs(10);

/// Why a socket can't be served or used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct SocketError {
    /// The socket.
    pub path: PathBuf,
    /// What is wrong, and what to do about it.
    pub message: String,
}

impl SocketError {
    fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into() }
    }
}
