//! Figures, each a ratio measured side by side in one run: the two sides take turns, and
//! the medians are divided.

mod figure;
mod load;
mod policy;
mod webhook;

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    figure::machine();
    let mut figures = vec![policy::component_over_native()?];
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    figures.extend(runtime.block_on(webhook::figures())?);
    let mut all_good = true;
    for figure in &figures {
        println!("{figure}");
        all_good &= figure.is_good();
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
