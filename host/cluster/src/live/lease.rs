//! A Kubernetes Lease (`coordination.k8s.io/v1`): of several hosts, one acts.
//!
//! A [`Candidate`] waits until the Lease is free and takes it; the [`Holder`] that it
//! becomes renews it, and gives it back in the end. Both write the object as client-go's
//! leader election does, so `kubectl` and other tools read it as they read any other, and
//! both name the version that they change: of two that write at once, one loses.
//!
//! **No clock but one's own is believed.** A candidate takes a Lease over only once its
//! record has not changed for the whole duration, by the candidate's own monotonic clock.
//! The holder counts from the moment *before* it sent its last renewal, which is before
//! anybody can have seen it, and acts for two thirds of the duration only. The last third
//! is room for what was sent just before and is still on its way.
//!
//! **The fence.** [`Fenced`] stands around a cluster and performs changes only while the
//! [`Tenure`] lasts. It looks at the clock each time before a call goes on, so a process
//! that was stopped, or whose machine slept, finds out before it sends anything. A tenure
//! that is over stays over: the host ends, and begins anew as a candidate.
//!
//! What no fence on this side can hold back is a request that has left and is delivered
//! late. Such a change names the uid and the version of what it changes, and a create its
//! name: it fails where the world has moved on.

mod candidate;
mod fence;
mod holder;
mod identity;
mod spec;
mod store;
mod tenure;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use suture_core::Jitter;

pub use candidate::{Candidate, Standing};
pub use fence::Fenced;
pub use holder::Holder;
pub use identity::identity;
pub use tenure::{Lost, Tenure};

/// A Lease, and who stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseOptions {
    /// The namespace of the Lease.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What its holder is called; [`identity()`] makes one that nobody else has.
    pub identity: String,
    /// How long after a holder's last sign of life another takes over: whole seconds.
    pub duration: Duration,
}

impl fmt::Display for LeaseOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl LeaseOptions {
    /// How long after its last renewal a holder still acts.
    fn tenure(&self) -> Duration {
        self.duration * 2 / 3
    }

    /// How long a holder waits before it renews.
    fn renewal(&self) -> Duration {
        self.duration / 3
    }

    /// How long a candidate waits before it looks again, and a holder before it tries
    /// again.
    fn retry(&self) -> Duration {
        self.duration / 10
    }

    /// How long one attempt may take.
    fn attempt(&self) -> Duration {
        self.duration / 5
    }

    /// A little less than a pause, by an amount that differs from host to host and from
    /// one time to the next: replicas that start together don't write together.
    fn jittered(&self, pause: Duration, time: u32) -> Duration {
        Jitter::new(25, &self.identity).shorten(pause, time)
    }
}
