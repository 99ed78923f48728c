//! Reaching an API server.

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use suture_core::clock::of_http;
use suture_core::{Timestamp, causes};

use crate::http::install_crypto;

/// How an API server is reached, and how hard it is pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveConfig {
    /// A kubeconfig file. Without it: the cluster that this process runs in, where a
    /// ServiceAccount is mounted; else what `KUBECONFIG` or `~/.kube/config` says.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; its current one where none is given.
    pub context: Option<String>,
    /// The host's own namespace; that of the ServiceAccount or the context where none is
    /// given.
    pub namespace: Option<String>,
    /// How many requests a second are sent, on average.
    pub requests_per_second: u32,
    /// How many requests may be sent at once.
    pub burst: u32,
    /// How long a request may take.
    pub timeout: Duration,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            namespace: None,
            requests_per_second: 50,
            burst: 100,
            timeout: Duration::from_secs(15),
        }
    }
}

/// An API server that can be asked.
#[derive(Clone)]
pub struct Connection {
    /// Asks it.
    pub client: Client,
    /// The host's own namespace.
    pub namespace: String,
    /// The API server's address.
    pub url: String,
}

impl Connection {
    /// Ask the API server for its version: what time it is there, where it says so.
    ///
    /// # Errors
    /// Why it does not answer.
    pub async fn clock(&self) -> Result<Option<Timestamp>, String> {
        let request = http::Request::get("/version").body(kube::client::Body::empty());
        let request = request.map_err(|error| error.to_string())?;
        let answer = self.client.send(request).await.map_err(|error| causes(&error))?;
        if !answer.status().is_success() {
            return Err(format!("it answers {}", answer.status()));
        }
        Ok(answer.headers().get(http::header::DATE).and_then(|date| of_http(date.to_str().ok()?)))
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig can't be used.
    #[error("the kubeconfig can't be used: {0}")]
    Kubeconfig(#[from] KubeconfigError),
    /// Neither inside a cluster nor outside is there a configuration.
    #[error(
        "there is no cluster to act on: {in_cluster}; and outside of a cluster {kubeconfig}. Name a file in \
         `cluster.live.kubeconfig`, or set KUBECONFIG"
    )]
    Nowhere {
        /// Why it is not the cluster that this process runs in.
        in_cluster: InClusterError,
        /// Why it is not what the environment names.
        kubeconfig: KubeconfigError,
    },
    /// TLS or authentication can't be set up.
    #[error("no client can be made for {url}: {error}")]
    Client {
        /// The API server's address.
        url: String,
        /// Why.
        error: kube::Error,
    },
}

/// Make a client for an API server. It is not asked anything yet.
///
/// # Errors
/// What is wrong with the configuration.
pub async fn connect(config: &LiveConfig) -> Result<Connection, ConnectError> {
    install_crypto();
    let mut found = find(config).await?;
    // What may be repeated is decided here, not below.
    found.default_retry = false;
    found.connect_timeout = Some(config.timeout);
    // A watch is silent for longer than a request may take; each call has its own limit.
    found.read_timeout = None;
    found.write_timeout = Some(config.timeout);
    let url = found.cluster_url.to_string().trim_end_matches('/').to_owned();
    let namespace = config.namespace.clone().unwrap_or_else(|| found.default_namespace.clone());
    let client = Client::try_from(found).map_err(|error| ConnectError::Client { url: url.clone(), error })?;
    Ok(Connection { client, namespace, url })
}

/// Whether the kubeconfig that is named can be used, as far as it can be told without asking
/// anybody or running anything. None need be named.
///
/// # Errors
/// What is wrong with it.
pub async fn check_kubeconfig(config: &LiveConfig) -> Result<(), ConnectError> {
    if config.kubeconfig.is_none() {
        return Ok(());
    }
    find(config).await.map(drop)
}

async fn find(config: &LiveConfig) -> Result<Config, ConnectError> {
    let options = KubeConfigOptions { context: config.context.clone(), ..KubeConfigOptions::default() };
    if let Some(file) = &config.kubeconfig {
        return Ok(Config::from_custom_kubeconfig(Kubeconfig::read_from(file)?, &options).await?);
    }
    match Config::incluster() {
        Ok(config) => Ok(config),
        Err(in_cluster) => Config::from_kubeconfig(&options)
            .await
            .map_err(|kubeconfig| ConnectError::Nowhere { in_cluster, kubeconfig }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_named() {
        let config = LiveConfig { kubeconfig: Some("/nowhere/kubeconfig".into()), ..LiveConfig::default() };
        let error = connect(&config).await.err().unwrap().to_string();
        assert!(error.contains("/nowhere/kubeconfig"), "{error}");
    }
}
