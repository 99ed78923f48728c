//! A perturbation that something did not survive, for people and as JSON.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::perturbation::Perturbation;
use crate::expect::Difference;
use crate::report::{PlayedRun, marked};
use crate::timeline::Look;

/// The smallest way found to make a scenario fail.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The scenario's name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// Where it begins there.
    pub line: u64,
    /// What went wrong.
    pub plan: Vec<Perturbation>,
    /// What did not hold.
    pub differences: Vec<Difference>,
    /// What the policy did.
    pub runs: Vec<PlayedRun>,
}

impl Failure {
    /// What does it again: arguments of `suture`, to be quoted for a shell.
    pub fn command(&self) -> Vec<String> {
        let mut words: Vec<String> = ["test", "--torture", "--filter"].map(str::to_owned).to_vec();
        words.push(self.name.clone());
        for one in &self.plan {
            words.extend(["--perturb".to_owned(), serde_json::to_string(one).unwrap_or_default()]);
        }
        words.push(self.file.display().to_string());
        words
    }

    /// All of it, for people: what went wrong, what did not hold, and the timeline.
    pub fn explanation(&self, look: Look) -> String {
        let mut text = String::new();
        for one in &self.plan {
            text.push_str(&format!("  when {one}\n"));
        }
        for difference in &self.differences {
            let line = if difference.line == 0 { self.line } else { difference.line };
            let indented = difference.message.replace('\n', "\n      ");
            let place = format!("{}:{line}", self.file.display());
            text.push_str(&format!("  {} ({place})\n      {indented}\n", difference.expectation));
        }
        let mark = self.differences.iter().find_map(|difference| Some((difference, difference.at?)));
        for (index, run) in self.runs.iter().enumerate() {
            text.push_str(&format!("\n  run for {}\n", run.title()));
            let mark = mark.filter(|(_, at)| at.0 == index).map(|(difference, at)| (difference, at.1));
            text.push_str(&marked(run, mark, look));
        }
        text
    }

    /// All of it, for programs.
    pub fn json(&self) -> Value {
        let difference = |difference: &Difference| {
            json!({"expectation": difference.expectation, "line": difference.line,
                "message": difference.message, "step": difference.at.map(|at| at.1)})
        };
        json!({"name": self.name, "file": self.file, "perturbations": self.plan, "command": self.command(),
            "differences": self.differences.iter().map(difference).collect::<Vec<_>>(),
            "runs": self.runs.iter().map(PlayedRun::json).collect::<Vec<_>>()})
    }
}
