//! What the commands about policies of a host take.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{RegistryArgs, ServerArgs};

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
    /// Add a policy to a configuration: the narrowest grants, and a mode that changes nothing.
    #[command(after_help = "\
The entry is put behind the last of `policies`; everything else in the file stays as it is, with
its comments and in its order. A module in a registry is pulled, verified where a --key is given,
and pinned by its digest. The grants are those that `suture grants` prints: what the policy
requests under its settings, in the namespaces that you name. What comes of it is checked as by
`suture check`, shown as a diff, and written in one piece, or not at all.

Examples:
  suture policies add target/policies/volsync.wasm --namespace media
  suture policies add ghcr.io/team/volsync:1.2.0 --key cosign.pub -n media -n home --dry-run
  suture policies add volsync.wasm -n media --settings volsync.yaml --config /etc/suture/suture.yaml")]
    Add(Box<PoliciesAddArgs>),
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

/// `suture policies add`.
#[derive(Debug, Args)]
pub struct PoliciesAddArgs {
    /// What: a component's file, or REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST.
    #[arg(value_name = "REFERENCE")]
    pub reference: String,
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "suture.yaml")]
    pub config: PathBuf,
    /// What the policy is called in the host [default: as its manifest says].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// A namespace that it may act in, or a pattern; several times for several.
    #[arg(long = "namespace", short, value_name = "NS")]
    pub namespaces: Vec<String>,
    /// A custom resource that has no namespaces, RESOURCE or RESOURCE.GROUP; several times for several.
    #[arg(long, value_name = "RESOURCE")]
    pub cluster_scoped: Vec<String>,
    /// The policy's settings: a YAML or JSON file [default: the manifest's defaults].
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Whether it acts, or only plans.
    #[arg(long, value_enum, value_name = "MODE", default_value_t = ModeArg::Observe)]
    pub mode: ModeArg,
    /// A cosign public key: what its holder has not signed is never loaded, now and later.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Show what would be written, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How the registry is reached, now and later.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Whether a policy acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// It plans, by dry runs.
    Observe,
    /// It changes things.
    Enforce,
}

impl ModeArg {
    /// As a configuration has it.
    pub fn mode(self) -> suture_core::Mode {
        match self {
            Self::Observe => suture_core::Mode::Observe,
            Self::Enforce => suture_core::Mode::Enforce,
        }
    }
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
