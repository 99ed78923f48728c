//! The third side: a shell script with `kubectl`, one source after the other.

use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::process::Command;

use super::fixture::{RepairFixture, sources};

const SCRIPT: &str = "benches/src/repair/script.sh";

/// All sources; the time until all are repaired.
pub async fn repair(fixture: &RepairFixture, tag: &str) -> anyhow::Result<Duration> {
    let kubectl = suture_envtest::program("kubectl")?;
    let began = Instant::now();
    let status = Command::new("sh")
        .arg(SCRIPT)
        .arg(kubectl)
        .args([&fixture.namespace, tag])
        .args(sources())
        .env("KUBECONFIG", fixture.plane.kubeconfig())
        .status()
        .await?;
    ensure!(status.success(), "{SCRIPT}: {status}");
    Ok(began.elapsed())
}
