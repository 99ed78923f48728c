//! Modules that are exchanged while a host is at work.
#![expect(clippy::disallowed_methods, reason = "what is measured is real time")]

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use suture_runtime::Runtime;
use suture_server::{Compiler, Server};
use suture_tests::host::program;

use crate::figure::{Figure, Goal, Report, median, median_seconds};
use crate::load::latencies;
use crate::webhook::{TOKEN, drained, options, suture};

const SWAPS: usize = 20;
const ROUNDS: usize = 6;
const ROUND: Duration = Duration::from_secs(5);
/// Between two requests of each of the 64 connections: about 1,200 a second in all.
const PAUSE: Duration = Duration::from_millis(50);
const POLICIES: usize = 10;
const STARTS: usize = 5;

pub async fn figures(report: &mut Report) -> anyhow::Result<()> {
    suture_cluster::install_crypto();
    let dir = tempfile::tempdir()?;
    let server = suture(dir.path()).await?;
    let mut next = 0;
    report.add(child_over_in_process(report.count(SWAPS, 3)).await?);
    served_after(&server, dir.path(), &mut next, report.count(SWAPS, 2)).await?;
    report.add(under_swaps(&server, dir.path(), &mut next, report.count(ROUNDS, 1)).await?);
    server.stop(Duration::from_secs(1)).await;
    report.add(start(report.count(STARTS, 1)).await?);
    Ok(())
}

/// The shipped policy, with a section at its end that means nothing: another module to the
/// host each time, with another digest.
fn module(number: usize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = crate::policy::component()?;
    let mark = format!("{number:08}");
    bytes.extend([0, 10, 1, b'n']);
    bytes.extend(mark.as_bytes());
    Ok(bytes)
}

/// Put a module in its place, as careful writers do.
fn put(dir: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(dir.join(".new"), bytes)?;
    Ok(std::fs::rename(dir.join(".new"), dir.join("volsync.wasm"))?)
}

/// Compiling the shipped policy in a process of its own, over in this one.
async fn child_over_in_process(rounds: usize) -> anyhow::Result<Figure> {
    let bytes = module(0)?;
    let sides = [Runtime::new(Compiler::child(program()?))?, Runtime::new(Compiler::InProcess)?];
    let mut took = [const { Vec::new() }; 2];
    for _ in 0..rounds {
        for (runtime, took) in sides.iter().zip(&mut took) {
            let began = Instant::now();
            runtime.load(&bytes, None).await?;
            took.push(began.elapsed());
        }
    }
    let [child, in_process] = took.map(median_seconds);
    println!(
        "swap compiling the policy: {:.0} ms by a child, {:.0} ms in the same process",
        child * 1e3,
        in_process * 1e3
    );
    let (name, ratio) = ("swap-compiled-by-a-child-over-in-process", child / in_process);
    Ok(Figure { name, ratio, goal: Goal::AtMost(1.5) })
}

/// From the changed file until the module is the one that runs begin with: compiled anew, and
/// where it was compiled before.
async fn served_after(server: &Server, dir: &Path, next: &mut usize, swaps: usize) -> anyhow::Result<()> {
    let digest = || server.engine().policy("volsync").and_then(|policy| policy.digest().map(str::to_owned));
    let swap = async |bytes: &[u8]| {
        let before = digest();
        let began = Instant::now();
        put(dir, bytes)?;
        while digest() == before {
            anyhow::ensure!(began.elapsed() < Duration::from_secs(30), "the module is never served");
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        anyhow::Ok(began.elapsed())
    };
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..swaps {
        let (one, two) = (module(*next)?, module(*next + 1)?);
        *next += 2;
        cold.push(swap(&one).await?);
        swap(&two).await?;
        warm.push(swap(&one).await?);
    }
    println!(
        "swap from the changed file to serving: {:.0} ms with a warm cache (goal 250), {:.0} ms compiled anew",
        median_seconds(warm) * 1e3,
        median_seconds(cold) * 1e3
    );
    Ok(())
}

/// How long the slowest hundredth of webhooks waits while a module that was never seen before
/// comes every second, over without.
async fn under_swaps(server: &Server, dir: &Path, next: &mut usize, rounds: usize) -> anyhow::Result<Figure> {
    let address = server.webhook_addr();
    let (mut still, mut swapping) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        still.push(p99(latencies(address, "/hooks", TOKEN, ROUND, PAUSE).await?));
        drained(server).await;
        let swaps = async {
            loop {
                put(dir, &module(*next)?)?;
                *next += 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let took = tokio::select! {
            took = latencies(address, "/hooks", TOKEN, ROUND, PAUSE) => took?,
            never = swaps => return never,
        };
        swapping.push(p99(took));
        drained(server).await;
    }
    let (still, swapping) = (median(still), median(swapping));
    println!(
        "swap p99 of a webhook: {:.1} ms, {:.1} ms under a swap every second",
        still * 1e3,
        swapping * 1e3
    );
    Ok(Figure { name: "swap-webhook-p99-over-still", ratio: swapping / still, goal: Goal::AtMost(1.5) })
}

fn p99(mut took: Vec<Duration>) -> f64 {
    took.sort_unstable();
    let index = took.len() * 99 / 100;
    took.get(index.min(took.len().saturating_sub(1))).map_or(0.0, Duration::as_secs_f64)
}

/// From the start of a host with ten policies until it is ready, with what it compiled before
/// over without.
async fn start(starts: usize) -> anyhow::Result<Figure> {
    let dir = tempfile::tempdir()?;
    let mut config = "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\nstorage: {path: state}\n\
                      cluster: {simulated: {scenario: none.yaml}}\npolicies:\n"
        .to_owned();
    for number in 0..POLICIES {
        std::fs::write(dir.path().join(format!("{number}.wasm")), module(number)?)?;
        writeln!(config, "- {{name: policy-{number}, source: {{file: {number}.wasm}}}}")?;
    }
    std::fs::write(dir.path().join("suture.yaml"), config)?;
    let start = async || {
        let began = Instant::now();
        let server = Server::start(&dir.path().join("suture.yaml"), options()?).await?;
        let url = format!("http://{}/readyz", server.admin_addr());
        let ready = reqwest::get(&url).await?.status();
        let took = began.elapsed();
        anyhow::ensure!(ready.is_success(), "it is not ready: {ready}");
        server.stop(Duration::ZERO).await;
        anyhow::Ok(took)
    };
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..starts {
        std::fs::remove_dir_all(dir.path().join("state")).ok();
        cold.push(start().await?);
        warm.push(start().await?);
    }
    let (cold, warm) = (median_seconds(cold), median_seconds(warm));
    println!("swap start to ready with ten policies: {:.0} ms warm, {:.0} ms cold", warm * 1e3, cold * 1e3);
    Ok(Figure { name: "swap-start-warm-over-cold", ratio: warm / cold, goal: Goal::AtMost(0.1) })
}
