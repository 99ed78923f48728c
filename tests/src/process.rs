//! A program that lives as long as its test.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{bail, ensure};

pub use suture_envtest::free_port;

/// A running program; it is killed when this is dropped, or when the test process ends.
pub struct Process(#[expect(dead_code, reason = "held for its drop")] suture_envtest::Process);

impl Process {
    /// Start a program and wait until it answers at `ready`.
    ///
    /// # Errors
    /// Where it is not installed, or does not answer in time; with its last words.
    pub async fn start(program: &str, arguments: &[String], log: &Path, ready: &str) -> anyhow::Result<Self> {
        suture_cluster::install_crypto();
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let is_installed = std::env::split_paths(&folders).any(|folder| folder.join(program).is_file());
        ensure!(is_installed, "`{program}` is not there; `make test` installs it");
        let process = suture_envtest::Process::start(Path::new(program), arguments, log)?;
        let is_ready = async || reqwest::get(ready).await.is_ok_and(|answer| answer.status().is_success());
        if eventually(Duration::from_secs(60), is_ready).await {
            return Ok(Self(process));
        }
        bail!("{program} is not ready at {ready}:\n{}", process.last_words())
    }
}

/// Ask again and again until something holds. False where it never does in time.
pub async fn eventually(limit: Duration, holds: impl AsyncFnMut() -> bool) -> bool {
    eventually_every(Duration::from_millis(100), limit, holds).await
}

/// The same, with another pause between.
#[expect(clippy::disallowed_methods, reason = "other programs live in real time")]
pub async fn eventually_every(
    pause: Duration,
    limit: Duration,
    mut holds: impl AsyncFnMut() -> bool,
) -> bool {
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

/// The most memory that a process has had so far, in bytes: `VmHWM`, as Linux counts it.
///
/// # Errors
/// Where the process is gone.
pub fn peak_memory(id: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let kibibytes: u64 =
        kibibytes.ok_or_else(|| anyhow::anyhow!("the kernel does not tell"))?.trim().parse()?;
    Ok(kibibytes * 1024)
}
