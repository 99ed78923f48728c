//! Changes, and how they are taken back.

use std::marker::PhantomData;

use serde_json::{Value, json};

use super::reference::{kind, read};
use super::{ObjectName, Propagation, Resource};
use crate::host::{self, ApplyOp, CreateOp, Mutated, Mutation, Target};
use crate::{Error, Result};

/// A change that has not been made yet: [`send`](Self::send) makes it.
#[must_use = "nothing happens before `send`"]
pub struct Change<T> {
    mutation: Mutation,
    kind: PhantomData<T>,
}

impl<T: Resource> Change<T> {
    pub(super) fn new(mutation: Mutation) -> Self {
        Self { mutation, kind: PhantomData }
    }

    pub(super) fn create(namespace: Option<&str>, mut object: Value) -> Self {
        fill::<T>(&mut object);
        Self::new(Mutation::Create(CreateOp {
            kind: kind::<T>(),
            namespace: namespace.map(str::to_owned),
            object: object.to_string(),
            subresource: None,
        }))
    }

    pub(super) fn apply(target: Target, mut object: Value) -> Self {
        fill::<T>(&mut object);
        object["metadata"]["name"] = json!(target.name);
        Self::new(Mutation::Apply(ApplyOp { target, object: object.to_string(), force: false }))
    }

    /// Only if the object is still at this version; otherwise the error is `Conflict`.
    /// Does nothing to a create or an apply, which name no version.
    pub fn at_version(mut self, version: &str) -> Self {
        match &mut self.mutation {
            Mutation::Patch(patch) => patch.resource_version = Some(version.to_owned()),
            Mutation::Delete(delete) => delete.resource_version = Some(version.to_owned()),
            Mutation::Create(_) | Mutation::Apply(_) => {}
        }
        self
    }

    /// Of an apply: take fields that another manager owns.
    pub fn force(mut self) -> Self {
        if let Mutation::Apply(apply) = &mut self.mutation {
            apply.force = true;
        }
        self
    }

    /// Of a delete: what becomes of the objects that this one owns. In the background,
    /// where it is not said.
    pub fn propagation(mut self, propagation: Propagation) -> Self {
        if let Mutation::Delete(delete) = &mut self.mutation {
            delete.propagation = propagation;
        }
        self
    }

    /// Arm a change that takes this one back. The host makes it at the end of the run,
    /// however the run ends, unless it was settled before.
    pub fn undo<U: Resource>(self, undo: Change<U>) -> Undoable<T> {
        Undoable { change: self, undo: undo.mutation }
    }

    /// Which object it is about.
    pub fn object(&self) -> ObjectName {
        (&self.mutation).into()
    }

    /// Make the change, for good.
    ///
    /// # Errors
    /// What the host says; then the change was not made, unless the reason is `Unknown`.
    pub fn send(self) -> Result<T> {
        let Mutated { object, .. } = host::call(|host| host.mutate(&self.mutation, None))
            .map_err(|error| Error::from(error).about(self.object()))?;
        read(&object, || self.object())
    }
}

fn fill<T: Resource>(object: &mut Value) {
    object["apiVersion"] = json!(T::API_VERSION);
    object["kind"] = json!(T::KIND);
}

/// A change with what takes it back.
#[must_use = "nothing happens before `send`"]
pub struct Undoable<T> {
    change: Change<T>,
    undo: Mutation,
}

impl<T: Resource> Undoable<T> {
    /// Make the change. From now on the host sees to it that it is taken back.
    ///
    /// # Errors
    /// As [`Change::send`].
    pub fn send(self) -> Result<Undo<T>> {
        let Self { change, undo } = self;
        let Mutated { step, object } = host::call(|host| host.mutate(&change.mutation, Some(&undo)))
            .map_err(|error| Error::from(error).about(change.object()))?;
        Ok(Undo { step, object: read(&object, || change.object())? })
    }
}

/// A change that was made and will be taken back at the end of the run: earlier with
/// [`undo`](Self::undo), never with [`keep`](Self::keep). Dropping it leaves that to the
/// host.
#[derive(Debug)]
#[must_use = "the change is taken back at the end of the run; say `keep` or `undo`, or `drop` it on purpose"]
pub struct Undo<T> {
    step: String,
    /// The object after the change.
    pub object: T,
}

impl<T: Resource> Undo<T> {
    /// Take the change back now.
    ///
    /// # Errors
    /// What the host says. It tries again at the end of the run.
    pub fn undo(self) -> Result<()> {
        self.settle(true)
    }

    /// The change is to stay.
    ///
    /// # Errors
    /// What the host says.
    pub fn keep(self) -> Result<()> {
        self.settle(false)
    }

    fn settle(self, run_undo: bool) -> Result<()> {
        host::call(|host| host.settle(&self.step, run_undo))
            .map_err(|error| Error::from(error).about(ObjectName::of(&self.object)))
    }
}
