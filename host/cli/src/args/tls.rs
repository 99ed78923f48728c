//! Whom a host's TLS is checked against, and who asks.

use std::path::PathBuf;

use clap::Args;

/// TLS to a running host, where its address is `https://`.
#[derive(Debug, Default, Args)]
pub struct TlsArgs {
    /// A PEM file with the authority of the host's certificate [default: those that the system trusts].
    #[arg(long, value_name = "FILE", env = "SUTURE_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// A PEM file with a client's certificate and its key, where the host asks for one.
    #[arg(long, value_name = "FILE", env = "SUTURE_IDENTITY_FILE")]
    pub identity_file: Option<PathBuf>,
}
