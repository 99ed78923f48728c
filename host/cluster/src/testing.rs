//! A server for tests: it answers every request alike, and keeps what it was asked.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server does with a request.
#[derive(Clone)]
pub enum Behaviour {
    /// Answer with a status and a body.
    Answer(u16, String),
    /// Lead elsewhere.
    Redirect(String),
    /// Read the request and never answer.
    Hang,
    /// Answer without end.
    Flood,
    /// Close the connection in the middle of the answer.
    Break,
}

pub struct TestServer {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl TestServer {
    pub async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, behaviour.clone(), kept.clone()));
            }
        });
        Self { address, requests }
    }

    pub async fn answering(status: u16, body: &str) -> Self {
        Self::start(Behaviour::Answer(status, body.to_owned())).await
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far: head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().clone()
    }
}

async fn serve(mut stream: TcpStream, behaviour: Behaviour, kept: Arc<Mutex<Vec<String>>>) {
    let request = read(&mut stream).await;
    kept.lock().push(request);
    match behaviour {
        Behaviour::Answer(status, body) => {
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
        Behaviour::Redirect(url) => {
            let head = format!(
                "HTTP/1.1 302 X\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes()).await;
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Flood => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
            let part = vec![b' '; 1 << 16];
            while stream.write_all(&part).await.is_ok() {}
        }
        Behaviour::Break => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{").await;
        }
    }
}

async fn read(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return text,
            Ok(count) => request.extend_from_slice(&part[..count]),
        }
    }
}

/// A clock whose waits are over at once: whatever is slow is too slow.
pub struct Impatient;

impl suture_core::Clock for Impatient {
    fn now(&self) -> suture_core::Timestamp {
        suture_core::Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    fn sleep_until(&self, _: suture_core::Timestamp) -> suture_core::clock::Sleep {
        Box::pin(std::future::ready(()))
    }
}
