//! Figures, each a ratio measured side by side in one run: the two sides take turns, and
//! the medians are divided.

mod bytes;
mod durable;
mod figure;
mod guard;
#[path = "../../host/server/tests/bed/guest.rs"]
#[allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    reason = "made for tests, of which only a part is used here"
)]
mod guest;
mod load;
mod open;
mod policy;
mod repair;
mod spin;
mod swap;
mod torture;
mod webhook;

use std::process::ExitCode;

/// Groups of figures.
const GROUPS: [&str; 10] =
    ["policy", "guard", "webhook", "repair", "durable", "torture", "swap", "bytes", "open", "spin"];

fn main() -> anyhow::Result<ExitCode> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if runtime.block_on(durable::child(&asked))? || runtime.block_on(open::child(&asked))? {
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(unknown) = asked.iter().find(|name| !GROUPS.contains(&name.as_str())) {
        anyhow::bail!("there are no figures `{unknown}`; there are: {}", GROUPS.join(", "));
    }
    let is_asked = |group: &str| asked.is_empty() || asked.iter().any(|name| name == group);
    figure::machine();
    let mut figures = Vec::new();
    if is_asked("policy") {
        figures.push(policy::component_over_native()?);
    }
    if is_asked("guard") {
        figures.push(guard::fifty_rules_over_one()?);
    }
    if is_asked("webhook") {
        figures.extend(runtime.block_on(webhook::figures())?);
    }
    if is_asked("repair") {
        figures.extend(runtime.block_on(repair::figures())?);
    }
    if is_asked("durable") {
        figures.extend(runtime.block_on(durable::figures())?);
    }
    if is_asked("torture") {
        figures.push(torture::runs_a_second()?);
    }
    if is_asked("swap") {
        figures.extend(runtime.block_on(swap::figures())?);
    }
    if is_asked("bytes") {
        figures.extend(runtime.block_on(bytes::figures())?);
    }
    if is_asked("open") {
        figures.extend(runtime.block_on(open::figures())?);
    }
    if is_asked("spin") {
        // As the host's own executor: see `suture serve`.
        let executor = tokio::runtime::Builder::new_multi_thread().enable_all().event_interval(1).build()?;
        figures.push(executor.block_on(async { tokio::spawn(spin::beside_spinners()).await? })?);
    }
    let mut all_good = true;
    for figure in &figures {
        println!("{figure}");
        all_good &= figure.is_good();
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
