//! A wire to a server, which can be cut.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A wire on loopback. Cut, it carries nothing, and says so to nobody: connections stay
/// open, as they do where a switch loses its power.
pub struct Wire {
    /// Where it begins.
    pub address: SocketAddr,
    is_cut: watch::Sender<bool>,
}

impl Wire {
    /// A wire to a server.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn to(server: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (is_cut, cut) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let cut = cut.clone();
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(server).await else { return };
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    tokio::join!(carry(near_in, far_out, cut.clone()), carry(far_in, near_out, cut));
                });
            }
        });
        Ok(Self { address, is_cut })
    }

    /// Cut it.
    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut is_cut: watch::Receiver<bool>) {
    let mut part = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut part).await {
        // Whoever made the wire is gone, or it is whole.
        let _ = is_cut.wait_for(|cut| !cut).await;
        if count == 0 || to.write_all(&part[..count]).await.is_err() {
            return;
        }
    }
}
