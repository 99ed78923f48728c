//! What a play is played with, and what somebody else does to it.

use std::sync::Arc;

use serde_json::Value;
use suture_core::{Clock, ObjectRef, VirtualClock};
use suture_simulator::SimulatedCluster;

use super::perturbation::Meddling;
use crate::runner::Disk;

/// What a play is played with.
pub(super) struct Surroundings {
    pub cluster: SimulatedCluster,
    pub clock: Arc<dyn Clock>,
    pub disk: Arc<Disk>,
    /// As things are at the start, where that will be wanted.
    pub start: Option<SimulatedCluster>,
}

/// A cluster as it is now, for good: its clock is one that nobody drives.
pub(super) fn frozen(cluster: &SimulatedCluster, clock: &dyn Clock) -> SimulatedCluster {
    let now = clock.now();
    cluster.fork(Arc::new(VirtualClock::new(now, now)))
}

impl Surroundings {
    /// Somebody acts. What can't be done (any more) is not done.
    pub fn meddle(&self, reference: &ObjectRef, how: Meddling) {
        let cluster = &self.cluster;
        match how {
            Meddling::Touch => {
                let _ = cluster.edit(reference, |object| {
                    object["metadata"]["annotations"]["torture.suture.dev/touched"] = "yes".into();
                });
            }
            Meddling::Delete => _ = cluster.delete(reference),
            Meddling::Recreate => {
                let Some(object) = cluster.object(reference) else { return };
                let mut object = Value::clone(&object);
                if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                    let own =
                        ["uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp"];
                    own.iter().for_each(|field| _ = metadata.remove(*field));
                }
                if cluster.delete(reference).is_ok() {
                    let _ = cluster.create(object);
                }
            }
            Meddling::Revert => {
                let Some(before) = self.start.as_ref().and_then(|start| start.object(reference)) else {
                    return;
                };
                let _ = cluster.edit(reference, |object| *object = Value::clone(&before));
            }
        }
    }
}
