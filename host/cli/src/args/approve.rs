//! What the commands take that answer a run which asks for approval.

use clap::Args;
use suture_core::Digest;

use super::ServerArgs;

/// `suture approve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Shows the plan, and approves that one and no other. The policy then runs anew; from the first
change on that is another one it only plans, and asks again.

Exit codes: 0 it counts; 2 it does not, and why.

Examples:
  suture runs diff 5xk2p9qd
  suture approve 5xk2p9qd --message 'the lock is stale'
  suture approve 5xk2p9qd --digest sha256:53205e…
  suture approve 5xk2p9qd --rest")]
pub struct ApproveArgs {
    /// What is approved.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Approve what the run does after these changes, too, within its grants.
    #[arg(long)]
    pub rest: bool,
}

/// `suture reject`.
#[derive(Debug, Args)]
#[command(after_help = "\
Its incident is left alone until its alert has cleared once; `suture incidents retry` ends that
earlier.

Examples:
  suture reject 5xk2p9qd --message 'the node is replaced today'")]
pub struct RejectArgs {
    /// What is rejected.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// A run that asks, and what is said.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The run's id, or an end or a beginning of it that no other has.
    #[arg(value_name = "RUN")]
    pub id: String,
    /// The digest of the plan that you have looked at [default: that of the one that is shown].
    #[arg(long, value_name = "DIGEST")]
    pub digest: Option<Digest>,
    /// Why, for whoever looks.
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}
