//! What `suture drain` takes.

use clap::Args;
use suture_core::HumanDuration;

use super::ServerArgs;

/// `suture drain`.
#[derive(Debug, Args)]
#[command(after_help = "\
The host begins nothing more. What runs is ended, after --wait in which it may end by
itself, and what it must undo is undone; a run that only waits for something does not hold
that up. Alerts are accepted meanwhile and wait. It holds, a restart in between or not,
until somebody resumes (`POST /api/v1/resume`); then what is not repaired is handled anew.

A restart or a rollout needs none of this: SIGTERM leaves the runs to the next host.

Exit codes: 0 nothing is left; 1 something is: it is named, or the time was over.

Examples:
  suture drain --reason 'suture is uninstalled'
  suture drain --wait 10m --timeout 30m --server http://127.0.0.1:8081 --token-file token")]
pub struct DrainArgs {
    /// Why, for the log and for whoever asks.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How long runs may take to end by themselves.
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub wait: HumanDuration,
    /// How long to watch until nothing is at work any more.
    #[arg(long, value_name = "TIME", default_value = "15m")]
    pub timeout: HumanDuration,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}
