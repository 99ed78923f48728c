//! What effects act on.

use std::path::PathBuf;

use serde::Deserialize;

/// `cluster`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
pub enum ClusterConfig {
    /// The cluster that the host runs in, or that a kubeconfig names.
    Live(Live),
    /// A cluster in memory.
    Simulated(SimulatedConfig),
}

/// `cluster.live`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Live {}

/// `cluster.simulated`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimulatedConfig {
    /// The scenario whose `given` and `reactions` are the cluster.
    pub scenario: PathBuf,
    /// How many times as fast as real its time runs.
    #[serde(default = "real_time")]
    pub speed: f64,
}

fn real_time() -> f64 {
    1.0
}

/// As it is written: one key of two.
#[derive(Deserialize)]
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
            _ => Err("give either `live: {}` or `simulated: {scenario: FILE}`"),
        }
    }
}
