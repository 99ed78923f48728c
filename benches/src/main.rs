//! Figures, each a ratio measured side by side in one run: the two sides take turns, and
//! the medians are divided. With `--trial` each group runs with small numbers, to see that it does.

mod bytes;
mod durable;
mod figure;
mod guard;
#[path = "../../host/server/tests/harness/guest.rs"]
#[allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    reason = "made for tests, of which only a part is used here"
)]
mod guest;
mod languages;
mod load;
mod open;
mod policy;
mod repair;
mod spin;
mod swap;
mod torture;
mod webhook;

use std::process::ExitCode;

use figure::Report;
use tokio::runtime::Runtime;

/// Groups of figures.
const GROUPS: [&str; 11] = [
    "policy",
    "languages",
    "guard",
    "webhook",
    "repair",
    "durable",
    "torture",
    "swap",
    "bytes",
    "open",
    "spin",
];
/// Says that small numbers will do: see [`Report::is_trial`].
const TRIAL: &str = "--trial";

fn main() -> anyhow::Result<ExitCode> {
    let mut asked: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if runtime.block_on(durable::child(&asked))? || runtime.block_on(open::child(&asked))? {
        return Ok(ExitCode::SUCCESS);
    }
    let all = asked.len();
    asked.retain(|argument| argument != TRIAL);
    let mut report = Report::new(asked.len() < all);
    if let Some(unknown) = asked.iter().find(|name| !GROUPS.contains(&name.as_str())) {
        anyhow::bail!("there are no figures `{unknown}`; there are: {}", GROUPS.join(", "));
    }
    figure::machine();
    for group in GROUPS.into_iter().filter(|group| asked.is_empty() || asked.iter().any(|name| name == group))
    {
        let result = measure(group, &runtime, &mut report);
        report.end(group, result);
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(group: &str, runtime: &Runtime, report: &mut Report) -> anyhow::Result<()> {
    match group {
        "policy" => policy::component_over_native(report),
        "languages" => languages::figures(report),
        "guard" => guard::fifty_rules_over_one(report),
        "webhook" => runtime.block_on(webhook::figures(report)),
        "repair" => runtime.block_on(repair::figures(report)),
        "durable" => runtime.block_on(durable::figures(report)),
        "torture" => torture::runs_a_second(report),
        "swap" => runtime.block_on(swap::figures(report)),
        "bytes" => runtime.block_on(bytes::figures(report)),
        "open" => runtime.block_on(open::figures(report)),
        "spin" => spin::figures(report),
        other => anyhow::bail!("there are no figures `{other}`"),
    }
}
