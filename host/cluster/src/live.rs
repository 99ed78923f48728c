//! A real Kubernetes cluster, through its API server.
//!
//! [`connect`] reaches it and [`LiveCluster`] performs effects on it. Every request is
//! limited in time, in size and in rate. What changes nothing is tried again for a while
//! (unless who asks does so: waits, and looking up what became of a change);
//! a change is sent again only where it certainly did not happen, and what can't be told
//! is `Unknown`. No object is kept: each read asks, and waits share watches.
//!
//! - [`access`] asks what this host may do.
//! - [`approval`] makes Approvals, by which people decide about plans.
//! - [`events`] writes Kubernetes Events.
//! - [`lease`] sees to it that of several hosts one acts.

pub mod access;
mod answer;
pub mod approval;
mod change;
mod connect;
mod discovery;
pub mod events;
mod handler;
pub mod lease;
mod limiter;
mod path;
mod read;
mod tries;
mod wait;
mod watch;
mod wire;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use suture_core::handler::Resource;
use suture_core::object::Kind;
use suture_core::{Clock, Error};

pub use connect::{ConnectError, Connection, LiveConfig, check_kubeconfig, connect};

use discovery::Known;
use limiter::Limiter;
use watch::Watches;
pub use wire::OnRequest;
use wire::Wire;

/// A real Kubernetes cluster. Cheap to clone; clones share watches, what is known of the
/// API, and the rate of requests.
#[derive(Clone)]
pub struct LiveCluster {
    wire: Wire,
    known: Arc<Known>,
    watches: Arc<Watches>,
    namespace: String,
    /// How long a log may take.
    patience: Duration,
}

impl LiveCluster {
    /// The cluster behind a connection. Nothing is asked yet. Its watches are tasks of the
    /// Tokio runtime that it is used in.
    pub fn new(connection: Connection, config: &LiveConfig, clock: Arc<dyn Clock>) -> Self {
        let limiter = Limiter::new(clock.clone(), config.requests_per_second, config.burst);
        Self {
            wire: Wire::new(connection.client, clock, limiter, config.timeout),
            known: Arc::default(),
            watches: Arc::default(),
            namespace: connection.namespace,
            patience: config.timeout * 4,
        }
    }

    /// Tells of each request that it makes.
    #[must_use]
    pub fn with_on_request(self, on_request: OnRequest) -> Self {
        Self { wire: self.wire.with_on_request(on_request), ..self }
    }

    /// The client, for what is not an effect of a policy.
    pub fn client(&self) -> &Client {
        &self.wire.client
    }

    /// The host's own namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The same cluster for somebody who asks again himself: it asks once.
    fn asking_once(&self) -> Self {
        Self { wire: self.wire.clone().asking_once(), ..self.clone() }
    }

    /// The resource of a kind.
    async fn find(&self, kind: &Kind) -> Result<Resource, Error> {
        self.known.resource(&self.wire, kind).await
    }
}
