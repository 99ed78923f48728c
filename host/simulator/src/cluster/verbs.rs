//! How the API server changes and deletes objects.

use std::sync::Arc;

use serde_json::{Value, json};
use suture_core::clock::{Timestamp, kubernetes_time};
use suture_core::effect::{Delete, Mutation, Patch, Propagation, Target};
use suture_core::names::shortened;
use suture_core::object::{self, Object};
use suture_core::{Error, ObjectRef, Reason, patch};

use super::garbage::{FOREGROUND, ORPHAN};
use super::kinds::KindInfo;
use super::store::{Change, Store, namespace_kind};
use super::{builtin, defaults, identity, managers, rules, scale};
use crate::fixture::ChangeVerb;

impl Store {
    /// Perform a mutation under a field manager, and all that follows from it at once. The
    /// change itself is returned; it and its consequences are in
    /// [`changes`](Self::changes).
    pub fn mutate(&mut self, mutation: &Mutation, manager: &str, at: Timestamp) -> Result<Change, Error> {
        let change = match mutation {
            Mutation::Create(create) => self.create(create, at)?,
            Mutation::Patch(patch) => self.patch(patch, manager)?,
            Mutation::Delete(delete) => self.delete(delete, at)?,
            Mutation::Apply(apply) => self.apply(apply, manager, at)?,
        };
        self.collect(at);
        Ok(change)
    }

    /// The object that a target names, at the uid and version that are asked for.
    fn targeted(&self, target: &Target, version: Option<&str>) -> Result<(KindInfo, Object), Error> {
        let reference = target.reference();
        let info = self.checked_info(&reference)?;
        let current = self.get(&reference)?;
        if target.uid.is_some() && target.uid.as_deref() != object::uid(&current) {
            return Err(rules::replaced(&reference));
        }
        if version.is_some() && version != object::resource_version(&current) {
            return Err(rules::moved_on(&reference));
        }
        Ok((info, current))
    }

    /// Change an object.
    fn patch(&mut self, change: &Patch, manager: &str) -> Result<Change, Error> {
        let reference = change.target.reference();
        let (info, before) = self.targeted(&change.target, change.resource_version.as_deref())?;
        let part = info.part(change.target.subresource.as_deref())?;
        if matches!(part, Part::Scale) {
            return self.rescale(change, reference, &before, &info);
        }
        let mut wanted = patch::apply(&before, change)?;
        identity::of_patched(&mut wanted, &reference)?;
        rules::protect(&before, &mut wanted, &reference)?;
        self.check_changed(&reference, &info.plural, &before, &wanted)?;
        defaults::fill(&reference.kind, &mut wanted);
        match part {
            Part::Status => {
                let status = wanted.get("status").cloned();
                wanted = Value::clone(&before);
                rules::set_top(&mut wanted, "status", status);
            }
            Part::Object if info.status => {
                rules::set_top(&mut wanted, "status", before.get("status").cloned());
            }
            Part::Object | Part::Scale => {}
        }
        self.complete(&reference, &info.plural, Some(&before), &mut wanted)?;
        let shape = self.shape(&reference.kind, &info.plural);
        managers::note(shape, &before, &mut wanted, manager, change.target.subresource.as_deref());
        Ok(self.replace(reference, &before, wanted, &info, change.target.subresource.clone()))
    }

    /// Change the scale of an object.
    fn rescale(
        &mut self,
        change: &Patch,
        reference: ObjectRef,
        before: &Object,
        info: &KindInfo,
    ) -> Result<Change, Error> {
        let replicas = scale::replicas(&patch::apply(&scale::of(before), change)?, &reference)?;
        let mut wanted = Value::clone(before);
        match wanted.get_mut("spec").and_then(Value::as_object_mut) {
            Some(spec) => _ = spec.insert("replicas".to_owned(), replicas),
            None => rules::set_top(&mut wanted, "spec", Some(json!({"replicas": replicas}))),
        }
        let change = self.replace(reference, before, wanted, info, change.target.subresource.clone());
        let shown = scale::of(&change.shown);
        Ok(Change { shown, ..change })
    }

    /// Put a changed object in the place of what it was: nothing where it is the same,
    /// and gone where it was terminating and nothing holds it any more.
    pub fn replace(
        &mut self,
        reference: ObjectRef,
        before: &Object,
        mut wanted: Value,
        info: &KindInfo,
        subresource: Option<String>,
    ) -> Change {
        if wanted == **before {
            let object = Some(before.clone());
            return Change {
                verb: ChangeVerb::Patch,
                reference,
                subresource,
                before: object.clone(),
                after: object,
                shown: before.clone(),
            };
        }
        if info.generation && spec_of(before, info) != spec_of(&wanted, info) {
            let generation = before.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
            rules::set(&mut wanted, "generation", Some((generation + 1).into()));
        }
        self.note_write(&reference, info, before, &wanted);
        let shown = self.put(reference.clone(), wanted);
        let stays =
            !object::is_terminating(&shown) || rules::has_finalizers(&shown) || is_namespace(&reference);
        if !stays {
            self.remove(&reference);
        }
        let after = stays.then(|| shown.clone());
        self.record(ChangeVerb::Patch, reference, subresource, Some(before.clone()), after, shown)
    }

    /// Delete an object.
    fn delete(&mut self, delete: &Delete, at: Timestamp) -> Result<Change, Error> {
        let reference = delete.target.reference();
        let (info, before) = self.targeted(&delete.target, delete.resource_version.as_deref())?;
        if let Some(subresource) = &delete.target.subresource {
            let message = format!("`{}/{subresource}` can't be deleted", info.plural);
            return Err(Error::new(Reason::METHOD_NOT_ALLOWED, message));
        }
        let collectors = [FOREGROUND, ORPHAN];
        let is_collectors = |finalizer: &&str| collectors.contains(finalizer);
        if delete.propagation == Propagation::Background
            && delete.resource_version.is_some()
            && rules::has_finalizers(&before)
            && rules::finalizers(&before).iter().all(is_collectors)
        {
            // kube-apiserver takes the finalizer away, which makes a new version, and then
            // compares that with the one that was asked for.
            return Err(rules::moved_on(&reference));
        }
        Ok(self.begin_delete(&reference, &before, delete.propagation, at))
    }

    /// Delete an object: it goes, or terminates while finalizers hold it. What becomes of
    /// its dependents is said by a finalizer too, and can be said anew while it terminates.
    pub fn begin_delete(
        &mut self,
        reference: &ObjectRef,
        before: &Object,
        propagation: Propagation,
        at: Timestamp,
    ) -> Change {
        let verb = ChangeVerb::Delete;
        let is_own = |finalizer: &&str| *finalizer != FOREGROUND && *finalizer != ORPHAN;
        let mut finalizers: Vec<&str> = rules::finalizers(before).into_iter().filter(is_own).collect();
        match propagation {
            Propagation::Background => {}
            Propagation::Foreground => finalizers.push(FOREGROUND),
            Propagation::Orphan => finalizers.push(ORPHAN),
        }
        if object::is_terminating(before) && finalizers == rules::finalizers(before) {
            let (reference, object) = (reference.clone(), Some(before.clone()));
            let (after, shown) = (object.clone(), before.clone());
            return Change { verb, reference, subresource: None, before: object, after, shown };
        }
        if finalizers.is_empty() && !is_namespace(reference) {
            self.remove(reference);
            let shown = before.clone();
            return self.record(verb, reference.clone(), None, Some(before.clone()), None, shown);
        }
        let mut value = Value::clone(before);
        rules::set(&mut value, "finalizers", (!finalizers.is_empty()).then(|| json!(finalizers)));
        if object::is_terminating(before) {
            let object = self.put(reference.clone(), value);
            return self.record(
                verb,
                reference.clone(),
                None,
                Some(before.clone()),
                Some(object.clone()),
                object,
            );
        }
        rules::set(&mut value, "deletionTimestamp", Some(kubernetes_time(at).into()));
        rules::set(&mut value, "deletionGracePeriodSeconds", Some(0.into()));
        if let Some(generation) = before.pointer("/metadata/generation").and_then(Value::as_i64) {
            rules::set(&mut value, "generation", Some((generation + 1).into()));
        }
        if is_namespace(reference) {
            rules::set_top(&mut value, "status", Some(json!({"phase": "Terminating"})));
        }
        let object = self.put(reference.clone(), value);
        self.record(verb, reference.clone(), None, Some(before.clone()), Some(object.clone()), object)
    }

    pub fn record(
        &mut self,
        verb: ChangeVerb,
        reference: ObjectRef,
        subresource: Option<String>,
        before: Option<Object>,
        after: Option<Object>,
        shown: Object,
    ) -> Change {
        let change = Change { verb, reference, subresource, before, after, shown };
        self.changes.push(change.clone());
        change
    }
}

/// What a patch reaches.
pub enum Part {
    /// The object, without its status where that is a subresource.
    Object,
    /// The status alone.
    Status,
    /// The number of replicas.
    Scale,
}

impl KindInfo {
    /// What a subresource of this kind is.
    pub fn part(&self, subresource: Option<&str>) -> Result<Part, Error> {
        match subresource {
            None => Ok(Part::Object),
            Some("status") if self.status => Ok(Part::Status),
            Some("scale") if self.scale => Ok(Part::Scale),
            Some(other) if builtin::has_more(&self.plural, other) => {
                let message = format!("the simulated cluster has no `{}/{other}`", self.plural);
                Err(Error::new(Reason::UNSUPPORTED, message))
            }
            Some(other) => {
                let message = format!("`{}` have no subresource `{}`", self.plural, shortened(other));
                Err(Error::new(Reason::NOT_FOUND, message))
            }
        }
    }
}

fn is_namespace(reference: &ObjectRef) -> bool {
    reference.kind == namespace_kind()
}

/// What `metadata.generation` counts the changes of.
fn spec_of<'a>(object: &'a Value, info: &KindInfo) -> Vec<(&'a String, &'a Value)> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter(|(field, _)| *field != "metadata" && !(info.status && *field == "status")).collect()
}

/// An object's metadata and nothing else.
pub fn metadata_only(object: &Object) -> Object {
    let part = |field: &str| object.get(field).cloned().unwrap_or(Value::Null);
    Arc::new(json!({"apiVersion": part("apiVersion"), "kind": part("kind"), "metadata": part("metadata")}))
}
