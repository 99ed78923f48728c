//! One connection, from its first byte to its last.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::Shared;
use super::activity::Activity;
use super::body::{Answer, InTime};
use super::paced::Paced;
use super::room::{self, Place};
use crate::tls::Identity;

/// How long a request's head may take to arrive, and how long a connection may be idle before.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request's body may take to arrive, where its reader is not stricter.
const BODY_TIMEOUT: Duration = Duration::from_secs(12);
/// How long both sides may take to agree on keys.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The first byte of every connection that speaks TLS: a record with a handshake.
const HANDSHAKE_RECORD: u8 = 22;
/// For who speaks HTTP where TLS is spoken.
const PLAIN: &[u8] = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
    This address speaks TLS: write https:// instead of http://.\n";

/// A connection that was accepted.
pub(super) struct Connection {
    pub place: Place,
    pub peer: SocketAddr,
    /// None where plain HTTP is spoken.
    pub identity: Option<watch::Receiver<Arc<Identity>>>,
    /// Ends when the listener stops.
    pub retired: watch::Receiver<()>,
    pub shared: Arc<Shared>,
}

/// Who is at the other end of a request's connection; stands in its extensions.
#[derive(Clone)]
pub(crate) struct Peer {
    activity: Arc<Activity>,
    /// Its address.
    pub address: IpAddr,
    /// It has proved to hold the key of a certificate that an authority of ours vouches for.
    pub has_certificate: bool,
}

impl Peer {
    /// It may ask: its connection is the last to give way to others.
    pub fn trust(&self) {
        self.activity.trust();
    }

    /// With whom it shares what one peer may have.
    pub fn group(&self) -> IpAddr {
        room::peer(self.address)
    }
}

/// Serve a connection until its client has enough, or its place is needed.
pub(super) async fn run(connection: Connection, stream: TcpStream) {
    let Connection { place, peer, identity, retired, shared } = connection;
    let _open = Open::new(&shared);
    let activity = &place.activity;
    let stream = Paced::new(stream, shared.clock.clone(), activity.clone());
    let served = async {
        let Some(mut identity) = identity else {
            let service = Requests { shared: &shared, activity, address: peer.ip(), has_certificate: false };
            return serve(stream, service, ended(retired)).await;
        };
        let current = identity.borrow_and_update().clone();
        let handshake = handshake(&current, stream);
        let secured = match shared.clock.timeout(HANDSHAKE_TIMEOUT, handshake).await {
            Some(Ok(secured)) => secured,
            Some(Err(error)) => return failed(&shared, peer, &error.to_string()),
            None => return failed(&shared, peer, "it took too long"),
        };
        let (_, session) = secured.get_ref();
        // The verifier of the configuration has checked what is there.
        let has_certificate = session.peer_certificates().is_some_and(|chain| !chain.is_empty());
        let service = Requests { shared: &shared, activity, address: peer.ip(), has_certificate };
        // Whom an authority vouched for that is one no more must show another certificate.
        let replaced = async {
            tokio::select! {
                () = ended(retired) => {}
                _ = identity.changed() => {}
            }
        };
        serve(secured, service, replaced).await;
    };
    tokio::select! {
        () = served => {}
        () = place.evicted() => {}
    }
}

fn failed(shared: &Shared, peer: SocketAddr, error: &str) {
    shared.metrics.connection_closed(shared.name, "handshake");
    tracing::debug!(listener = shared.name, %peer, error, "no TLS connection came about");
}

async fn handshake(
    identity: &Identity,
    mut stream: Paced,
) -> std::io::Result<tokio_rustls::server::TlsStream<Paced>> {
    if stream.first_byte().await?.is_some_and(|first| first != HANDSHAKE_RECORD) {
        stream.write_all(PLAIN).await?;
        stream.shutdown().await?;
        return Err(std::io::Error::other("plain HTTP was spoken"));
    }
    TlsAcceptor::from(identity.server.clone()).accept(stream).await
}

/// Ends when the listener stops.
async fn ended(mut retired: watch::Receiver<()>) {
    // Nothing is ever sent: it is dropped.
    let _ = retired.changed().await;
}

/// Answers the requests of a connection.
struct Requests<'a> {
    shared: &'a Arc<Shared>,
    activity: &'a Arc<Activity>,
    address: IpAddr,
    has_certificate: bool,
}

impl Requests<'_> {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response, std::convert::Infallible> {
        let serving = self.activity.clone().serve();
        let clock = &self.shared.clock;
        let mut request = request.map(|body| Body::new(InTime::new(Body::new(body), clock, BODY_TIMEOUT)));
        let peer = Peer {
            activity: self.activity.clone(),
            address: self.address,
            has_certificate: self.has_certificate,
        };
        request.extensions_mut().insert(peer);
        let router = self.shared.routes.borrow().clone();
        let response = TowerToHyperService::new(router).call(request).await?;
        Ok(response.map(|body| Body::new(Answer { body, serving: Some(serving) })))
    }
}

/// Speak HTTP until the client has enough, or until `replaced` ends and what was begun is answered.
async fn serve<I>(stream: I, requests: Requests<'_>, replaced: impl Future<Output = ()>)
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request| requests.answer(request));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    let first = tokio::select! {
        result = served.as_mut() => Some(result),
        () = replaced => None,
    };
    let result = match first {
        Some(result) => result,
        None => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    let Err(error) = result else { return };
    let stalled = std::error::Error::source(&error)
        .and_then(|cause| cause.downcast_ref::<std::io::Error>())
        .is_some_and(|cause| cause.kind() == std::io::ErrorKind::TimedOut);
    if stalled {
        requests.shared.metrics.connection_closed(requests.shared.name, "stalled");
    }
}

/// Counts a connection as long as it is open.
struct Open<'a>(&'a Shared);

impl<'a> Open<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.metrics.connection(shared.name, true);
        Self(shared)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.metrics.connection(self.0.name, false);
    }
}
