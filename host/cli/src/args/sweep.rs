//! What `suture sweep` takes.

use clap::Args;

use super::ServerArgs;

/// `suture sweep`.
#[derive(Debug, Args)]
#[command(after_help = "\
A running host asks Prometheus, takes the alerts that fire and match the policy, and handles
them as if Alertmanager had posted them. What is silenced or inhibited in Alertmanager is
left alone; what is being handled already is not handled twice. For sweeps on a schedule
see `sweep: {schedule: …}` of a policy in the configuration.

Examples:
  suture sweep volsync
  suture sweep volsync --dry-run
  suture sweep volsync --server http://127.0.0.1:8081 --token-file token")]
pub struct SweepArgs {
    /// The policy's name.
    #[arg(value_name = "POLICY")]
    pub policy: String,
    /// Show what would be accepted, and accept nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}
