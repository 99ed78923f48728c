//! How the API server applies objects.

use std::sync::Arc;

use serde_json::{Value, json};
use suture_core::clock::Timestamp;
use suture_core::effect::{Apply, Create};
use suture_core::object::{self, Object};
use suture_core::{Error, ObjectRef, Reason};

use super::kinds::KindInfo;
use super::ownership::Ownership;
use super::store::{Change, Store};
use super::verbs::Part;
use super::{identity, rules};
use crate::fixture::ChangeVerb;

impl Store {
    /// Apply an object under a field manager.
    pub fn apply(&mut self, apply: &Apply, manager: &str, at: Timestamp) -> Result<Change, Error> {
        let reference = apply.target.reference();
        let info = self.checked_info(&reference)?;
        let part = info.part(apply.target.subresource.as_deref())?;
        let config = configured(apply, &reference, self.find(&reference).is_some())?;
        self.check_applied(&reference, &info.plural, &config)?;
        let config = part_of(config, &part, &info)?;
        let Some(live) = self.find(&reference) else {
            return self.apply_new(apply, reference, config, manager, &info, at);
        };
        if apply.target.uid.is_some() && apply.target.uid.as_deref() != object::uid(&live) {
            return Err(rules::replaced(&reference));
        }
        let applier = (manager.to_owned(), apply.target.subresource.clone());
        let shape = self.shape(&reference.kind, &info.plural);
        let known = self.managed.get(&reference).cloned();
        let mut ownership = known.clone().unwrap_or_else(|| Ownership::of(shape, &live));
        let mut wanted =
            ownership.apply(shape, &live, &applier, &config, apply.force).map_err(|conflicts| {
                Error::new(Reason::CONFLICT, format!("{reference}: {}", conflicts.message()))
            })?;
        rules::protect(&live, &mut wanted, &reference)?;
        self.complete(&reference, &info.plural, Some(&live), &mut wanted)?;
        // What replaces the object is no write of somebody else.
        Arc::make_mut(&mut self.managed).remove(&reference);
        let is_same = wanted == *live && known.as_ref() == Some(&ownership);
        let change = if wanted == *live && !is_same {
            let shown = self.put(reference.clone(), wanted);
            let (before, after) = (Some(live), Some(shown.clone()));
            self.record(ChangeVerb::Patch, reference.clone(), applier.1, before, after, shown)
        } else {
            self.replace(reference.clone(), &live, wanted, &info, applier.1)
        };
        if change.after.is_some() {
            Arc::make_mut(&mut self.managed).insert(reference, ownership);
        }
        Ok(change)
    }

    /// Apply an object that is not there: make it.
    fn apply_new(
        &mut self,
        apply: &Apply,
        reference: ObjectRef,
        mut config: Value,
        manager: &str,
        info: &KindInfo,
        at: Timestamp,
    ) -> Result<Change, Error> {
        if apply.target.subresource.is_some() {
            return Err(rules::not_found(&reference));
        }
        if apply.target.uid.is_some() {
            let message =
                format!("{reference} is gone: it can't be the object with the uid that was asked for");
            return Err(Error::new(Reason::CONFLICT, message));
        }
        rules::set(&mut config, "resourceVersion", None);
        let create = Create {
            kind: reference.kind.clone(),
            namespace: reference.namespace.clone(),
            object: config.clone(),
            subresource: None,
        };
        let change = self.create(&create, at)?;
        let shape = self.shape(&reference.kind, &info.plural);
        let mut ownership = Ownership::default();
        let applier = (manager.to_owned(), None);
        // Nobody else owns anything, so nothing can conflict.
        let _ = ownership.apply(shape, &json!({}), &applier, &config, true);
        Arc::make_mut(&mut self.managed).insert(reference, ownership);
        Ok(change)
    }

    /// Keep in mind who wrote a change that was no apply.
    pub fn note_write(&mut self, reference: &ObjectRef, info: &KindInfo, before: &Object, after: &Value) {
        if self.managed.is_empty() {
            return;
        }
        let Some(mut ownership) = self.managed.get(reference).cloned() else { return };
        ownership.write(self.shape(&reference.kind, &info.plural), before, after);
        Arc::make_mut(&mut self.managed).insert(reference.clone(), ownership);
    }
}

/// What an apply says, if it is about the object that the request names.
fn configured(apply: &Apply, reference: &ObjectRef, is_there: bool) -> Result<Value, Error> {
    let mut config = apply.object.clone();
    identity::of_applied(&mut config, reference, is_there)?;
    if config.pointer("/metadata/managedFields").is_some() {
        let message = "`metadata.managedFields` must not be set in what is applied";
        return Err(Error::new(Reason::BAD_REQUEST, message));
    }
    Ok(config)
}

/// The part of what is applied that the request reaches.
fn part_of(mut config: Value, part: &Part, info: &KindInfo) -> Result<Value, Error> {
    match part {
        Part::Object if info.status => rules::set_top(&mut config, "status", None),
        Part::Object => {}
        Part::Status => {
            if let Some(fields) = config.as_object_mut() {
                fields
                    .retain(|name, _| ["apiVersion", "kind", "metadata", "status"].contains(&name.as_str()));
            }
            if let Some(metadata) = config.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.retain(|name, _| ["name", "namespace", "resourceVersion"].contains(&name.as_str()));
            }
        }
        Part::Scale => {
            let message = format!("the simulated cluster can't apply `{}/scale`; patch it", info.plural);
            return Err(Error::new(Reason::UNSUPPORTED, message));
        }
    }
    Ok(config)
}
