//! What the commands about recorded runs take.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ListArgs, ServerArgs, TlsArgs};

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
  suture runs list
  suture runs list --policy volsync --outcome failed --since 24h
  suture runs list -n media -o wide
  suture runs list --watch
  suture runs list --journal /var/lib/suture -o json")]
    List(RunsListArgs),
    /// Show a run's timeline.
    #[command(after_help = "\
Examples:
  suture runs show 5xk2p9qd
  suture runs show 5xk2p9qd --journal /var/lib/suture")]
    Show(RunsShowArgs),
    /// Show what a run changed, or would change: each object before and after, field by field.
    #[command(after_help = "\
Of a run that only planned it is what the API server would have made of each change: with
defaults filled in, and as admission changes it. `~` is a field that changes, `+` one that is
set, `-` one that is removed. Who owns a field may set it back.

Examples:
  suture runs diff 5xk2p9qd
  suture runs diff 5xk2p9qd --journal /var/lib/suture -o json")]
    Diff(RunsShowArgs),
    /// Start a run by hand.
    #[command(after_help = "\
Where the policy has `confirm: prometheus`, an alert with exactly these labels must fire.

Exit codes with --follow: as of `suture runs follow`.

Examples:
  suture runs start volsync alertname=VolSyncVolumeOutOfSync obj_namespace=media obj_name=plex
  suture runs start volsync --alert alert.json --follow
  suture runs start volsync --alert alert.json --force")]
    Start(RunsStartArgs),
    /// End a run: what it has begun is finished, what it must undo is undone.
    #[command(after_help = "\
Examples:
  suture runs cancel 5xk2p9qd")]
    Cancel(RunArgsOfHost),
    /// Show a run's timeline while it is at work, until it ends.
    #[command(after_help = "\
Exit codes: 0 it ended remediated, unnecessary or planned; 1 it ended otherwise.

Examples:
  suture runs follow 5xk2p9qd")]
    Follow(RunArgsOfHost),
    /// Make a scenario of a run: from incident to test.
    #[command(after_help = "\
The scenario has what the run saw, what changed meanwhile, and what it did; values of
Secrets are not in it. Where the run's module can be found, the scenario is played with it,
and stderr says whether it passes; where it does not, the exit code is 1.

Examples:
  suture runs export 5xk2p9qd --journal /var/lib/suture > incident.yaml
  suture runs export 5xk2p9qd --server http://127.0.0.1:8081 --policy volsync.wasm > incident.yaml")]
    Export(RunsExportArgs),
}

/// Where incidents and runs are recorded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where")]
pub struct SourceArgs {
    /// A journal: the folder that `storage.path` names, or the file in it.
    #[arg(long, value_name = "PATH", conflicts_with = "server")]
    pub journal: Option<PathBuf>,
    /// A running host's admin address [default: $SUTURE_SERVER; then `server` in
    /// ~/.config/suture/config.yaml; then the journal of suture.yaml in this folder].
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// A file with your token for the host [default: $SUTURE_TOKEN_FILE; then `tokenFile` beside
    /// the `server` that is used].
    #[arg(long, value_name = "FILE", conflicts_with = "journal")]
    pub token_file: Option<PathBuf>,
    /// TLS.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// The configuration of a host: its journal, unless another or a server is named; and the
    /// modules of its policies, where one is looked for.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `suture runs list`.
#[derive(Debug, Args)]
pub struct RunsListArgs {
    /// Which runs are listed.
    #[command(flatten)]
    pub list: ListArgs,
    /// Where runs are recorded.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// `suture runs start`.
#[derive(Debug, Args)]
pub struct RunsStartArgs {
    /// The policy's name.
    #[arg(value_name = "POLICY")]
    pub policy: String,
    /// Labels of the alert.
    #[arg(value_name = "LABEL=VALUE", value_parser = label, required_unless_present = "alert")]
    pub labels: Vec<(String, String)>,
    /// The alert: a file with one as Alertmanager posts it, or with {"labels": {…}}; `-` for
    /// standard input.
    #[arg(long, value_name = "FILE|-", conflicts_with = "labels")]
    pub alert: Option<PathBuf>,
    /// Start it though Prometheus does not say that the alert fires, or though it is silenced. An admin may.
    #[arg(long)]
    pub force: bool,
    /// Show what it does until it ends, as `suture runs follow`.
    #[arg(long)]
    pub follow: bool,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it is not LABEL=VALUE".to_owned()),
    }
}

/// A run of a running host.
#[derive(Debug, Args)]
pub struct RunArgsOfHost {
    /// The run's id, or an end or a beginning of it that no other has.
    #[arg(value_name = "ID")]
    pub id: String,
    /// The host.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `suture runs show`.
#[derive(Debug, Args)]
pub struct RunsShowArgs {
    /// The run's id, or an end or a beginning of it that no other has.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where runs are recorded.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Where a run's module is found.
#[derive(Debug, Args)]
pub struct ModuleArgs {
    /// The component [default: the run's own, by its digest: among the policies of --config
    /// (or suture.yaml, where there is one) and in target/policies].
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

/// `suture runs export`.
#[derive(Debug, Args)]
pub struct RunsExportArgs {
    /// The run's id, or an end or a beginning of it that no other has.
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
  suture replay 5xk2p9qd
  suture replay 5xk2p9qd --journal /var/lib/suture --policy target/policies/volsync.wasm
  suture replay 5xk2p9qd --server http://127.0.0.1:8081 --policy new.wasm --output json")]
pub struct ReplayArgs {
    /// The run's id, or an end or a beginning of it that no other has.
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where runs are recorded.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The module that is asked.
    #[command(flatten)]
    pub module: ModuleArgs,
}
