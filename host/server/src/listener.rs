//! A TCP listener that bounds its connections and ends them in good order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use suture_core::Clock;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinHandle;

/// Connections at the same time; the next ones wait to be accepted.
const CONNECTIONS: usize = 1024;
/// How long a request's head may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Something that listens.
pub(crate) struct Listener {
    pub address: SocketAddr,
    routes: watch::Sender<Router>,
    stop: oneshot::Sender<Duration>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Listen, and serve what comes.
    ///
    /// # Errors
    /// Why the address can't be listened on.
    pub async fn start(address: SocketAddr, router: Router, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| format!("can't listen on {address}: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (stop, stopped) = oneshot::channel();
        let (routes, routed) = watch::channel(router);
        let task = tokio::spawn(serve(listener, routed, stopped, clock));
        Ok(Self { address, routes, stop, task })
    }

    /// Answer differently from the next request on, those on open connections too.
    pub fn route(&self, router: Router) {
        drop(self.routes.send_replace(router));
    }

    /// Accept no more, and wait for some time until what was begun is answered.
    pub async fn stop(self, patience: Duration) {
        let _ = self.stop.send(patience);
        let _ = self.task.await;
    }
}

async fn serve(
    listener: TcpListener,
    routes: watch::Receiver<Router>,
    mut stopped: oneshot::Receiver<Duration>,
    clock: Arc<dyn Clock>,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let patience = loop {
        let next = async {
            let permit = room.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, stream) = tokio::select! {
            next = next => next,
            patience = &mut stopped => break patience.unwrap_or_default(),
        };
        let stream = match stream {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, say: it passes.
                tracing::warn!(%error, "a connection can't be accepted");
                clock.sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let routes = routes.clone();
        let service = service_fn(move |request| {
            let router = routes.borrow().clone();
            TowerToHyperService::new(router).call(request)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _permit = permit;
            let _: Result<(), hyper::Error> = connection.await;
            Ok::<(), Infallible>(())
        });
    };
    drop(listener);
    // A client that neither sends nor goes must not hold up the end.
    clock.timeout(patience, graceful.shutdown()).await;
}
