//! A simulated cluster that a host lives by, from a scenario file.

use std::path::Path;
use std::sync::Arc;

use suture_core::{AlertStatus, Clock, ScaledClock};
use suture_scenario::Scenario;
use suture_server::{Compiler, ServeOptions, Simulated};
use suture_simulator::SimulatedCluster;

/// Make the cluster that a scenario's `given` and `reactions` describe. Its time begins
/// at `given.now` and runs `speed` times as fast as real. Where the scenario lists no
/// alerts, those of its `when` fire in the cluster's Prometheus from the start.
///
/// # Errors
/// What is wrong with the scenario.
pub fn cluster(file: &Path, speed: f64) -> Result<(SimulatedCluster, Arc<dyn Clock>), String> {
    let all = Scenario::load(file).map_err(|error| error.to_string())?;
    let [scenario] = &all[..] else {
        return Err(format!("{}: {} scenarios, and one cluster is wanted", file.display(), all.len()));
    };
    let clock: Arc<dyn Clock> = Arc::new(ScaledClock::starting_at(scenario.fixture.now, speed));
    let cluster =
        SimulatedCluster::new(scenario.fixture.clone(), clock.clone()).map_err(|error| error.to_string())?;
    if !scenario.lists_alerts {
        for event in scenario.when.iter().filter(|event| event.alert.status == AlertStatus::Firing) {
            cluster.set_alert(&event.alert);
        }
    }
    Ok((cluster, clock))
}

/// What `suture serve` and `suture check` need beside the configuration.
pub fn options() -> ServeOptions {
    let simulated = |file: &Path, speed| {
        let (cluster, clock) = cluster(file, speed)?;
        Ok(Simulated { cluster: Arc::new(cluster), clock })
    };
    ServeOptions::new(Arc::new(simulated), Compiler::this_program())
}
