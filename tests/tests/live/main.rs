//! The live cluster on a real API server that is not at its best.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as expected")]

mod away;
mod many;
mod refusing;
mod served;
mod user;
