//! A policy that can be run, and the host that answers it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::Hold;
use crate::effect::{Effect, Reply};
use crate::error::Error;
use crate::handler::Halt;
use crate::incident::Incident;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::outcome::Ending;

/// Answers a policy's calls during one run.
#[async_trait]
pub trait Host: Send + Sync {
    /// The reply, or the error that the policy sees; or, outside, the end of the run.
    ///
    /// Each call is one step of the run, numbered from 1 in the order of the calls,
    /// whatever comes of it. A program counts along: what `kube.mutate` hands out as
    /// `step` is that number, and comes back in [`Effect::Settle`].
    async fn answer(&self, effect: Effect) -> Result<Result<Reply, Error>, Halt>;

    /// Keeps virtual time from moving while the result lives: the program waits for its
    /// turn on a processor, which is no wait that a clock should jump over.
    fn hold(&self) -> Hold {
        Hold::default()
    }
}

/// A policy: a component, or (in tests) the same code compiled natively.
#[async_trait]
pub trait Program: Send + Sync {
    /// What it says of itself.
    fn manifest(&self) -> &Manifest;

    /// What identifies its code: `sha256:…`.
    fn digest(&self) -> &str;

    /// Run it once, in a fresh instance. Dropping the future ends the instance.
    async fn remediate(&self, incident: &Incident, limits: &Limits, host: Arc<dyn Host>) -> Ending;
}
