//! What effects act on.
//!
//! - [`SimulatedCluster`] is an API server in memory, at the level of effects: the
//!   cluster of scenarios, of the demo, and of a policy's own tests. It starts from a
//!   [`Fixture`], and *reactions* play the controllers in it.
//! - [`LiveCluster`](live::LiveCluster) is a real Kubernetes cluster, through its API server.
//! - [`PrometheusClient`] asks a real Prometheus; [`WithPrometheus`] puts one beside
//!   any cluster.
//! - [`socket`] offers a cluster to another process: the host can be killed, and the
//!   cluster stays.
//! - [`AlertmanagerClient`] posts alerts: how people are told.
//!
//! [`pin`] and [`resolve`] hold what every kind of cluster does alike with mutations:
//! making them one definite act, and finding out afterwards whether it was done.

pub mod alertmanager;
pub mod composite;
pub mod fixture;
mod http;
pub mod live;
pub mod pin;
pub mod prometheus;
pub mod resolve;
pub mod simulated;
pub mod socket;
#[cfg(test)]
mod testing;

pub use alertmanager::{AlertmanagerClient, KnownAlert, PostedAlert, Silence};
pub use composite::WithPrometheus;
pub use fixture::{Fixture, FixtureError};
pub use http::{Access, install_crypto};
pub use prometheus::PrometheusClient;
pub use simulated::{Performed, SimulatedCluster};
