//! The line between a host and its cluster, on which requests and answers go wrong.

use std::sync::Arc;

use async_trait::async_trait;
use suture_core::effect::Predicate;
use suture_core::handler::{Discovery, Resource};
use suture_core::object::Kind;
use suture_core::{Effect, EffectHandler, Error, Fault, ObjectRef, Prepared, Reply, Resolution, Step};
use suture_simulator::SimulatedCluster;

use super::disturbance::Disturbance;
use super::request::Phase;

pub(super) struct Line {
    pub cluster: SimulatedCluster,
    pub disturbance: Arc<Disturbance>,
}

#[async_trait]
impl EffectHandler for Line {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        if !asks(effect) {
            return self.cluster.prepare(step, effect).await;
        }
        let work = async || self.cluster.prepare(step, effect).await;
        self.disturbance.send(Phase::Prepare, step, effect, work).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        let Prepared { step, effect, .. } = prepared;
        let work = async || self.cluster.perform(prepared).await;
        let reply = self.disturbance.send(Phase::Perform, step, effect, work).await?;
        match &reply {
            Reply::Page(page) => {
                self.disturbance
                    .brought(page.items.iter().take(MOST_BROUGHT).filter_map(|item| ObjectRef::of(item)));
            }
            Reply::Mutated(object) => self.disturbance.brought(ObjectRef::of(object)),
            _ => {}
        }
        Ok(reply)
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        let work = async || self.cluster.resolve(prepared).await;
        self.disturbance.send(Phase::Resolve, &prepared.step, &prepared.effect, work).await
    }
}

/// Whether preparing an effect asks a real cluster: what is changed, or is to go, is read.
fn asks(effect: &Effect) -> bool {
    match effect {
        Effect::Mutate { .. } => true,
        Effect::Wait { target, until, .. } => *until == Predicate::Deleted && target.uid.is_none(),
        _ => false,
    }
}

/// The most objects of a list that somebody else may meddle with.
const MOST_BROUGHT: usize = 8;

#[async_trait]
impl Discovery for Line {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.cluster.resource(kind).await
    }
}
