//! What `suture alerts` takes.

use clap::Args;

use super::ServerArgs;

/// `suture alerts`.
#[derive(Debug, Args)]
#[command(after_help = "\
Alertmanager gets a 200 for every alert that is stored, also for one that nobody handles: no
policy's matchers are met, or the policy that it may be for is not loaded. Those wait for the
policy, up to a quarter of `webhook.maxPending`.

Examples:
  suture alerts --unmatched
  suture alerts --unmatched --output json")]
pub struct AlertsArgs {
    /// Those that were posted since the host started and that no policy handles.
    #[arg(long, required = true)]
    pub unmatched: bool,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}
