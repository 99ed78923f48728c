//! What may go wrong while a scenario is played.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use suture_core::Clock;
use suture_engine::Cluster;
use suture_simulator::SimulatedCluster;

use super::disk::Disk;
use crate::format::Event;

/// Stands between the host that plays a scenario and its cluster.
#[async_trait]
pub(crate) trait Trouble: Send + Sync {
    /// The cluster as the host meets it.
    fn cluster_for_host(
        self: Arc<Self>,
        cluster: &SimulatedCluster,
        clock: Arc<dyn Clock>,
        disk: Arc<Disk>,
    ) -> Arc<dyn Cluster>;

    /// An entry of a run (from 0) is about to be written.
    async fn before_write(&self, run: usize);

    /// An entry of a run was written.
    async fn after_write(&self, run: usize);

    /// The host's next death. What it was doing never comes back.
    async fn death(&self) -> Death;

    /// The notifications that arrive, of those that were sent.
    fn delivered(&self, sent: &[Event]) -> Vec<Event>;

    /// The locks that somebody else holds, and never lets go: as policies name them.
    fn locks_held(&self) -> Vec<String>;

    /// Whether what still fires is told again when all runs are over.
    fn tells_again(&self) -> bool;
}

/// The host dies, and comes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Death {
    /// How long it is away.
    pub down: Duration,
    /// What was not synced is not there when it is back.
    pub loses_unsynced: bool,
    /// The module of its runs is not there when it is back.
    pub module_is_gone: bool,
}
