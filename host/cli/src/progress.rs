//! How a build goes, for a person who waits.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;

/// Progress on a terminal: one line that changes. Elsewhere: a line a step.
pub struct Steps {
    output: Output,
    bar: Option<ProgressBar>,
}

impl Steps {
    /// Nothing is shown yet.
    pub fn new(output: Output) -> Self {
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

    /// Take the line away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl suture_build::Progress for Steps {
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
