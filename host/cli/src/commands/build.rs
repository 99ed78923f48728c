//! `suture build`: a policy's folder to a component.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::CommandResult;
use crate::args::BuildArgs;
use crate::error::{CliError, Exit};
use crate::output::{DIM, GOOD, Output};
use crate::policy;

pub fn run(args: &BuildArgs, output: &Output) -> CommandResult {
    let progress = Shown::new(*output);
    let built = suture_build::build(&args.dir, args.out.as_deref(), &progress);
    progress.clear();
    let built = built.map_err(|error| CliError::usage(error.to_string()))?;
    // A component that no host would load is found now, not at three in the morning.
    policy::load(&built.path)?;
    if output.is_json() {
        output.json(&json!({"path": built.path, "name": built.name, "digest": built.digest,
            "bytes": built.bytes, "coreBytes": built.core_bytes}));
        return Ok(Exit::Done);
    }
    let path = policy::shortest(&built.path);
    output.line(format!("{GOOD}built{GOOD:#} {} ({} KiB)", path.display(), built.bytes.div_ceil(1024)));
    output.line(format!("  {DIM}{}{DIM:#}", built.digest));
    output.note(format!(
        "{DIM}next: suture inspect {0}, suture test {1}{DIM:#}",
        path.display(),
        args.dir.display()
    ));
    Ok(Exit::Done)
}

/// Progress on a terminal: one line that changes. Elsewhere: a line a step.
struct Shown {
    output: Output,
    bar: Option<ProgressBar>,
}

impl Shown {
    fn new(output: Output) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {wide_msg:.dim}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { output, bar }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl suture_build::Progress for Shown {
    fn step(&self, message: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(message.to_owned());
                bar.set_message(String::new());
            }
            None => self.output.note(message),
        }
    }

    fn line(&self, line: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(line.trim().to_owned());
        }
    }
}
