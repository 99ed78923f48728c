//! Accepting connections, as many as there is room for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::Shared;
use super::connection::{self, Connection};
use super::limits::Limits;
use super::room::Room;
use crate::tls::Identity;

/// How long is waited before the next try, where the system has no more of something.
const BACKOFF: Duration = Duration::from_millis(100);
/// How often it is said that connections can't be accepted.
const SAID_EVERY: Duration = Duration::from_secs(30);
/// How long a peer that is gone without a word keeps its place on a silent stream: after the
/// first, three probes.
const KEEPALIVE: Duration = Duration::from_secs(30);
const PROBE: Duration = Duration::from_secs(10);

/// Where connections come from.
pub(super) trait Accept: Send {
    /// The next one.
    fn accept(&mut self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    fn accept(&mut self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send {
        Self::accept(self)
    }
}

/// Accept until told to stop; then no more, and wait until what was begun is answered.
pub(super) async fn serve(
    mut listener: impl Accept,
    limits: Limits,
    identity: Option<watch::Receiver<Arc<Identity>>>,
    shared: Arc<Shared>,
    mut stopped: oneshot::Receiver<Duration>,
) {
    let room = Room::new(limits, shared.clock.clone());
    let (retire, retired) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut said: Option<Duration> = None;
    let patience = loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            patience = &mut stopped => break patience.unwrap_or_default(),
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            // The client went before it was accepted.
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                // Out of file descriptors, say. It passes, and sooner if one that waits is closed.
                let made_room = room.evict_one();
                let now = shared.clock.monotonic();
                if said.is_none_or(|last| now.saturating_sub(last) >= SAID_EVERY) {
                    said = Some(now);
                    tracing::error!(
                        listener = shared.name, %error, made_room,
                        "connections can't be accepted; is the limit of open files (`ulimit -n`) too low?"
                    );
                }
                shared.clock.sleep(BACKOFF).await;
                continue;
            }
        };
        let Some(admitted) = room.admit(peer.ip()) else {
            shared.metrics.connection_closed(shared.name, "crowded");
            tracing::debug!(listener = shared.name, %peer, "refused: as many connections as there may be are served");
            continue;
        };
        if admitted.is_instead {
            shared.metrics.connection_closed(shared.name, "crowded");
        }
        prepare(&stream, peer);
        let connection = Connection {
            place: admitted.place,
            peer,
            identity: identity.clone(),
            retired: retired.clone(),
            shared: shared.clone(),
        };
        connections.spawn(connection::run(connection, stream));
    };
    drop(listener);
    drop(retire);
    let ended = async { while connections.join_next().await.is_some() {} };
    // A client that neither sends nor goes must not hold up the end.
    shared.clock.timeout(patience, ended).await;
    connections.detach_all();
}

fn prepare(stream: &TcpStream, peer: SocketAddr) {
    let _ = stream.set_nodelay(true);
    let probes = socket2::TcpKeepalive::new().with_time(KEEPALIVE).with_interval(PROBE);
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_keepalive(&probes) {
        tracing::debug!(%peer, %error, "whether a client is still there is not asked");
    }
}

/// Whether an error is about the connection that would have been accepted, and not about us.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use suture_core::clock::{Hold, Sleep};
    use suture_core::{Clock, RealClock, Timestamp};
    use suture_engine::Metrics;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::mpsc;

    use super::*;

    /// A listener that has no file descriptors left from time to time.
    struct Short {
        listener: TcpListener,
        errors: mpsc::UnboundedReceiver<io::Error>,
    }

    impl Accept for Short {
        async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
            tokio::select! {
                biased;
                Some(error) = self.errors.recv() => Err(error),
                accepted = self.listener.accept() => accepted,
            }
        }
    }

    /// The real clock, which tells of each wait that is as long as a back-off.
    struct Telling(mpsc::UnboundedSender<()>);

    impl Clock for Telling {
        fn now(&self) -> Timestamp {
            RealClock.now()
        }

        fn monotonic(&self) -> Duration {
            RealClock.monotonic()
        }

        fn sleep_until(&self, at: Timestamp) -> Sleep {
            let until = self.now().duration_until(at);
            if until <= BACKOFF.try_into().unwrap() {
                let _ = self.0.send(());
            }
            RealClock.sleep_until(at)
        }

        fn hold(&self) -> Hold {
            RealClock.hold()
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn without_file_descriptors_it_waits_makes_room_and_goes_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (errors, receiver) = mpsc::unbounded_channel();
        let (waits, mut waited) = mpsc::unbounded_channel();
        let (routes, routed) = watch::channel(Router::new().route("/", get(async || "here")));
        let (stop, stopped) = oneshot::channel();
        let shared = Shared {
            name: "webhook",
            clock: Arc::new(Telling(waits)),
            metrics: Metrics::new("0"),
            routes: routed,
        };
        let limits = Limits { all: 8, peer: 8 };
        let short = Short { listener, errors: receiver };
        let task = tokio::spawn(serve(short, limits, None, Arc::new(shared), stopped));
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        idle.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");

        for _ in 0..3 {
            errors.send(io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error())).unwrap();
        }
        for _ in 0..3 {
            assert_eq!(waited.recv().await, Some(()), "each error costs a wait: nothing spins");
        }
        let mut rest = Vec::new();
        idle.read_to_end(&mut rest).await.unwrap();
        let mut next = TcpStream::connect(address).await.unwrap();
        next.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        next.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");
        stop.send(Duration::ZERO).unwrap();
        task.await.unwrap();
        drop(routes);
    }
}
