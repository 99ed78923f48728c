//! A TCP listener that bounds its connections and ends them in good order.

mod accept;
mod activity;
mod body;
mod connection;
mod limits;
mod paced;
mod room;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use suture_core::Clock;
use suture_engine::Metrics;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::gate::Gate;
use crate::tls::{Identity, Served, TlsFiles};
pub(crate) use connection::Peer;
pub(crate) use limits::{Limits, raise_descriptors};

/// What a listener needs.
pub(crate) struct Setup {
    /// `webhook` or `admin`: for people, and for metrics.
    pub name: &'static str,
    pub address: SocketAddr,
    pub limits: Limits,
    /// What is asked of every request.
    pub gate: Gate,
    /// None where it speaks plain HTTP.
    pub tls: Option<(TlsFiles, Identity)>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
}

/// What all connections of a listener share.
struct Shared {
    name: &'static str,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    routes: watch::Receiver<Router>,
}

/// Something that listens.
pub(crate) struct Listener {
    pub address: SocketAddr,
    gate: Arc<Gate>,
    routes: watch::Sender<Router>,
    stop: oneshot::Sender<Duration>,
    task: JoinHandle<()>,
    /// Exchanges certificates while it listens.
    _tls: Option<Served>,
}

impl Listener {
    /// Listen, and serve what comes.
    ///
    /// # Errors
    /// Why the address can't be listened on.
    pub async fn start(setup: Setup, router: Router) -> Result<Self, String> {
        let Setup { name, address, limits, gate, tls, clock, metrics } = setup;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| format!("can't listen on {address}: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let gate = Arc::new(gate);
        let (stop, stopped) = oneshot::channel();
        let (routes, routed) = watch::channel(gate.clone().before(router));
        let tls = tls.map(|(files, identity)| Served::start(files, identity, name, metrics.clone()));
        let identity = tls.as_ref().map(Served::identity);
        let shared = Arc::new(Shared { name, clock, metrics, routes: routed });
        let task = tokio::spawn(accept::serve(listener, limits, identity, shared, stopped));
        Ok(Self { address, gate, routes, stop, task, _tls: tls })
    }

    /// Answer differently from the next request on, those on open connections too.
    pub fn route(&self, router: Router) {
        drop(self.routes.send_replace(self.gate.clone().before(router)));
    }

    /// Accept no more, and wait for some time until what was begun is answered.
    pub async fn stop(self, patience: Duration) {
        let _ = self.stop.send(patience);
        let _ = self.task.await;
    }
}
