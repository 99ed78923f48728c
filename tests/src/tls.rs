//! Servers that speak TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Connections on loopback that have shaken hands.
pub struct Tls {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its certificate, PEM; nobody else vouches for it.
    pub certificate: String,
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Listen under a name, or an IP address.
    ///
    /// # Errors
    /// Where there is no port, or no certificate can be made.
    pub async fn listen(name: &str) -> anyhow::Result<Self> {
        suture_cluster::install_crypto();
        let identity = rcgen::generate_simple_self_signed([name.to_owned()])?;
        let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![identity.cert.der().clone()], key.into())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { address: listener.local_addr()?, certificate: identity.cert.pem(), listener, acceptor })
    }
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
