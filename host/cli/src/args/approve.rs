//! What the commands take that answer a run which asks for approval.

use std::path::PathBuf;

use clap::Args;
use suture_core::Digest;

use super::ServerArgs;

/// `suture approve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Shows the plan, asks, and approves that one and no other. The policy then runs anew; from the
first change on that is another one it only plans, and asks again.

With `--in-cluster` you decide as whoever your kubeconfig makes you: an Approval is made in the
host's namespace, and the API server vouches for its maker.

Exit codes: 0 it counts; 2 it does not, and why.

Examples:
  suture approve 5xk2p9qd --message 'the lock is stale'
  suture approve 5xk2p9qd --digest sha256:53205e…
  suture approve 5xk2p9qd --rest --in-cluster --namespace suture")]
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
    /// Do not ask: the plan that is shown is meant.
    #[arg(long, short)]
    pub yes: bool,
    /// Decide by an Approval in the cluster, as whoever the kubeconfig makes you.
    #[arg(long)]
    pub in_cluster: bool,
    /// The kubeconfig, with `--in-cluster` [default: KUBECONFIG, or ~/.kube/config].
    #[arg(long, value_name = "FILE", requires = "in_cluster")]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context, with `--in-cluster` [default: its current one].
    #[arg(long, value_name = "NAME", requires = "in_cluster")]
    pub context: Option<String>,
    /// The host's namespace, with `--in-cluster`.
    #[arg(long, value_name = "NAME", default_value = "suture", requires = "in_cluster")]
    pub namespace: String,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}
