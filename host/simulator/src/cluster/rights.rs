//! The cluster as somebody sees it who may not do everything: RBAC, at the level of
//! effects.

use async_trait::async_trait;
use suture_core::effect::Target;
use suture_core::grant::Access;
use suture_core::handler::{Discovery, Resolution, Resource};
use suture_core::object::Kind;
use suture_core::{
    Effect, EffectHandler, Error, Fault, Grant, Mutation, ObjectRef, Prepared, Reason, Reply, Step, Verb,
};

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

/// What is done to what: an object, or all of a kind where it has no name.
struct Wanted<'a> {
    verb: Verb,
    kind: &'a Kind,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    subresource: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn of(verb: Verb, target: &'a Target, subresource: Option<&'a str>) -> Self {
        let Target { kind, namespace, name, .. } = target;
        Self { verb, kind, namespace: namespace.as_deref(), name: Some(name), subresource }
    }

    /// What an effect takes when it is performed.
    fn by(effect: &'a Effect, exists: impl Fn(&ObjectRef) -> bool) -> Vec<Self> {
        let on = |verb, target: &'a Target| Self::of(verb, target, target.subresource.as_deref());
        match effect {
            Effect::Get { target } => vec![on(Verb::Get, target)],
            Effect::Wait { target, .. } => vec![Self::of(Verb::Get, target, None)],
            Effect::Logs { pod, .. } => vec![Self::of(Verb::Get, pod, Some("log"))],
            Effect::List(query) => {
                let namespace = query.namespace.as_deref();
                vec![Self { verb: Verb::List, kind: &query.kind, namespace, name: None, subresource: None }]
            }
            Effect::Mutate { mutation, .. } => match mutation {
                Mutation::Create(create) => vec![Self {
                    verb: Verb::Create,
                    kind: &create.kind,
                    namespace: create.namespace.as_deref(),
                    // The name is in the body, where authorization does not look.
                    name: None,
                    subresource: create.subresource.as_deref(),
                }],
                Mutation::Patch(patch) => vec![on(Verb::Patch, &patch.target)],
                Mutation::Delete(delete) => vec![on(Verb::Delete, &delete.target)],
                Mutation::Apply(apply) => {
                    let mut wanted = vec![on(Verb::Patch, &apply.target)];
                    if !exists(&apply.target.reference()) {
                        wanted.push(Self { name: None, ..on(Verb::Create, &apply.target) });
                    }
                    wanted
                }
            },
            _ => vec![],
        }
    }

    /// What an effect takes when it is prepared: a look at what it concerns.
    fn to_prepare(effect: &'a Effect) -> Option<Self> {
        match effect {
            Effect::Wait { target, .. } => Some(Self::of(Verb::Get, target, None)),
            Effect::Mutate { mutation, .. } => match mutation {
                Mutation::Create(_) => None,
                Mutation::Patch(change) => Some(Self::of(Verb::Get, &change.target, None)),
                Mutation::Apply(change) => Some(Self::of(Verb::Get, &change.target, None)),
                Mutation::Delete(change) => Some(Self::of(Verb::Get, &change.target, None)),
            },
            _ => None,
        }
    }
}

impl Limited {
    fn check(&self, wanted: &Wanted<'_>) -> Result<(), Error> {
        let Ok(info) = self.cluster.read(|state, _| state.store.info(wanted.kind)) else {
            // The cluster says so itself.
            return Ok(());
        };
        let access = Access {
            group: wanted.kind.group(),
            resource: &info.plural,
            subresource: wanted.subresource,
            verb: wanted.verb,
            namespace: wanted.namespace,
            namespaced: info.namespaced,
            name: wanted.name,
        };
        if self.rights.iter().any(|right| right.allows(&access)) {
            return Ok(());
        }
        Err(Error::new(Reason::FORBIDDEN, format!("this user may not {access}")))
    }
}

#[async_trait]
impl EffectHandler for Limited {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        if let Some(wanted) = Wanted::to_prepare(effect) {
            self.check(&wanted)?;
        }
        self.cluster.prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        let exists = |reference: &ObjectRef| self.cluster.object(reference).is_some();
        for wanted in Wanted::by(&prepared.effect, exists) {
            self.check(&wanted)?;
        }
        self.cluster.perform(prepared).await
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        if let Some(wanted) = Wanted::to_prepare(&prepared.effect) {
            self.check(&wanted)?;
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
