//! The cluster as somebody sees it who may not do everything: RBAC, at the level of
//! effects.

use async_trait::async_trait;
use suture_core::effect::ApiRequest;
use suture_core::handler::{Discovery, Resolution, Resource};
use suture_core::object::Kind;
use suture_core::{Effect, EffectHandler, Error, Fault, Grant, Prepared, Reason, Reply, Step, Verb};

use super::SimulatedCluster;

/// A simulated cluster for somebody who has no other rights than some grants.
///
/// Refused is what the API server would refuse: before it looks whether the object is
/// there, so that whoever may not look learns nothing. Changing an object takes `get`
/// too, because it is looked at first. Discovery is open to everybody.
#[derive(Clone, Debug)]
pub struct Limited {
    cluster: SimulatedCluster,
    rights: Vec<Grant>,
}

impl SimulatedCluster {
    /// The same cluster, for somebody who has no other rights than these.
    pub fn limited_to(&self, rights: Vec<Grant>) -> Limited {
        Limited { cluster: self.clone(), rights }
    }
}

impl Limited {
    fn check(&self, request: &ApiRequest<'_>) -> Result<(), Error> {
        let Ok(info) = self.cluster.read(|state, _| state.store.info(request.kind)) else {
            // The cluster says so itself.
            return Ok(());
        };
        let resource = info.resource();
        let mut access = resource.access(request);
        if request.verb == Verb::Create {
            // The name is in the body, where authorization does not look.
            access.name = None;
        }
        if self.rights.iter().any(|right| right.allows(&access)) {
            return Ok(());
        }
        Err(Error::new(Reason::FORBIDDEN, format!("this user may not {access}")))
    }
}

#[async_trait]
impl EffectHandler for Limited {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        if let Some(request) = effect.request_to_prepare() {
            self.check(&request)?;
        }
        self.cluster.prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        let effect = &prepared.effect;
        let is_new = effect.object().is_some_and(|object| self.cluster.object(&object).is_none());
        for request in effect.requests(is_new) {
            self.check(&request)?;
        }
        self.cluster.perform(prepared).await
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        if let Some(request) = prepared.effect.request_to_prepare() {
            self.check(&request)?;
        }
        self.cluster.resolve(prepared).await
    }
}

#[async_trait]
impl Discovery for Limited {
    async fn resource(&self, kind: &Kind) -> Result<Resource, Error> {
        self.cluster.resource(kind).await
    }
}
