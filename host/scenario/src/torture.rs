//! Torture: every scenario again and again, with something going wrong each time.
//!
//! Nothing of it has to be written. From one run of a scenario as it is follow all
//! [perturbations](Perturbation) of it, mechanically: the host is killed before and after
//! every request and every entry that it writes, with and without what was not synced;
//! every request fails with each error that it can have, once or from then on, before or
//! after it was done; it is late, or its answer is;
//! somebody else changes, deletes or makes anew each object that the run deals with, before
//! each request and in the middle of each wait; notifications are lost, late, repeated;
//! locks are held; the alert clears. When each was tried alone, dice throw several together.
//! The idea is Sieve's (OSDI '22), which does this to Kubernetes controllers.
//!
//! No read is answered from the past, for none of ours is: the API server answers a get, and
//! the first page of a list, without a `resourceVersion` as things are when it is asked ("most
//! recent"; from etcd, or from a cache that has caught up with it), and this host never sends
//! one. Later pages are of the time of the first, as in the simulated cluster. What can be old
//! is an answer that is late, and what a host knew before it died; both are tried.
//!
//! A wait is told of no change but looks again: that a watch's notification is lost or
//! comes late is a wait that begins late, and one that is repeated a change that changes
//! nothing.
//!
//! # What must hold
//! - `never`, of what was really done to the cluster;
//! - `finally`, but of objects that somebody else deleted or put back, and where the run
//!   ended in a doubt that a person is told of;
//! - no undo is missing: it was run, or there was nothing left to undo, or a person is told;
//! - no step changes the cluster twice;
//! - every run ends, without a trap and without a determinism error;
//! - where the host alone died, and was back at once, the same is done and the run ends the
//!   same.

mod campaign;
mod cases;
mod disturbance;
mod failure;
mod judge;
mod line;
mod perturbation;
mod reference;
mod request;
mod surroundings;
mod trouble;

pub use campaign::{Campaign, Progress, Subject, Summary};
pub use failure::Failure;
pub use perturbation::{Meddling, Perturbation, Place};

#[cfg(test)]
mod tests;
