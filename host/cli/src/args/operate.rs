//! What the commands take that look after a running host.

use clap::Args;
use suture_core::{HumanDuration, Timestamp};

use super::ServerArgs;

/// `suture status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 the host is ready; 1 it is not, and says why; 3 it does not answer, or
stands by for another one.

Examples:
  suture status
  suture status --server https://suture.example.com --token-file token
  suture status -o json | jq .incidents")]
pub struct StatusArgs {
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `suture pause`.
#[derive(Debug, Args)]
#[command(after_help = "\
Alerts are accepted and wait; runs at work go on. To end one: suture runs cancel ID.

Examples:
  suture pause --reason 'storage migration'
  suture pause --policy volsync --for 1h --reason 'the NAS is being replaced'
  suture pause --until 2026-11-29T08:00:00Z --reason 'maintenance'")]
pub struct PauseArgs {
    /// Only this policy [default: the whole host].
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
    /// Why, for whoever looks.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// For how long: 30m, 1h [default: until somebody resumes].
    #[arg(long = "for", value_name = "TIME")]
    pub time: Option<HumanDuration>,
    /// Until when: 2026-11-29T08:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "time")]
    pub until: Option<Timestamp>,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `suture resume`.
#[derive(Debug, Args)]
#[command(after_help = "\
A storm is taken to be over, too.

Examples:
  suture resume
  suture resume --policy volsync")]
pub struct ResumeArgs {
    /// Only this policy [default: the whole host].
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}
