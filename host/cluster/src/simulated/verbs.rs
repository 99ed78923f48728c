//! How the API server changes and deletes objects.

use std::sync::Arc;

use serde_json::{Value, json};
use suture_core::clock::{Timestamp, kubernetes_time};
use suture_core::effect::{Apply, Delete, Mutation, Patch, Propagation, Target};
use suture_core::object::{self, Object};
use suture_core::{Error, ObjectRef, Reason, patch};

use super::kinds::KindInfo;
use super::rules;
use super::store::{Change, Store, namespace_kind};
use crate::fixture::ChangeVerb;

impl Store {
    /// Perform a mutation, and all that follows from it at once. The change itself is
    /// returned; it and its consequences are in [`changes`](Self::changes).
    pub fn mutate(&mut self, mutation: &Mutation, at: Timestamp) -> Result<Change, Error> {
        let change = match mutation {
            Mutation::Create(create) => self.create(create, at)?,
            Mutation::Patch(patch) => self.patch(patch)?,
            Mutation::Delete(delete) => self.delete(delete, at)?,
            Mutation::Apply(apply) => return Err(cannot_apply(apply)),
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
    fn patch(&mut self, change: &Patch) -> Result<Change, Error> {
        let reference = change.target.reference();
        let (info, before) = self.targeted(&change.target, change.resource_version.as_deref())?;
        let part = info.part(change.target.subresource.as_deref())?;
        let mut wanted = patch::apply(&before, change)?;
        rules::protect(&before, &mut wanted, &reference)?;
        match part {
            Part::Status => {
                let status = wanted.get("status").cloned();
                wanted = Value::clone(&before);
                rules::set_top(&mut wanted, "status", status);
            }
            Part::Object if info.status => {
                rules::set_top(&mut wanted, "status", before.get("status").cloned());
            }
            Part::Object => {}
        }
        Ok(self.replace(reference, &before, wanted, &info, change.target.subresource.clone()))
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
        if delete.propagation == Propagation::Orphan
            && let Some(uid) = object::uid(&before)
        {
            self.orphan_dependents(uid);
        }
        let finalizer = (delete.propagation == Propagation::Foreground).then_some(super::garbage::FOREGROUND);
        Ok(self.begin_delete(&reference, &before, finalizer, at))
    }

    /// Delete an object: it goes, or terminates while finalizers hold it.
    pub fn begin_delete(
        &mut self,
        reference: &ObjectRef,
        before: &Object,
        finalizer: Option<&str>,
        at: Timestamp,
    ) -> Change {
        let verb = ChangeVerb::Delete;
        if object::is_terminating(before) {
            let (reference, object) = (reference.clone(), Some(before.clone()));
            let (after, shown) = (object.clone(), before.clone());
            return Change { verb, reference, subresource: None, before: object, after, shown };
        }
        if !rules::has_finalizers(before) && finalizer.is_none() && !is_namespace(reference) {
            self.remove(reference);
            let shown = before.clone();
            return self.record(verb, reference.clone(), None, Some(before.clone()), None, shown);
        }
        let mut value = Value::clone(before);
        if let Some(finalizer) = finalizer {
            let mut all = rules::finalizers(before);
            all.push(finalizer);
            rules::set(&mut value, "finalizers", Some(json!(all)));
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

/// Server-side apply needs the owner of every field, which nothing here keeps.
pub fn cannot_apply(apply: &Apply) -> Error {
    let message = format!(
        "the simulated cluster can't do server-side apply (of {}); patch the object instead",
        apply.target.reference()
    );
    Error::new(Reason::UNSUPPORTED, message)
}

/// What a patch reaches.
pub enum Part {
    /// The object, without its status where that is a subresource.
    Object,
    /// The status alone.
    Status,
}

impl KindInfo {
    /// What a subresource of this kind is.
    pub fn part(&self, subresource: Option<&str>) -> Result<Part, Error> {
        match subresource {
            None => Ok(Part::Object),
            Some("status") if self.status => Ok(Part::Status),
            Some("status") => {
                let message = format!("`{}` have no subresource `status`", self.plural);
                Err(Error::new(Reason::NOT_FOUND, message))
            }
            Some(other) => {
                let message = format!("the simulated cluster has no `{}/{other}`", self.plural);
                Err(Error::new(Reason::UNSUPPORTED, message))
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
