//! What the commands about incidents take.

use clap::{Args, Subcommand};

use super::{ListArgs, ServerArgs, SourceArgs};

/// `suture incidents`.
#[derive(Debug, Args)]
pub struct IncidentsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: IncidentsCommand,
}

/// The subcommands of `suture incidents`.
#[derive(Debug, Subcommand)]
pub enum IncidentsCommand {
    /// List incidents, newest first.
    #[command(after_help = "\
Examples:
  suture incidents list
  suture incidents list --open --state escalated
  suture incidents list -n media --since 24h -o wide
  suture incidents list --watch
  suture incidents list -o json | jq -r '.items[].id'")]
    List(IncidentsListArgs),
    /// Show an incident: what it is about, where it stands and why, and its runs.
    #[command(after_help = "\
Examples:
  suture incidents show 5xk2p9qd")]
    Show(IncidentsShowArgs),
    /// Handle an incident again that has come to rest, as if its alert had just fired.
    #[command(after_help = "\
The alert must fire in Prometheus where the policy wants that. The incident has all its
attempts again, and an escalation that was posted is taken back.

Examples:
  suture incidents retry 5xk2p9qd")]
    Retry(IncidentArgs),
    /// Leave an incident alone until its alert has cleared once.
    #[command(after_help = "\
Its run ends: what it has begun is finished, what it must undo is undone. An escalation that
was posted is taken back. `suture incidents retry` ends it earlier.

Examples:
  suture incidents cancel 5xk2p9qd")]
    Cancel(IncidentArgs),
    /// Close an incident, whatever its alert does.
    #[command(after_help = "\
For what a person has mended, and for what was started by hand. An escalation that was posted
is taken back. Where the alert fires on and is posted again, that is another incident.

Examples:
  suture incidents close 5xk2p9qd")]
    Close(IncidentArgs),
}

/// `suture incidents list`.
#[derive(Debug, Args)]
pub struct IncidentsListArgs {
    /// Which incidents are listed.
    #[command(flatten)]
    pub list: ListArgs,
    /// Where they are recorded.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// `suture incidents show`.
#[derive(Debug, Args)]
pub struct IncidentsShowArgs {
    /// The incident's id, or an end or a beginning of it that no other has.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where it is recorded.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// An incident of a running host.
#[derive(Debug, Args)]
pub struct IncidentArgs {
    /// The incident's id, or an end or a beginning of it that no other has.
    #[arg(value_name = "ID")]
    pub id: String,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}
