//! A program that is started and stopped as an operator would.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use suture_core::{Clock, RealClock};
use tokio::process::{Child, Command};

/// A running program; it is killed when this is dropped.
pub struct Program(Child);

impl Program {
    /// Start one and wait until it answers at `ready`.
    pub async fn start(name: &str, arguments: &[String], log: &Path, ready: &str) -> anyhow::Result<Self> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let child = Command::new(name)
            .args(arguments)
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("`{name}` can't be started"))?;
        for _ in 0..2000 {
            if reqwest::get(ready).await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(Self(child));
            }
            let clock: &dyn Clock = &RealClock;
            clock.sleep(Duration::from_millis(20)).await;
        }
        bail!("{name} is not ready at {ready}")
    }

    /// Stop it, and wait until it is gone.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.0.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        kill_process(id.context("it is gone already")?, Signal::TERM)?;
        self.0.wait().await?;
        Ok(())
    }
}

/// The version of a program in PATH.
pub async fn version(name: &str) -> anyhow::Result<String> {
    let output = Command::new(name).arg("--version").output().await;
    let output = output.with_context(|| format!("`{name}` is not there; `make world-assets` builds it"))?;
    // Older ones print it on the other stream.
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let version = text.split_whitespace().skip_while(|word| *word != "version").nth(1);
    let version = version.with_context(|| format!("`{name} --version` says {text}"))?;
    Ok(version.trim_end_matches(',').split('+').next().unwrap_or_default().to_owned())
}
