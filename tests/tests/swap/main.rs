//! Modules that are exchanged under the real `suture serve`, while alerts come in: without a
//! pause, and while it is killed again and again.

mod harness;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::ensure;
use serde_json::Value;
use suture_tests::host::Host;
use suture_tests::left::nothing_is_left;
use suture_tests::process::{eventually, eventually_every};

use harness::{SwapHarness, items, missed};

/// When something hangs, on any machine.
const PATIENCE: Duration = Duration::from_secs(600);
/// From one module to the next.
const BEAT: Duration = Duration::from_millis(100);
/// How many of them there are in a minute.
const BEATS: usize = 600;
/// How many modules there are to an alert.
const TO_AN_ALERT: usize = 3;
/// How often the host is killed.
const LIVES: usize = 20;

#[expect(clippy::disallowed_methods, reason = "other programs live in real time")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Wait until each of so many incidents has had a run that ended, and no more than that one.
async fn one_run_each(harness: &SwapHarness, host: &Host, incidents: usize) -> anyhow::Result<Vec<Value>> {
    let mut runs = Vec::new();
    let have_ended = async || {
        runs = items(host, "/api/v1/runs?state=ended&limit=1000").await.unwrap_or_default();
        runs.len() >= incidents
    };
    harness.time.pass_until(host, PATIENCE, have_ended).await;
    let of: BTreeSet<_> = runs.iter().map(|run| run["incident"].as_str()).collect();
    ensure!(
        runs.len() == incidents && of.len() == incidents,
        "{} runs of {} incidents, and not of {incidents}\n{}",
        runs.len(),
        of.len(),
        host.log()
    );
    ensure!(runs.iter().all(|run| run["outcome"] == "remediated"), "{runs:#?}\n{}", host.log());
    Ok(runs)
}

async fn until_works(host: &Host, digest: &str) -> anyhow::Result<()> {
    let mut policy = Value::Null;
    let works = async || {
        policy = host.json("/api/v1/policies/volsync").await;
        policy["digest"] == digest && policy["error"].is_null()
    };
    ensure!(eventually(PATIENCE, works).await, "{digest} never works: {policy:#}\n{}", host.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_every_100_ms_for_a_minute_loses_no_alert() -> anyhow::Result<()> {
    let alerts = BEATS / TO_AN_ALERT;
    let harness = SwapHarness::new(alerts).await?;
    let mut last = harness.swap(0)?;
    let mut host = harness.start()?;
    host.listens().await?;
    let beats = async {
        for beat in 1..=BEATS {
            last = harness.swap(beat)?;
            if beat % TO_AN_ALERT == 0 {
                ensure!(host.post("/hooks", &missed(beat / TO_AN_ALERT - 1)).await? == 200);
            }
            pause(BEAT).await;
        }
        Ok(())
    };
    harness.time.pass_during(&host, beats).await?;
    let runs = one_run_each(&harness, &host, alerts).await?;
    for source in 0..alerts {
        // The trigger is set, and taken away again: once each.
        ensure!(
            harness.changes(source) == 2,
            "source {source} was changed {} times",
            harness.changes(source)
        );
    }
    let modules: BTreeSet<_> = runs.iter().map(|run| run["digest"].as_str()).collect();
    eprintln!("{BEATS} modules in a minute: {} of them worked in runs", modules.len());
    // How many, depends on how fast the machine compiles.
    ensure!(modules.len() > 2, "{modules:#?}");
    until_works(&host, &last).await?;
    // What no run needs any more is not kept.
    let kept = std::fs::read_dir(harness.path("state/modules/kept/volsync"))?.count();
    ensure!(kept < 20, "{kept} files are kept");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_while_modules_are_swapped_ends_each_run_under_its_own() -> anyhow::Result<()> {
    let harness = SwapHarness::new(LIVES).await?;
    let mut chance = fastrand::Rng::with_seed(1);
    let mut number = 0;
    harness.swap(number)?;
    for life in 0..LIVES {
        let mut host = harness.start()?;
        let end = Duration::from_millis(chance.u64(100..1500));
        let beat = Duration::from_millis(chance.u64(20..200));
        let swaps = async {
            loop {
                pause(beat).await;
                number += 1;
                harness.swap(number)?;
            }
        };
        // As Alertmanager does: again until it is accepted.
        let posted = async {
            host.listens().await?;
            let is_posted = async || host.post("/hooks", &missed(life)).await.is_ok_and(|is| is == 200);
            ensure!(eventually_every(beat, PATIENCE, is_posted).await, "never accepted\n{}", host.log());
            harness.time.pass_during(&host, pause(end)).await;
            anyhow::Ok(())
        };
        tokio::select! {
            posted = posted => posted?,
            never = swaps => return never,
        }
        host.kill().await?;
    }
    let last = harness.swap(number + 1)?;
    let mut host = harness.start()?;
    host.listens().await?;
    let runs = one_run_each(&harness, &host, LIVES).await?;
    until_works(&host, &last).await?;
    host.kill().await?;
    for source in 0..LIVES {
        ensure!(
            harness.changes(source) == 2,
            "source {source} was changed {} times",
            harness.changes(source)
        );
    }
    let modules: BTreeSet<_> = runs.iter().map(|run| run["digest"].as_str()).collect();
    eprintln!("killed {LIVES} times, {number} modules: {} of them worked in runs", modules.len());
    nothing_is_left(&harness.path("state")).await
}
