//! Observe mode: mutations are tried as a dry run, and their results laid over later
//! reads, so that a policy's plan unfolds as far as it can without acting.
#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};
use suture_core::effect::{Delete, OnObject, Page, Patch, Predicate, Query, Waited};
use suture_core::object::Object;
use suture_core::selector::{FieldSelector, LabelSelector};
use suture_core::{
    Effect, EffectHandler, Error, Fault, Halt, Mutation, ObjectRef, Prepared, Reason, Reply, Resolution,
    Step, patch,
};

/// The layer that plans instead of acting.
pub(crate) struct Observe<H> {
    inner: H,
    /// What planned mutations left: an object, or nothing where it would be deleted.
    planned: Mutex<BTreeMap<ObjectRef, Option<Object>>>,
}

impl<H: EffectHandler> Observe<H> {
    pub fn new(inner: H) -> Self {
        Self { inner, planned: Mutex::default() }
    }

    fn planned(&self, object: &ObjectRef) -> Option<Option<Object>> {
        self.planned.lock().get(object).cloned()
    }

    fn has_plan(&self) -> bool {
        !self.planned.lock().is_empty()
    }

    /// That a mutation can be planned for an object that only the plan knows.
    fn is_plannable(&self, mutation: &Mutation, current: Option<&Object>) -> Result<(), Error> {
        match (mutation, current) {
            (Mutation::Apply(_), _) => Err(Error::new(
                Reason::UNSUPPORTED,
                "what an apply makes of an object that only the plan knows can't be told",
            )),
            (Mutation::Patch(_) | Mutation::Delete(_), None) => {
                Err(Error::new(Reason::NOT_FOUND, format!("{} is deleted in the plan", mutation.reference())))
            }
            (Mutation::Patch(_) | Mutation::Delete(_), Some(_)) | (Mutation::Create(_), _) => Ok(()),
        }
    }

    /// What a mutation would do to an object that only the plan knows.
    fn plan(&self, mutation: &Mutation, current: Option<Object>) -> Result<(Object, Option<Object>), Error> {
        let reference = mutation.reference();
        let gone = || Error::new(Reason::NOT_FOUND, format!("{reference} is deleted in the plan"));
        match (mutation, current) {
            (Mutation::Create(_), Some(_)) => {
                Err(Error::new(Reason::ALREADY_EXISTS, format!("{reference} is created in the plan")))
            }
            (Mutation::Create(create), None) => {
                let object = Arc::new(create.object.clone());
                Ok((object.clone(), Some(object)))
            }
            (Mutation::Patch(Patch { .. }), None) | (Mutation::Delete(_), None) => Err(gone()),
            (Mutation::Patch(change), Some(current)) => {
                let patched = Arc::new(patch::apply(&current, change)?);
                Ok((patched.clone(), Some(patched)))
            }
            (Mutation::Delete(Delete { .. }), Some(current)) => Ok((current, None)),
            (Mutation::Apply(_), _) => {
                Err(Error::new(Reason::UNSUPPORTED, "an apply to an object that only the plan knows"))
            }
        }
    }

    async fn mutate(&self, prepared: &Prepared, mutation: &Mutation) -> Result<Reply, Fault> {
        let reference = mutation.reference();
        let (shown, left) = match self.planned(&reference) {
            Some(current) => self.plan(mutation, current)?,
            None => {
                let reply = self.inner.perform(prepared).await?;
                let Reply::Mutated(object) = reply else { return Ok(reply) };
                let is_left = mutation.on_object() != OnObject::Deletes;
                (object.clone(), is_left.then_some(object))
            }
        };
        self.planned.lock().insert(reference, left);
        Ok(Reply::Mutated(shown))
    }

    async fn read(&self, prepared: &Prepared, target: &ObjectRef) -> Result<Option<Object>, Fault> {
        if let Some(planned) = self.planned(target) {
            return Ok(planned);
        }
        match self.inner.perform(prepared).await {
            Ok(Reply::Object(object)) => Ok(Some(object)),
            Ok(_) => Ok(None),
            Err(Fault::Error(error)) if error.is_absence() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Whether a wait is over already; otherwise what it waits for may depend on what
    /// was only planned, and the run ends.
    async fn wait(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        let Effect::Wait { target, until, .. } = &prepared.effect else {
            return self.inner.perform(prepared).await;
        };
        let get = Effect::Get { target: target.clone() };
        let read = match self.planned(&target.reference()) {
            Some(planned) => planned,
            None => match self.inner.prepare(&prepared.step, &get).await {
                Ok(get) => self.read(&get, &target.reference()).await?,
                Err(Fault::Error(error)) if error.is_absence() => None,
                Err(fault) => return Err(fault),
            },
        };
        match read {
            None if *until == Predicate::Deleted => Ok(Reply::Waited(Waited::Deleted)),
            Some(object) if until.holds(&object) => Ok(Reply::Waited(Waited::Met(object))),
            Some(_) | None => Err(Halt::Planned.into()),
        }
    }

    fn overlay(&self, mut page: Page, query: &Query) -> Result<Page, Fault> {
        let planned = self.planned.lock();
        let (labels, fields) = (LabelSelector::parse(&query.labels)?, FieldSelector::parse(&query.fields)?);
        let mut items = Vec::with_capacity(page.items.len());
        for item in page.items {
            match ObjectRef::of(&item).and_then(|reference| planned.get(&reference)) {
                None => items.push(item),
                Some(Some(object)) => items.push(object.clone()),
                Some(None) => {}
            }
        }
        if query.next.is_none() {
            let known: Vec<_> = items.iter().filter_map(|item| ObjectRef::of(item)).collect();
            let added = planned.iter().filter_map(|(reference, object)| {
                let here = reference.kind == query.kind
                    && (query.namespace.is_none() || query.namespace == reference.namespace)
                    && !known.contains(reference);
                object.clone().filter(|_| here)
            });
            items.extend(added);
        }
        items.retain(|item| labels.matches(item) && fields.matches(item));
        if query.metadata_only {
            items = items.into_iter().map(metadata_only).collect();
        }
        page.items = items;
        Ok(page)
    }
}

fn metadata_only(item: Object) -> Object {
    let part = |field: &str| item.get(field).cloned().unwrap_or(Value::Null);
    Arc::new(json!({"apiVersion": part("apiVersion"), "kind": part("kind"), "metadata": part("metadata")}))
}

fn as_planned(step: &Step, effect: &Effect, before: Option<Object>) -> Prepared {
    Prepared { dry_run: true, before, ..Prepared::new(step.clone(), effect.clone()) }
}

#[async_trait]
impl<H: EffectHandler> EffectHandler for Observe<H> {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        match effect {
            Effect::Mutate { mutation, .. } => {
                if let Some(current) = self.planned(&mutation.reference()) {
                    self.is_plannable(mutation, current.as_ref())?;
                    return Ok(as_planned(step, effect, current));
                }
                let prepared = self.inner.prepare(step, effect).await?;
                Ok(Prepared { dry_run: true, ..prepared })
            }
            Effect::Get { target } if self.planned(&target.reference()).is_some() => {
                Ok(as_planned(step, effect, None))
            }
            Effect::Get { .. }
            | Effect::List(_)
            | Effect::Settle { .. }
            | Effect::Wait { .. }
            | Effect::Logs { .. }
            | Effect::Exclusive { .. }
            | Effect::Query { .. }
            | Effect::QueryRange { .. }
            | Effect::Alerts
            | Effect::Now
            | Effect::Sleep { .. }
            | Effect::Log { .. }
            | Effect::Step { .. } => self.inner.prepare(step, effect).await,
        }
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        match &prepared.effect {
            Effect::Mutate { mutation, .. } => self.mutate(prepared, mutation).await,
            Effect::Get { target } => match self.planned(&target.reference()) {
                None => self.inner.perform(prepared).await,
                Some(Some(object)) => Ok(Reply::Object(object)),
                Some(None) => {
                    let message = format!("{} is deleted in the plan", target.reference());
                    Err(Error::new(Reason::NOT_FOUND, message).into())
                }
            },
            Effect::List(query) if self.has_plan() => {
                let reply = self.inner.perform(prepared).await?;
                let Reply::Page(page) = reply else { return Ok(reply) };
                Ok(Reply::Page(self.overlay(page, query)?))
            }
            Effect::Wait { .. } if self.has_plan() => self.wait(prepared).await,
            // Nothing of these changes anything; the guard lets no other come here.
            Effect::List(_)
            | Effect::Settle { .. }
            | Effect::Wait { .. }
            | Effect::Logs { .. }
            | Effect::Exclusive { .. }
            | Effect::Query { .. }
            | Effect::QueryRange { .. }
            | Effect::Alerts
            | Effect::Now
            | Effect::Sleep { .. }
            | Effect::Log { .. }
            | Effect::Step { .. } => self.inner.perform(prepared).await,
        }
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        // Nothing was performed, so there is nothing that could have happened.
        if prepared.dry_run { Ok(Resolution::NotDone) } else { self.inner.resolve(prepared).await }
    }
}
