//! What the commands about a running host's policies take.

use clap::{Args, Subcommand};

use super::ServerArgs;

/// `suture policies`.
#[derive(Debug, Args)]
pub struct PoliciesArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PoliciesCommand,
}

/// The subcommands of `suture policies`.
#[derive(Debug, Subcommand)]
pub enum PoliciesCommand {
    /// List the policies of a running host.
    #[command(after_help = "\
Examples:
  suture policies list
  suture policies list --server http://127.0.0.1:8081 --token-file token")]
    List(PoliciesListArgs),
    /// Show a policy: its module, what it may do, and a newer module that waits.
    #[command(after_help = "\
Where a newer module waits, it was asked again for what was done in runs on record, and the
effects that differ are listed: what it would do now, and what was done.

Examples:
  suture policies show volsync")]
    Show(PoliciesShowArgs),
    /// Accept a module that waits: it takes the place of the one at work.
    #[command(after_help = "\
The digest may be cut to its first twelve digits. It must be that of the module that waits:
what came after it was looked at is not accepted with it.

Examples:
  suture policies accept volsync@sha256:53205ec4a1f0")]
    Accept(PoliciesAcceptArgs),
}

/// `suture policies list`.
#[derive(Debug, Args)]
pub struct PoliciesListArgs {
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `suture policies show`.
#[derive(Debug, Args)]
pub struct PoliciesShowArgs {
    /// The policy's name.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `suture policies accept`.
#[derive(Debug, Args)]
pub struct PoliciesAcceptArgs {
    /// The policy's name, and the digest of the module that waits.
    #[arg(value_name = "NAME@DIGEST")]
    pub module: String,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}
