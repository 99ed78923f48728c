//! How a listener is spoken to: TLS, and names with passwords.

use std::path::PathBuf;

use serde::Deserialize;
use serde_saphyr::Spanned;

/// `basicAuth`: a name and a password, which are as good as the token.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BasicAuth {
    /// The name; it has no colon.
    #[schemars(with = "String")]
    pub username: Spanned<String>,
    /// A file with the password. Read again when it changes.
    #[schemars(with = "PathBuf")]
    pub password_file: Spanned<PathBuf>,
}

/// `tls`: the files are read again when they change.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsConfig {
    /// A PEM file with the certificate, and after it those that lead to its authority.
    #[schemars(with = "PathBuf")]
    pub cert_file: Spanned<PathBuf>,
    /// A PEM file with the certificate's private key.
    #[schemars(with = "PathBuf")]
    pub key_file: Spanned<PathBuf>,
    /// A PEM file with the authorities of clients' certificates. With it every client must show
    /// one, except who asks for `/healthz` or `/readyz`.
    #[schemars(with = "Option<PathBuf>")]
    pub client_ca_file: Option<Spanned<PathBuf>>,
}
