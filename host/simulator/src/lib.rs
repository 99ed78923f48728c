//! The world in memory, for scenarios, for the demo and for tests.
//!
//! [`SimulatedCluster`] is an API server at the level of effects. It starts from a [`Fixture`],
//! and *reactions* play the controllers in it. [`SimulatedPrometheus`] and
//! [`SimulatedAlertmanager`] are what alerts come from: which are active, when they are posted,
//! and what a receiver is notified of. They do nothing by themselves: who drives them says what
//! time it is, and carries what they send.

pub mod alertmanager;
pub mod cluster;
pub mod fixture;
pub mod prometheus;

pub use alertmanager::SimulatedAlertmanager;
pub use cluster::{Performed, SimulatedCluster};
pub use fixture::{Fixture, FixtureError};
pub use prometheus::SimulatedPrometheus;
