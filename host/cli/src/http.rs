//! The HTTP client.

use std::path::Path;
use std::time::Duration;

use crate::args::TlsArgs;
use crate::error::CliError;

/// How long one request may take, to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The largest file with a token or for TLS, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// A client for a program on this machine.
///
/// # Errors
/// Where TLS can't be set up on this machine.
pub fn client() -> Result<reqwest::Client, CliError> {
    client_with(&TlsArgs::default(), true)
}

/// A client that trusts an authority of somebody's own, and shows a certificate. What is on this
/// machine is asked without the proxy of the environment.
///
/// # Errors
/// Where a file can't be read or is none of such; where TLS can't be set up on this machine.
pub fn client_with(tls: &TlsArgs, is_here: bool) -> Result<reqwest::Client, CliError> {
    suture_cluster::install_crypto();
    let mut builder = reqwest::Client::builder()
        .timeout(TIMEOUT)
        // A token is for the host that was named.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("suture/", env!("CARGO_PKG_VERSION")));
    if is_here {
        builder = builder.no_proxy();
    }
    if let Some(file) = &tls.ca_file {
        let authorities = reqwest::Certificate::from_pem_bundle(&read(file)?).unwrap_or_default();
        if authorities.is_empty() {
            return Err(CliError::usage("there is no certificate in it (PEM)").at(file.display()));
        }
        builder = builder.tls_certs_only(authorities);
    }
    if let Some(file) = &tls.identity_file {
        let identity = reqwest::Identity::from_pem(&read(file)?).map_err(|error| {
            let what = format!("it is not a certificate with its key (PEM): {}", suture_core::causes(&error));
            CliError::usage(what).at(file.display())
        })?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|error| {
        CliError::internal(format!("no HTTP client can be made: {}", suture_core::causes(&error)))
    })
}

/// Read a small file: whatever it is, it has an end.
///
/// # Errors
/// Where it can't be read, or is larger.
pub fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    suture_core::file::read(file, MAX_BYTES)
        .map_err(|error| CliError::usage(error.to_string()).at(file.display()))
}
