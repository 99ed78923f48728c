//! What the commands about recorded runs take.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::TlsArgs;

/// `suture runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: RunsCommand,
}

/// The subcommands of `suture runs`.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List runs, newest first.
    #[command(after_help = "\
Examples:
  suture runs list --journal /var/lib/suture
  suture runs list --server http://127.0.0.1:8081 --policy volsync")]
    List(RunsListArgs),
    /// Show a run's timeline.
    #[command(after_help = "\
Examples:
  suture runs show 01kaz --journal /var/lib/suture")]
    Show(RunsShowArgs),
    /// Make a scenario of a run: from incident to test.
    #[command(after_help = "\
The scenario has what the run saw, what changed meanwhile, and what it did; values of
Secrets are not in it. Where the run's module can be found, the scenario is played with it,
and stderr says whether it passes; where it does not, the exit code is 1.

Examples:
  suture runs export 01kaz --journal /var/lib/suture > incident.yaml
  suture runs export 01kaz --server http://127.0.0.1:8081 --policy volsync.wasm > incident.yaml")]
    Export(RunsExportArgs),
}

/// Where runs are recorded.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// The journal: the folder that `storage.path` names, or the file in it [default: that
    /// of suture.yaml, where there is one].
    #[arg(long, value_name = "PATH", conflicts_with = "server")]
    pub journal: Option<PathBuf>,
    /// A running host's admin address.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// A file with the admin API's bearer token.
    #[arg(long, value_name = "FILE", requires = "server")]
    pub token_file: Option<PathBuf>,
    /// TLS.
    #[command(flatten)]
    pub tls: TlsArgs,
}

/// `suture runs list`.
#[derive(Debug, Args)]
pub struct RunsListArgs {
    /// Where runs are recorded.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Only runs of this policy.
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// `suture runs show`.
#[derive(Debug, Args)]
pub struct RunsShowArgs {
    /// The run's id, or a beginning of it that no other run has.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where runs are recorded.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Where a run's module is found.
#[derive(Debug, Args)]
pub struct ModuleArgs {
    /// The component [default: the run's own, by its digest: among the configuration's
    /// policies and in target/policies].
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The configuration whose policies are looked at [default: suture.yaml, where there is
    /// one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `suture runs export`.
#[derive(Debug, Args)]
pub struct RunsExportArgs {
    /// The run's id, or a beginning of it that no other run has.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where runs are recorded.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Where the module is found that the scenario is checked with.
    #[command(flatten)]
    pub module: ModuleArgs,
}

/// `suture replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is performed, and neither the cluster nor the clock is asked: the record answers.
With the run's own module every difference is an error of the policy or the host. With
another one a line begins with `=` where it asks for what is on record, `≠` where it does
not (recorded above, new below), `+` where it asks for more, `-` where it leaves something
out; and where the record has no answer, the comparison ends. Log lines are not compared.

Exit codes: 0 the same; 1 it differs.

Examples:
  suture replay 01kaz
  suture replay 01kaz --journal /var/lib/suture --policy target/policies/volsync.wasm
  suture replay 01kaz --server http://127.0.0.1:8081 --policy new.wasm --output json")]
pub struct ReplayArgs {
    /// The run's id, or a beginning of it that no other run has.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where runs are recorded.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The module that is asked.
    #[command(flatten)]
    pub module: ModuleArgs,
}
