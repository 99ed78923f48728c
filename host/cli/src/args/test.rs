//! What `suture test` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `suture test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each run is played back once on what is on record of it, as after a crash: a policy that
does something else on the same answers fails.

Without --policy, the component of the policy folder that the scenarios stand in is
used: target/policies/NAME.wasm, as `suture build` makes it.

Examples:
  suture test policies/volsync
  suture test policies/volsync/scenarios/stale-lock.yaml
  suture test --filter lock policies/volsync
  suture test --policy volsync.wasm my-scenarios/
  suture test --update policies/volsync
  suture test --coverage policies/volsync
  suture test --format junit policies/volsync > report.xml
  suture test --torture policies/volsync
  suture test --torture --runs 100000 --seed 7 policies/volsync
  suture test --torture --filter 'stale lock' --for 60s policies/volsync

--update is for behaviour that you changed on purpose. Of each scenario that fails it rewrites
those expectations that don't hold, in the file, everything else there stays as it is, and shows
the difference. An effect or a line of the timeline that is expected and gone gives way to what
came in its place, or goes; nothing new is expected. Where `never` or `finally` does not hold,
nothing is changed: that is for a person. What is written is played once more, and must pass.

--coverage compiles a policy in Rust for this machine, with counters, and plays the scenarios with
that. It needs the compiler's own LLVM tools: rustup component add llvm-tools.

--torture plays each scenario again and again, and each time something goes wrong: the
host is killed before or after each request or entry, requests fail in every way they can,
are late or lost, somebody else changes or deletes objects. Single
perturbations come first, then several at once. `never` and `finally` must hold each time,
no undo may be missing, and nothing is done twice. A failure comes with its timeline and
with the command that repeats it.")]
pub struct TestArgs {
    /// The component to test.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Only scenarios whose name or file contains this text.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// The form of the result: text; json, or junit for CI systems, alone on stdout [default: as --output].
    #[arg(long, value_enum, value_name = "FORM", hide_possible_values = true, conflicts_with = "torture")]
    pub format: Option<TestFormat>,
    /// Show the timelines of scenarios that pass, too.
    #[arg(long, conflicts_with = "torture")]
    pub timeline: bool,
    /// Bring what fails to what happens: outcome, summary, effects, timeline, doubts. Never
    /// `never` and `finally`.
    #[arg(long, conflicts_with_all = ["torture", "format", "timeline"])]
    pub update: bool,
    /// Say which lines and regions of a policy in Rust no scenario reaches.
    #[arg(long, conflicts_with_all = ["torture", "update", "timeline", "policy"])]
    pub coverage: bool,
    /// Update on CI, too, where nobody looks at the difference.
    #[arg(long, requires = "update")]
    pub yes: bool,
    /// What goes wrong.
    #[command(flatten)]
    pub torture: TortureArgs,
    /// Scenario files, or folders of them.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
}

/// The form of what came of scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people.
    Text,
    /// All of it, timelines included.
    Json,
    /// XML as CI systems show it: a suite a file, a case a scenario.
    Junit,
}

/// `suture test --torture`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Torture")]
pub struct TortureArgs {
    /// Play the scenarios again and again, with something going wrong each time.
    #[arg(long)]
    pub torture: bool,
    /// How many runs, of all scenarios together. Where single perturbations are more,
    /// some of them are chosen.
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "torture", value_parser = at_least_one)]
    pub runs: usize,
    /// Stop after this time: 60s, 10m.
    #[arg(long = "for", value_name = "TIME", requires = "torture")]
    pub time: Option<suture_core::HumanDuration>,
    /// What chance is made of: the same seed tries the same.
    #[arg(long, value_name = "S", default_value_t = 1, requires = "torture")]
    pub seed: u64,
    /// Only this, as a failure's report has it; several times for several at once.
    #[arg(long, value_name = "JSON", requires = "torture")]
    pub perturb: Vec<String>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("nothing would be tried".to_owned()),
        Ok(runs) => Ok(runs),
        Err(error) => Err(error.to_string()),
    }
}
