//! What effects act on.
//!
//! - [`LiveCluster`](live::LiveCluster) is a real Kubernetes cluster, through its API server.
//! - [`PrometheusClient`] asks a real Prometheus; [`WithPrometheus`] puts one beside
//!   any cluster.
//! - [`socket`] offers a cluster to another process: the host can be killed, and the
//!   cluster stays.
//! - [`AlertmanagerClient`] posts alerts: how people are told.
//!
//! A cluster in memory, for scenarios and tests, is in the crate `suture-simulator`.
//!
//! [`pin`] and [`resolve`] hold what every kind of cluster does alike with mutations:
//! making them one definite act, and finding out afterwards whether it was done.

pub mod alertmanager;
pub mod composite;
mod http;
pub mod live;
pub mod pin;
pub mod prometheus;
pub mod resolve;
pub mod socket;
#[cfg(test)]
mod testing;

pub use alertmanager::{AlertmanagerClient, AlertmanagerError, PostedAlert, Silence};
pub use composite::WithPrometheus;
pub use http::{Access, Contact, Contacts, install_crypto};
pub use prometheus::PrometheusClient;
