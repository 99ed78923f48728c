//! `make record-world`: plays the sequences to the programs in PATH, all of a few at once, and writes
//! the traces.

mod alertmanager;
mod program;
mod prometheus;

use std::time::Duration;

use anyhow::Context;
use futures::StreamExt;
use serde::Serialize;
use suture_core::clock::later;
use suture_core::{Clock, RealClock, Timestamp};
use suture_recorded::{Millis, folder, written};

/// How many sequences are played at once.
const AT_ONCE: usize = 4;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    suture_cluster::install_crypto();
    let version = program::version("prometheus-alertmanager").await?;
    forget(&format!("alertmanager-{version}"))?;
    let playing = alertmanager::scripts::all().into_iter().map(|(name, script)| {
        let file = format!("alertmanager-{version}/{name}.json");
        async move { save(&file, &alertmanager::record(script).await.with_context(|| file.clone())?) }
    });
    let saved: Vec<_> = futures::stream::iter(playing).buffer_unordered(AT_ONCE).collect().await;
    saved.into_iter().collect::<anyhow::Result<()>>()?;
    let version = program::version("prometheus").await?;
    forget(&format!("prometheus-{version}"))?;
    let playing = prometheus::scripts::all().into_iter().map(|(name, script)| {
        let file = format!("prometheus-{version}/{name}.json");
        async move { save(&file, &prometheus::record(script).await.with_context(|| file.clone())?) }
    });
    let saved: Vec<_> = futures::stream::iter(playing).buffer_unordered(AT_ONCE).collect().await;
    saved.into_iter().collect()
}

/// Remove what was recorded of this version before.
fn forget(version: &str) -> anyhow::Result<()> {
    let folder = folder().join(version);
    if folder.is_dir() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

fn save(file: &str, trace: &impl Serialize) -> anyhow::Result<()> {
    let path = folder().join(file);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&path, written(trace)?)?;
    println!("{}", path.display());
    Ok(())
}

/// When a sequence began; a whole millisecond.
#[derive(Clone, Copy)]
struct Start(Timestamp);

impl Start {
    fn now() -> anyhow::Result<Self> {
        Ok(Self(Timestamp::from_millisecond(RealClock.now().as_millisecond())?))
    }

    fn since(self, time: Timestamp) -> Millis {
        time.as_millisecond() - self.0.as_millisecond()
    }

    fn elapsed(self) -> Millis {
        self.since(RealClock.now())
    }

    fn at(self, millis: Millis) -> anyhow::Result<Timestamp> {
        Ok(Timestamp::from_millisecond(self.0.as_millisecond() + millis)?)
    }

    async fn wait_until(self, millis: Millis) {
        let after = Duration::from_millis(u64::try_from(millis).unwrap_or_default());
        RealClock.sleep_until(later(self.0, after)).await;
    }
}
