//! A program that lives as long as its test.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::{Child, Command};

/// A running program; it is killed when this is dropped.
pub struct Process(#[expect(dead_code, reason = "held for its drop")] Child);

/// A free port on loopback. It may be taken again before it is used: then the program
/// fails to start, and the test says so.
///
/// # Errors
/// Where there is none.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Process {
    /// Start a program and wait until it answers at `ready`.
    ///
    /// # Errors
    /// Where it is not installed, or does not answer in time; with its last words.
    pub async fn start(program: &str, arguments: &[String], log: &Path, ready: &str) -> anyhow::Result<Self> {
        suture_cluster::install_crypto();
        let output = std::fs::File::create(log)?;
        let child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::from(output.try_clone()?))
            .stderr(Stdio::from(output))
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("`{program}` can't be started; `make test` installs it"))?;
        let process = Self(child);
        let is_ready = async || reqwest::get(ready).await.is_ok_and(|answer| answer.status().is_success());
        if eventually(Duration::from_secs(60), is_ready).await {
            return Ok(process);
        }
        bail!("{program} is not ready at {ready}:\n{}", std::fs::read_to_string(log).unwrap_or_default())
    }
}

/// Ask again and again until something holds. False where it never does in time.
#[expect(clippy::disallowed_methods, reason = "other programs live in real time")]
pub async fn eventually(limit: Duration, mut holds: impl AsyncFnMut() -> bool) -> bool {
    let pause = Duration::from_millis(100);
    for _ in 0..(limit.as_millis() / pause.as_millis()) {
        if holds().await {
            return true;
        }
        tokio::time::sleep(pause).await;
    }
    false
}

/// A loopback address.
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
