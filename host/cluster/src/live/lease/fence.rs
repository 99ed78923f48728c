//! The fence: changes are made only while the Lease is ours.
#![deny(clippy::wildcard_enum_match_arm)]

use async_trait::async_trait;
use suture_core::effect::Nature;
use suture_core::handler::{Discovery, Resolution, Resource};
use suture_core::object::Kind;
use suture_core::{Effect, EffectHandler, Error, Fault, Halt, Prepared, Reply, Step};

use super::Tenure;

/// A cluster whose changes end with a tenure. A change that is refused, or cut off in the
/// middle, ends its run as interrupted: its intent is on record, and the host that takes
/// the run up finds out what became of it. Whatever only reads goes on.
pub struct Fenced<C> {
    cluster: C,
    tenure: Tenure,
}

impl<C> Fenced<C> {
    /// Put a fence around a cluster.
    pub fn new(cluster: C, tenure: Tenure) -> Self {
        Self { cluster, tenure }
    }
}

#[async_trait]
impl<C: EffectHandler> EffectHandler for Fenced<C> {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        self.cluster.prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        let performed = self.cluster.perform(prepared);
        match prepared.effect.nature() {
            Nature::Change | Nature::Settlement if !prepared.dry_run => {
                self.tenure.within(performed).await.unwrap_or(Err(Fault::Halt(Halt::Shutdown)))
            }
            // A dry run changes nothing.
            Nature::Change | Nature::Settlement => performed.await,
            Nature::Read | Nature::Wait | Nature::Aside => performed.await,
        }
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        self.cluster.resolve(prepared).await
    }
}

#[async_trait]
impl<C: Discovery> Discovery for Fenced<C> {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.cluster.resource(kind).await
    }
}
