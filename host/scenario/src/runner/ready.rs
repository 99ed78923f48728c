//! A scenario and a policy that fit together, ready to be played as often as one likes.

use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use serde_json::Value;
use suture_core::clock::Driven;
use suture_core::{Clock, Grant, Program, VirtualClock};
use suture_simulator::SimulatedCluster;

use super::environment::{Environment, Playing};
use super::trouble::Trouble;
use super::{Watcher, clock, waiting};
use crate::expect::check_possible;
use crate::format::Scenario;
use crate::report::PlayedRun;

/// A scenario with everything that is the same each time it is played.
pub(crate) struct Ready<'a> {
    pub scenario: &'a Scenario,
    pub program: Arc<dyn Program>,
    pub settings: Value,
    pub grants: Arc<[Grant]>,
    /// As it is at the start: each play has a fork of it.
    pub cluster: SimulatedCluster,
}

/// What came of playing a scenario once.
pub(crate) struct Play {
    pub runs: Vec<PlayedRun>,
    pub notes: Vec<String>,
    /// How a scenario without any run ended.
    pub nothing: Option<(&'static str, String)>,
    /// Why it came to nothing, where it did.
    pub failure: Option<String>,
    /// How much virtual time passed.
    pub simulated: Duration,
    /// The cluster as it was left.
    pub cluster: SimulatedCluster,
}

impl<'a> Ready<'a> {
    /// Check that a scenario makes sense with a policy.
    ///
    /// # Errors
    /// The line (0 where there is none), and what is wrong.
    pub fn new(scenario: &'a Scenario, program: Arc<dyn Program>) -> Result<Self, (u64, String)> {
        let manifest = program.manifest();
        let settings = manifest
            .settings_schema
            .fill(scenario.settings.clone())
            .map_err(|error| (0, format!("`given.settings` break the policy's schema: {error}")))?;
        let cluster = SimulatedCluster::new(scenario.fixture.clone(), clock(scenario))
            .map_err(|error| (0, format!("the simulated cluster can't be set up: {error}")))?;
        let grants = scenario.grants(manifest);
        let requested = manifest.requested(&settings);
        block_on(check_possible(&scenario.then, &cluster, &requested, &grants))?;
        Ok(Self { scenario, program, settings, grants, cluster })
    }

    /// Play it on its [clock](clock()), with someone who watches and something that goes
    /// wrong, if wanted.
    pub fn play(
        &self,
        clock: Arc<VirtualClock>,
        watcher: Option<Arc<dyn Watcher>>,
        trouble: Option<Arc<dyn Trouble>>,
    ) -> Play {
        let environment = Environment::set(self, clock.clone(), watcher, trouble);
        let driven = block_on(clock.drive(environment.play(&self.scenario.when)));
        let now = self.scenario.fixture.now;
        let simulated = Duration::try_from(now.duration_until(clock.now())).unwrap_or_default();
        let Environment { cluster, disk, played, .. } = environment;
        let played = played.into_inner();
        let failure = match driven {
            Driven::Done(Ok(())) => None,
            Driven::Done(Err(error)) => Some(format!("the record of the run can't be written: {error}")),
            Driven::Stalled => {
                Some(format!("nothing will ever happen again: {}", waiting(&played.runs, &disk)))
            }
            Driven::OutOfTime => Some(format!(
                "stopped at the limit of {} of virtual time: {}",
                self.scenario.limit,
                waiting(&played.runs, &disk)
            )),
        };
        let runs = played.runs.into_iter().zip(disk.take()).map(Playing::into_run).collect();
        let mut notes = played.notes;
        notes.extend(cluster.complaints());
        Play { runs, notes, nothing: played.nothing, failure, simulated, cluster }
    }
}
