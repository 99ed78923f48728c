//! The servers that a host asks: Prometheus and Alertmanager, and how it is let in there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde_saphyr::Spanned;
use suture_cluster::Access;
use suture_core::Labels;

use super::transport::BasicAuth;
use super::{ConfigError, Loaded};

/// `prometheus`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrometheusConfig {
    /// Its base URL.
    #[schemars(with = "String")]
    pub url: Spanned<String>,
    /// The base URL of the server that lists the alerts, where rules are evaluated by another
    /// one: vmalert, Thanos' or Mimir's ruler. It is reached as the first one is.
    #[schemars(with = "Option<String>")]
    pub alerts_url: Option<Spanned<String>>,
    /// The labels that it adds to the alerts that it sends. Read from its own
    /// configuration where they are not given here.
    pub external_labels: Option<Labels>,
    /// Labels that are changed or dropped on the way to Alertmanager, and that a confirmation
    /// passes over. Needed where `alert_relabel_configs` can't be read off its configuration.
    #[serde(default)]
    pub drop_labels: BTreeSet<String>,
    /// A file with a bearer token. Read each time.
    #[schemars(with = "Option<PathBuf>")]
    pub token_file: Option<Spanned<PathBuf>>,
    /// A name and a password.
    pub basic_auth: Option<BasicAuth>,
    /// More headers: `X-Scope-OrgID: team`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A PEM file with the authorities of its certificate. Read again when it changes.
    #[schemars(with = "Option<PathBuf>")]
    pub ca_file: Option<Spanned<PathBuf>>,
    /// A certificate to show to it.
    pub client_certificate: Option<ClientCertificate>,
}

/// `alertmanager`, and one of `alertmanagers`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlertmanagerConfig {
    /// Its base URL.
    #[schemars(with = "String")]
    pub url: Spanned<String>,
    /// A file with a bearer token. Read each time.
    #[schemars(with = "Option<PathBuf>")]
    pub token_file: Option<Spanned<PathBuf>>,
    /// A name and a password.
    pub basic_auth: Option<BasicAuth>,
    /// More headers: `X-Scope-OrgID: team`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A PEM file with the authorities of its certificate. Read again when it changes.
    #[schemars(with = "Option<PathBuf>")]
    pub ca_file: Option<Spanned<PathBuf>>,
    /// A certificate to show to it.
    pub client_certificate: Option<ClientCertificate>,
}

/// `clientCertificate`: the files are read again when they change.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientCertificate {
    /// A PEM file with the certificate.
    pub cert_file: PathBuf,
    /// A PEM file with its key.
    pub key_file: PathBuf,
}

impl PrometheusConfig {
    /// How one is let in.
    ///
    /// # Errors
    /// What can't be meant together.
    pub(crate) fn access(&self, loaded: &Loaded) -> Result<Access, ConfigError> {
        let Self { token_file, basic_auth, headers, ca_file, client_certificate, .. } = self;
        access(
            loaded,
            token_file.as_ref(),
            basic_auth.as_ref(),
            headers,
            ca_file.as_ref(),
            client_certificate.as_ref(),
        )
    }
}

impl AlertmanagerConfig {
    /// How one is let in.
    ///
    /// # Errors
    /// What can't be meant together.
    pub(crate) fn access(&self, loaded: &Loaded) -> Result<Access, ConfigError> {
        let Self { token_file, basic_auth, headers, ca_file, client_certificate, .. } = self;
        access(
            loaded,
            token_file.as_ref(),
            basic_auth.as_ref(),
            headers,
            ca_file.as_ref(),
            client_certificate.as_ref(),
        )
    }
}

fn access(
    loaded: &Loaded,
    token_file: Option<&Spanned<PathBuf>>,
    basic_auth: Option<&BasicAuth>,
    headers: &BTreeMap<String, String>,
    ca_file: Option<&Spanned<PathBuf>>,
    client_certificate: Option<&ClientCertificate>,
) -> Result<Access, ConfigError> {
    if let (Some(file), Some(_)) = (token_file, basic_auth) {
        let message = "`tokenFile` and `basicAuth` are two ways to be let in: give one of them";
        return Err(loaded.error(file.referenced, message));
    }
    let path = |file: &Spanned<PathBuf>| loaded.path(&file.value);
    Ok(Access {
        token_file: token_file.map(path),
        basic: basic_auth.map(|basic| (basic.username.value.clone(), path(&basic.password_file))),
        headers: headers.clone(),
        ca_file: ca_file.map(path),
        identity: client_certificate
            .map(|identity| (loaded.path(&identity.cert_file), loaded.path(&identity.key_file))),
    })
}
