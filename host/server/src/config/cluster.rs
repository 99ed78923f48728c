//! What effects act on.

mod lease;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_saphyr::Spanned;
use suture_cluster::live::LiveConfig;
use suture_core::HumanDuration;

pub use lease::LeaseConfig;

use super::unplaced;

/// `cluster`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "Written")]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum ClusterConfig {
    /// The cluster that the host runs in, or that a kubeconfig names.
    Live(Live),
    /// A cluster in memory.
    Simulated(SimulatedConfig),
}

/// `cluster.live`. Without a kubeconfig it is the cluster that the host runs in, where a
/// ServiceAccount is mounted; else what `KUBECONFIG` or `~/.kube/config` says.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Live {
    /// A kubeconfig file.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; its current one where none is given.
    pub context: Option<String>,
    /// The host's own namespace: the Lease is there. Where none is given: that of the
    /// ServiceAccount, or of the context.
    #[schemars(with = "Option<String>")]
    pub namespace: Option<Spanned<String>>,
    /// How many requests a second are sent, on average.
    #[schemars(with = "u32")]
    pub requests_per_second: Spanned<u32>,
    /// How many requests may be sent at once.
    #[schemars(with = "u32")]
    pub burst: Spanned<u32>,
    /// How long a request may take.
    #[schemars(with = "HumanDuration")]
    pub timeout: Spanned<HumanDuration>,
    /// The Lease that lets one host of several act.
    pub lease: LeaseConfig,
    /// Whether people decide about plans by making Approvals (`approvals.suture.dev`) in the host's
    /// namespace, too.
    pub approvals: bool,
}

impl Default for Live {
    fn default() -> Self {
        let LiveConfig { requests_per_second, burst, timeout, .. } = LiveConfig::default();
        Self {
            kubeconfig: None,
            context: None,
            namespace: None,
            requests_per_second: unplaced(requests_per_second),
            burst: unplaced(burst),
            timeout: unplaced(timeout.into()),
            lease: LeaseConfig::default(),
            approvals: false,
        }
    }
}

impl Live {
    /// What the cluster is reached with. Relative paths are seen from `base`, the
    /// configuration's folder.
    pub fn reached(&self, base: &Path) -> LiveConfig {
        LiveConfig {
            kubeconfig: self.kubeconfig.as_ref().map(|file| base.join(file)),
            context: self.context.clone(),
            namespace: self.namespace.as_ref().map(|namespace| namespace.value.clone()),
            requests_per_second: self.requests_per_second.value,
            burst: self.burst.value,
            timeout: self.timeout.value.get(),
        }
    }
}

/// `cluster.simulated`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "WrittenSimulated")]
pub enum SimulatedConfig {
    /// In the host's own memory.
    Scenario {
        /// The scenario whose `given` and `reactions` are the cluster.
        scenario: PathBuf,
        /// How many times as fast as real its time runs.
        speed: f64,
    },
    /// In a process of its own, which outlives the host: `suture simulate`.
    Socket {
        /// Where that listens. Relative paths are seen from the configuration's folder.
        socket: PathBuf,
    },
}

/// As it is written: one key of two.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenSimulated {
    scenario: Option<PathBuf>,
    speed: Option<f64>,
    socket: Option<PathBuf>,
}

impl TryFrom<WrittenSimulated> for SimulatedConfig {
    type Error = &'static str;

    fn try_from(written: WrittenSimulated) -> Result<Self, Self::Error> {
        match written {
            WrittenSimulated { scenario: Some(scenario), speed, socket: None } => {
                Ok(Self::Scenario { scenario, speed: speed.unwrap_or(1.0) })
            }
            WrittenSimulated { scenario: None, speed: None, socket: Some(socket) } => {
                Ok(Self::Socket { socket })
            }
            WrittenSimulated { scenario: None, speed: Some(_), socket: Some(_) } => Err(
                "`speed` goes with `scenario`; behind a `socket` time runs as `suture simulate --speed` says",
            ),
            _ => Err("give either `scenario: FILE` or `socket: PATH`, where `suture simulate` listens"),
        }
    }
}

/// As it is written: one key of two.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    live: Option<Live>,
    simulated: Option<SimulatedConfig>,
}

impl TryFrom<Written> for ClusterConfig {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written { live: Some(live), simulated: None } => Ok(Self::Live(live)),
            Written { live: None, simulated: Some(simulated) } => Ok(Self::Simulated(simulated)),
            _ => Err("give either `live: {}`, `simulated: {scenario: FILE}` or `simulated: {socket: PATH}`"),
        }
    }
}
