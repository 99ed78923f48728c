//! What effects act on: a live cluster or a simulated one, with its Prometheus.

use std::path::Path;
use std::sync::Arc;

use suture_cluster::live::{self, Connection, LiveCluster};
use suture_cluster::socket::SocketCluster;
use suture_cluster::{PrometheusClient, WithPrometheus};
use suture_core::{Clock, RealClock};
use suture_engine::{Cluster, Metrics};

use super::{MakeSimulated, ServeOptions};
use crate::config::{ClusterConfig, ConfigError, Loaded, SimulatedConfig};
use crate::transport::{Finding, Matter};

/// The end of the layers.
pub(crate) struct Host {
    /// What effects act on.
    pub cluster: Arc<dyn Cluster>,
    /// The clock that it lives by.
    pub clock: Arc<dyn Clock>,
    /// How its API server is reached; none where it is simulated.
    pub connection: Option<Connection>,
}

/// Make the cluster of a configuration. A live one may not answer yet: it is asked when
/// something is wanted of it.
///
/// # Errors
/// What is wrong with the scenario, the kubeconfig, or what they name.
pub(crate) async fn cluster(
    loaded: &Loaded,
    options: &ServeOptions,
    metrics: &Metrics,
) -> Result<Host, ConfigError> {
    let clock: Arc<dyn Clock> = Arc::new(RealClock);
    let host = match &loaded.config.cluster.value {
        ClusterConfig::Live(config) => {
            let config = config.reached(&loaded.base);
            let connection = live::connect(&config)
                .await
                .map_err(|error| loaded.error(loaded.config.cluster.referenced, error.to_string()))?;
            tracing::info!(
                url = connection.url,
                namespace = connection.namespace,
                "acting on a live cluster"
            );
            let counted = metrics.clone();
            let cluster = LiveCluster::new(connection.clone(), &config, clock.clone()).with_on_request(
                Arc::new(move |method, status, took| counted.api_request(method.as_str(), status, took)),
            );
            Host { cluster: Arc::new(cluster), clock, connection: Some(connection) }
        }
        ClusterConfig::Simulated(SimulatedConfig::Scenario { scenario, speed }) => {
            simulated(loaded, scenario, *speed, &options.simulated)?
        }
        ClusterConfig::Simulated(SimulatedConfig::Socket { socket }) => behind(loaded, socket).await?,
    };
    Ok(match prometheus(loaded)? {
        None => host,
        Some(client) => Host { cluster: Arc::new(WithPrometheus::new(host.cluster, client)), ..host },
    })
}

/// The same, as far as it goes offline.
///
/// # Errors
/// As [`cluster`], but nobody need listen at a socket; of a kubeconfig [`kubeconfig`] speaks.
pub(crate) fn offline(loaded: &Loaded, options: &ServeOptions) -> Result<(), ConfigError> {
    if let ClusterConfig::Simulated(SimulatedConfig::Scenario { scenario, speed }) =
        &loaded.config.cluster.value
    {
        simulated(loaded, scenario, *speed, &options.simulated)?;
    }
    prometheus(loaded).map(drop)
}

/// What is wrong with the kubeconfig that a configuration names.
pub(crate) async fn kubeconfig(loaded: &Loaded) -> Option<Finding> {
    let cluster = &loaded.config.cluster;
    let ClusterConfig::Live(config) = &cluster.value else { return None };
    let config = config.reached(&loaded.base);
    let error = live::check_kubeconfig(&config).await.err()?;
    let is_missing = config.kubeconfig.is_some_and(|file| std::fs::File::open(file).is_err());
    let matter = if is_missing { Matter::Missing } else { Matter::Wrong };
    Some(Finding { matter, error: loaded.error(cluster.referenced, error.to_string()) })
}

/// A simulated cluster in this process.
fn simulated(
    loaded: &Loaded,
    scenario: &Path,
    speed: f64,
    make: &MakeSimulated,
) -> Result<Host, ConfigError> {
    let made = make(&loaded.path(scenario), speed)
        .map_err(|error| loaded.error(loaded.config.cluster.referenced, error))?;
    Ok(Host { cluster: made.cluster, clock: made.clock, connection: None })
}

/// A simulated cluster in another process. Its clock is there, so it must answer.
async fn behind(loaded: &Loaded, socket: &Path) -> Result<Host, ConfigError> {
    let cluster = SocketCluster::connect(&loaded.path(socket))
        .await
        .map_err(|error| loaded.error(loaded.config.cluster.referenced, error.to_string()))?;
    let clock = cluster.clock();
    tracing::info!(socket = %socket.display(), now = %clock.now(), "acting on a simulated cluster in another process");
    Ok(Host { cluster: Arc::new(cluster), clock, connection: None })
}

/// The Prometheus of a configuration, if it has one.
///
/// # Errors
/// What is wrong with its URL.
pub fn prometheus(loaded: &Loaded) -> Result<Option<PrometheusClient>, ConfigError> {
    let Some(config) = &loaded.config.prometheus else { return Ok(None) };
    let client =
        PrometheusClient::with_access(&config.url.value, config.access(loaded)?, Arc::new(RealClock))
            .map_err(|error| loaded.error(config.url.referenced, error))?
            .noting(loaded.contacts.clone());
    Ok(Some(match &config.alerts_url {
        Some(url) => client.with_ruler(&url.value).map_err(|error| loaded.error(url.referenced, error))?,
        None => client,
    }))
}
