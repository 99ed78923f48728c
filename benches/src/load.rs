//! A load generator: keep-alive connections that post distinct bodies as fast as they
//! are answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Connections at once.
pub const CONNECTIONS: usize = 64;

/// Post for a while, as fast as it is answered; answers a second. Every answer must be 200.
pub async fn requests_per_second(
    address: SocketAddr,
    path: &str,
    token: &str,
    duration: Duration,
) -> anyhow::Result<f64> {
    let began = Instant::now();
    let took = latencies(address, path, token, duration, Duration::ZERO).await?;
    Ok(took.len() as f64 / began.elapsed().as_secs_f64())
}

/// Post for a while, with a pause before each request of a connection; how long each answer
/// took. Every answer must be 200.
#[expect(clippy::disallowed_methods, reason = "the pace of a load generator")]
pub async fn latencies(
    address: SocketAddr,
    path: &str,
    token: &str,
    duration: Duration,
    pause: Duration,
) -> anyhow::Result<Vec<Duration>> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let head = Arc::new(format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    ));
    let began = Instant::now();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let head = head.clone();
        connections.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut answer = Vec::with_capacity(4096);
            let mut took = Vec::new();
            while began.elapsed() < duration {
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
                let body = body(NEXT.fetch_add(1, Ordering::Relaxed));
                let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
                let sent = Instant::now();
                stream.write_all(request.as_bytes()).await?;
                read_answer(&mut stream, &mut answer).await?;
                took.push(sent.elapsed());
            }
            anyhow::Ok(took)
        }));
    }
    let mut took = Vec::new();
    for connection in connections {
        took.extend(connection.await??);
    }
    Ok(took)
}

/// Post so many notifications of ten alerts, each unlike any other. Every answer must be 200.
pub async fn post_all(address: SocketAddr, path: &str, count: usize) -> anyhow::Result<()> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n");
    let next = AtomicU64::new(0);
    let connections = (0..CONNECTIONS).map(async |_| {
        let mut stream = TcpStream::connect(address).await?;
        let mut answer = Vec::with_capacity(4096);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count as u64 {
                return anyhow::Ok(());
            }
            let body = body(number);
            let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(request.as_bytes()).await?;
            read_answer(&mut stream, &mut answer).await?;
        }
    });
    futures::future::try_join_all(connections).await?;
    Ok(())
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<()> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the connection was closed");
        }
        let text = std::str::from_utf8(buffer)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if !head.starts_with("HTTP/1.1 200") {
            bail!("{head}\n{body}");
        }
        let length: usize = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
            .context("an answer without a length")?;
        if body.len() >= length {
            return Ok(());
        }
    }
}

/// A notification of ten alerts, about 8 KB, unlike any other.
fn body(number: u64) -> String {
    let padding = "x".repeat(420);
    let alerts: Vec<String> = (0..10)
        .map(|index| {
            format!(
                r#"{{"status":"firing","labels":{{"alertname":"BackupTooOld","obj_namespace":"media","obj_name":"app-{number}-{index}","role":"source","method":"restic","severity":"warning"}},"annotations":{{"summary":"the backup of app-{number}-{index} is too old","description":"{padding}"}},"startsAt":"2026-11-22T04:10:00.123Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus:9090/graph?g0.expr=x","fingerprint":"{:016x}"}}"#,
                number * 10 + index
            )
        })
        .collect();
    format!(
        r#"{{"version":"4","groupKey":"{{}}:{{alertname=\"BackupTooOld\"}}","truncatedAlerts":0,"status":"firing","receiver":"suture","groupLabels":{{"alertname":"BackupTooOld"}},"commonLabels":{{}},"commonAnnotations":{{}},"externalURL":"http://alertmanager:9093","alerts":[{}]}}"#,
        alerts.join(",")
    )
}
