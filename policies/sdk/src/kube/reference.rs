//! One object, by name.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Change, ObjectName, Propagation, Resource, Waited};
use crate::host::{self, DeleteOp, Host, Kind, Mutation, PatchOp, PatchType, Predicate, Target};
use crate::{Duration, Error, Result};

/// One object of a kind, by name. Nothing is read or changed before a method says so.
pub struct Ref<T> {
    pub(super) target: Target,
    kind: PhantomData<T>,
}

/// The object that was read: with its uid, so never another of the same name.
pub fn of<T: Resource>(object: &T) -> Ref<T> {
    let metadata = object.metadata();
    let uid = Some(metadata.uid.clone()).filter(|uid| !uid.is_empty());
    Ref { target: target::<T>(metadata.namespace.clone(), metadata.name.clone(), uid), kind: PhantomData }
}

fn target<T: Resource>(namespace: Option<String>, name: String, uid: Option<String>) -> Target {
    Target { kind: kind::<T>(), namespace, name, uid, subresource: None }
}

pub(super) fn kind<T: Resource>() -> Kind {
    Kind { api_version: T::API_VERSION.to_owned(), kind: T::KIND.to_owned() }
}

impl<T: Resource> Ref<T> {
    /// An object in a namespace.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { target: target::<T>(Some(namespace.to_owned()), name.to_owned(), None), kind: PhantomData }
    }

    /// An object of a kind that has no namespaces.
    pub fn cluster(name: &str) -> Self {
        Self { target: target::<T>(None, name.to_owned(), None), kind: PhantomData }
    }

    /// A subresource of it: `status`, `scale`.
    #[must_use]
    pub fn subresource(mut self, name: &str) -> Self {
        self.target.subresource = Some(name.to_owned());
        self
    }

    /// Read it.
    ///
    /// # Errors
    /// `NotFound` where it is not there; what the host says.
    pub fn get(&self) -> Result<T> {
        read(&self.ask(|host| host.get(&self.target))?, || self.object())
    }

    /// Read it, if it is there.
    ///
    /// # Errors
    /// As [`get`](Self::get), but for `NotFound`.
    pub fn find(&self) -> Result<Option<T>> {
        match self.get() {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Change it by a JSON merge patch (RFC 7386).
    pub fn merge_patch(&self, body: Value) -> Change<T> {
        self.patch(PatchType::Merge, &body)
    }

    /// Change it by a JSON patch (RFC 6902), written with [`op`](super::op).
    pub fn json_patch<const N: usize>(&self, operations: [Value; N]) -> Change<T> {
        self.patch(PatchType::Json, &Value::Array(operations.into()))
    }

    fn patch(&self, patch_type: PatchType, body: &Value) -> Change<T> {
        Change::new(Mutation::Patch(PatchOp {
            target: self.target.clone(),
            type_: patch_type,
            body: body.to_string(),
            resource_version: None,
        }))
    }

    /// Server-side apply: own these fields. `apiVersion`, `kind` and name are filled in.
    pub fn apply(&self, object: Value) -> Change<T> {
        Change::apply(self.target.clone(), object)
    }

    /// Delete it. It may live on, terminating, while it has finalizers: wait for
    /// [`deleted`](super::deleted) to know.
    pub fn delete(&self) -> Change<T> {
        Change::new(Mutation::Delete(DeleteOp {
            target: self.target.clone(),
            propagation: Propagation::Background,
            resource_version: None,
        }))
    }

    /// Wait until it is as described, or gone, or the time is up.
    ///
    /// # Errors
    /// What the host says; that the time is up is no error.
    pub fn wait(&self, until: impl Into<Predicate>, timeout: Duration) -> Result<Waited<T>> {
        let until = until.into();
        let waited = self.ask(|host| host.wait(&self.target, &until, timeout.as_millis()))?;
        Ok(match waited {
            host::Waited::Met(object) => Waited::Met(read(&object, || self.object())?),
            host::Waited::Deleted => Waited::Deleted,
            host::Waited::Timeout => Waited::Timeout,
        })
    }
}

/// An object from its JSON. `null` is what is not there, also where a type has no place for it.
pub(super) fn read<T: DeserializeOwned>(json: &str, which: impl FnOnce() -> ObjectName) -> Result<T> {
    serde_json::from_str(json).or_else(|error| {
        let without = serde_json::from_str(json).and_then(|mut object| {
            drop_nulls(&mut object);
            serde_json::from_value(object)
        });
        without.map_err(|_| Error::unreadable(which(), &error))
    })
}

/// As the API server reads it: a field that is null is not there, and an item of a list that is null
/// is an empty one.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => {
            for item in items {
                if item.is_null() {
                    *item = Value::Object(serde_json::Map::new());
                }
                drop_nulls(item);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl<T> Ref<T> {
    /// Which object that is.
    pub fn object(&self) -> ObjectName {
        (&self.target).into()
    }

    /// Ask the host for something of this object.
    pub(super) fn ask<A>(&self, ask: impl FnOnce(&dyn Host) -> Result<A, host::Error>) -> Result<A> {
        host::call(ask).map_err(|error| Error::from(error).about(self.object()))
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        Self { target: self.target.clone(), kind: PhantomData }
    }
}

impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> fmt::Display for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.object(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::Job;

    #[test]
    fn what_is_null_is_not_there() {
        let job = |json: &str| read::<Job>(json, || Ref::<Job>::new("media", "a").object());
        let read = job(r#"{"metadata": {"name": "a", "labels": null, "finalizers": null}, "spec": null,
            "status": {"conditions": [null, {"type": "Failed", "status": "True", "message": null}], "active": null}}"#);
        let read = read.unwrap();
        assert!(read.failure().is_some() && read.metadata.finalizers.is_empty());
        assert_eq!(read.status.conditions.len(), 2);
        let error = job(r#"{"status": {"active": "many"}}"#).unwrap_err();
        assert!(
            error.reason == crate::reason::UNREADABLE && error.to_string().contains("Job media/a"),
            "{error}"
        );
    }
}
