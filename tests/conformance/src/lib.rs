//! Cases over effects that every cluster must answer alike.
//!
//! A policy that is right on the simulated cluster must be right on a real one. So
//! there is one list of [`cases`], each a sentence about what an API server does, and it
//! runs against both: `tests/simulated.rs` and `tests/live.rs`. A [`Case`] performs
//! effects through the three steps, as the engine does, and compares the replies, and of
//! errors the *reason*, never the message.
//!
//! What is expected was read off kube-apiserver 1.37; where the simulator can't do the
//! same, its own documentation says so and no case here asks for it.

mod bench;
mod case;
mod cases;
mod client;
mod objects;

pub use bench::{Bench, Cluster, ClusterProvider};
pub use case::{Case, cases, run};
pub use client::Client;
