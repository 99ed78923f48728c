//! What the commands about the audit trail take.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use suture_journal::{AuditFilter, AuditHead, Since};

use super::SourceArgs;

/// `suture audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// The subcommands of `suture audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List what people did, newest first.
    #[command(after_help = "\
Examples:
  suture audit list
  suture audit list --who alice --since 7d
  suture audit list --outcome refused -o wide
  suture audit list --journal /var/lib/suture -o json")]
    List(AuditListArgs),
    /// Verify that no row was changed, and none is missing.
    #[command(after_help = "\
Each row has the hash of the one before it: a row that was changed, added or removed in the
middle shows. That the end was cut off, or all of it written anew, shows only against a head
that was noted elsewhere: the host's log has one for each hour, and so does the metric
suture_audit_head_info.

Exit codes: 0 all is as it was written; 1 it is not: the first row at fault is named.

Examples:
  suture audit verify
  suture audit verify --head 17:sha256:53205e…
  suture audit verify --journal /var/lib/suture
  suture audit verify audit.jsonl")]
    Verify(AuditVerifyArgs),
    /// Print all rows, oldest first, as JSON lines that can be verified elsewhere.
    #[command(after_help = "\
Examples:
  suture audit export > audit.jsonl
  suture audit export --since 24h | ssh archive 'cat >> audit.jsonl'
  suture audit export | suture audit verify -")]
    Export(AuditExportArgs),
}

/// `suture audit list`.
#[derive(Debug, Args)]
pub struct AuditListArgs {
    /// Which rows.
    #[command(flatten)]
    pub which: AuditWhich,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = super::lists::at_least_one, help_heading = "Which")]
    pub limit: usize,
    /// Where they are recorded.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// `suture audit export`.
#[derive(Debug, Args)]
pub struct AuditExportArgs {
    /// Only what was done since: 2h, 7d, or a time as 2026-11-22T04:10:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
    /// Where they are recorded.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// `suture audit verify`.
#[derive(Debug, Args)]
pub struct AuditVerifyArgs {
    /// What `suture audit export` printed, or `-` for standard input [default: a host's or a
    /// journal's rows].
    #[arg(value_name = "FILE|-", conflicts_with_all = ["journal", "server", "config"])]
    pub file: Option<PathBuf>,
    /// A row that was noted elsewhere: it must be there, with this hash.
    #[arg(long, value_name = "NUMBER:HASH")]
    pub head: Option<AuditHead>,
    /// Where they are recorded.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Which rows are listed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which")]
pub struct AuditWhich {
    /// Only what this person did.
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Only acts of this kind: pause, start, approve, …
    #[arg(long, value_name = "ACT")]
    pub what: Option<String>,
    /// Only what came to this: done, refused, failed, unknown.
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<String>,
    /// Only what was done since: 2h, 7d, or a time as 2026-11-22T04:10:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
}

impl AuditWhich {
    /// The same, as a question to a journal or a host.
    pub fn filter(&self) -> AuditFilter {
        let Self { who, what, outcome, since } = self;
        AuditFilter {
            who: who.clone(),
            what: what.clone(),
            outcome: outcome.clone(),
            since: *since,
            ..AuditFilter::default()
        }
    }
}
