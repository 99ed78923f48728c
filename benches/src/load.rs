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

/// Post for a while; answers a second. Every answer must be 200.
pub async fn requests_per_second(
    address: SocketAddr,
    path: &str,
    token: &str,
    duration: Duration,
) -> anyhow::Result<f64> {
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
            let mut answered = 0_u64;
            while began.elapsed() < duration {
                let body = body(NEXT.fetch_add(1, Ordering::Relaxed));
                let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
                stream.write_all(request.as_bytes()).await?;
                read_answer(&mut stream, &mut answer).await?;
                answered += 1;
            }
            anyhow::Ok(answered)
        }));
    }
    let mut answered = 0;
    for connection in connections {
        answered += connection.await??;
    }
    Ok(answered as f64 / began.elapsed().as_secs_f64())
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
