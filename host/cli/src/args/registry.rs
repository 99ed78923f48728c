//! What the commands about registries take.

use std::path::PathBuf;

use clap::Args;
use suture_registry::Reference;

/// How a registry is reached.
#[derive(Debug, Args)]
pub struct RegistryArgs {
    /// A docker config file with the credentials; without one nobody logs in.
    #[arg(long, value_name = "FILE")]
    pub docker_config: Option<PathBuf>,
    /// Speak without TLS; a registry on this machine is spoken to so anyway.
    #[arg(long)]
    pub plain_http: bool,
}

/// `suture push`.
#[derive(Debug, Args)]
#[command(after_help = "\
The component is checked first, and pushed by the Wasm OCI artifact layout, so that other
tools of the Wasm ecosystem can pull it. The printed reference names it for good: sign that
one, `cosign sign --key cosign.key REFERENCE@sha256:…`.

Examples:
  suture push target/policies/volsync.wasm ghcr.io/team/volsync:1.2.0
  suture push volsync.wasm ghcr.io/team/volsync:1.2.0 --docker-config ~/.docker/config.json")]
pub struct PushArgs {
    /// The component.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where to: REGISTRY/REPOSITORY:TAG.
    #[arg(value_name = "REFERENCE")]
    pub reference: Reference,
    /// How the registry is reached.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// `suture pull`.
#[derive(Debug, Args)]
#[command(after_help = "\
Everything is verified against its digest. With --key, a module that the holder of the key
has not signed with cosign is not written.

Examples:
  suture pull ghcr.io/team/volsync:1.2.0
  suture pull ghcr.io/team/volsync:1.2.0 --key cosign.pub --out volsync.wasm")]
pub struct PullArgs {
    /// What: REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST.
    #[arg(value_name = "REFERENCE")]
    pub reference: Reference,
    /// Where to write it [default: the repository's last name, with .wasm, in this folder].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// A cosign public key.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// How the registry is reached.
    #[command(flatten)]
    pub registry: RegistryArgs,
}
