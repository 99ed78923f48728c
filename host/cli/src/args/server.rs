//! How a running host is named.

use std::path::PathBuf;

use clap::Args;

use super::TlsArgs;

/// A running host.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Host")]
pub struct ServerArgs {
    /// Its admin address [default: $SUTURE_SERVER; then `server` in ~/.config/suture/config.yaml;
    /// then that of suture.yaml in this folder].
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// A file with your token for it [default: $SUTURE_TOKEN_FILE; then `tokenFile` beside the
    /// `server` that is used].
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// TLS.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// The configuration of the host: it says its address, and where the admin's token is.
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    pub config: Option<PathBuf>,
}
