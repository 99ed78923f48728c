//! A TCP connection whose client must take what it asked for.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use suture_core::Clock;
use suture_core::clock::Sleep;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::activity::Activity;

/// How long a client may take nothing.
const ALLOWANCE: Duration = Duration::from_secs(10);
/// The fewest bytes a second that a client must take in the long run.
const SLOWEST: u32 = 1024;

/// A connection on which writing fails once the client has taken nothing for too long, or less
/// than a trickle. While there is nothing to write, no time passes: a stream may be silent.
pub(super) struct Paced {
    stream: TcpStream,
    clock: Arc<dyn Clock>,
    activity: Arc<Activity>,
    /// How long the client may still keep the host waiting.
    allowance: Duration,
    blocked: Option<Blocked>,
}

struct Blocked {
    since: Duration,
    until: Sleep,
}

impl Paced {
    pub fn new(stream: TcpStream, clock: Arc<dyn Clock>, activity: Arc<Activity>) -> Self {
        Self { stream, clock, activity, allowance: ALLOWANCE, blocked: None }
    }

    /// The first byte that the client sends, which stays to be read; none where it sends none.
    pub async fn first_byte(&mut self) -> io::Result<Option<u8>> {
        let mut first = [0];
        let count = self.stream.peek(&mut first).await?;
        Ok(first.get(..count).and_then(|read| read.first().copied()))
    }

    /// What came of a write, unless the client has kept the host waiting for too long.
    fn paced(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(written) => {
                if let Some(blocked) = self.blocked.take() {
                    let waited = self.clock.monotonic().saturating_sub(blocked.since);
                    self.allowance = self.allowance.saturating_sub(waited);
                    self.activity.block(false);
                }
                if let Ok(bytes) = written {
                    let earned = Duration::from_secs(u64::try_from(bytes).unwrap_or(u64::MAX)) / SLOWEST;
                    self.allowance = self.allowance.saturating_add(earned).min(ALLOWANCE);
                }
                Poll::Ready(written)
            }
            Poll::Pending => {
                let blocked = self.blocked.get_or_insert_with(|| {
                    self.activity.block(true);
                    Blocked { since: self.clock.monotonic(), until: self.clock.sleep(self.allowance) }
                });
                std::task::ready!(blocked.until.as_mut().poll(context));
                let message = "the client does not take its answer";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
            }
        }
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        if self.blocked.is_some() {
            // What the client has not taken would stay in the kernel's memory for minutes.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.paced(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.paced(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use suture_core::{RealClock, Timestamp};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A clock on which every sleep is over once it was waited for.
    #[derive(Default)]
    struct Hasty(AtomicU64);

    impl Clock for Hasty {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.fetch_add(1, Ordering::SeqCst))
        }
        fn sleep_until(&self, _: Timestamp) -> Sleep {
            Box::pin(async {
                let real: &dyn Clock = &RealClock;
                real.sleep(Duration::from_millis(20)).await;
            })
        }
    }

    async fn pair() -> (Paced, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(Hasty::default());
        let (stream, _) = listener.accept().await.unwrap();
        (Paced::new(stream, clock.clone(), Arc::new(Activity::new(clock))), client)
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (mut paced, client) = pair().await;
        let error = paced.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(paced.activity.idleness().is_some(), "it waits for its client");
        drop(client);
    }

    #[tokio::test]
    async fn a_client_that_takes_all_is_not() {
        let (mut paced, mut client) = pair().await;
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.map(|_| all.len())
        });
        for _ in 0..256 {
            paced.write_all(&[0; 4096]).await.unwrap();
        }
        drop(paced);
        assert_eq!(reading.await.unwrap().unwrap(), 1 << 20);
    }
}
