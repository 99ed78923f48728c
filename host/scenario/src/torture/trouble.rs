//! A disturbance as whoever plays a scenario meets it.

use std::sync::Arc;

use async_trait::async_trait;
use suture_core::Clock;
use suture_engine::Cluster;
use suture_simulator::SimulatedCluster;

use super::disturbance::Disturbance;
use super::line::Line;
use super::perturbation::{Meddling, Perturbation, Place};
use super::surroundings::{Surroundings, frozen};
use crate::format::Event;
use crate::runner::{Death, Disk, Trouble};

#[async_trait]
impl Trouble for Disturbance {
    fn cluster_for_host(
        self: Arc<Self>,
        cluster: &SimulatedCluster,
        clock: Arc<dyn Clock>,
        disk: Arc<Disk>,
    ) -> Arc<dyn Cluster> {
        let reverts = |one: &Perturbation| matches!(one, Perturbation::Meddle { how: Meddling::Revert, .. });
        let start = self.plan.iter().any(reverts).then(|| frozen(cluster, &*clock));
        self.begin(Surroundings { cluster: cluster.clone(), clock, disk, start });
        Arc::new(Line { cluster: cluster.clone(), disturbance: self })
    }

    async fn before_write(&self, run: usize) {
        self.write(run, Place::BeforeEntry, true).await;
    }

    async fn after_write(&self, run: usize) {
        self.write(run, Place::AfterEntry, false).await;
    }

    async fn death(&self) -> Death {
        self.next_death().await
    }

    fn delivered(&self, sent: &[Event]) -> Vec<Event> {
        let mut told: Vec<Event> = Vec::with_capacity(sent.len() + 1);
        for (number, event) in (1..).zip(sent) {
            let mut times = 1;
            let mut event = event.clone();
            for one in &self.plan {
                match one {
                    Perturbation::Lose { notification } if *notification == number => times = 0,
                    Perturbation::Repeat { notification } if *notification == number => times = 2,
                    Perturbation::Late { notification, by } if *notification == number => {
                        event.after += by.get();
                    }
                    _ => {}
                }
            }
            told.extend(std::iter::repeat_n(event, times));
        }
        told.sort_by_key(|event| event.after);
        told
    }

    fn locks_held(&self) -> Vec<String> {
        let lock = |one: &Perturbation| match one {
            Perturbation::Lock { name } => Some(name.clone()),
            _ => None,
        };
        self.plan.iter().filter_map(lock).collect()
    }

    fn tells_again(&self) -> bool {
        self.plan.contains(&Perturbation::Again)
    }
}
