//! The HTTP client.

use std::time::Duration;

use crate::error::CliError;

/// How long one request may take, to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client.
///
/// # Errors
/// Where TLS can't be set up on this machine.
pub fn client() -> Result<reqwest::Client, CliError> {
    suture_cluster::install_crypto();
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .user_agent(concat!("suture/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| CliError::internal(format!("no HTTP client can be made: {error}")))
}
