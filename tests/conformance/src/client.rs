//! Whoever works on the cluster: the policy under test, or somebody else.

use std::sync::Arc;

use serde_json::{Value, json};
use suture_core::effect::{
    Apply, Create, Delete, Page, Patch, PatchType, Predicate, Propagation, Query, Target, Waited,
};
use suture_core::handler::Resource;
use suture_core::object::{Kind, Object, redact};
use suture_core::{Effect, Error, Fault, Mutation, Prepared, Reason, Reply, Resolution};

use crate::bench::{Bench, Cluster, kind_of};

/// Whoever performs effects, under a field manager.
pub struct Client<'a> {
    bench: &'a Bench,
    cluster: Arc<dyn Cluster>,
    manager: &'static str,
}

impl<'a> Client<'a> {
    pub(crate) fn new(bench: &'a Bench, cluster: Arc<dyn Cluster>, manager: &'static str) -> Self {
        Self { bench, cluster, manager }
    }

    /// Make an effect one definite act.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn prepare(&self, effect: Effect) -> Result<Prepared, Error> {
        let prepared = self.cluster.prepare(&self.bench.step(), &effect).await.map_err(error)?;
        Ok(Prepared { manager: self.manager.to_owned(), ..prepared })
    }

    /// Do what was prepared.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn perform(&self, prepared: &Prepared) -> Result<Reply, Error> {
        self.cluster.perform(prepared).await.map_err(error)
    }

    /// Do something, in the steps in which the engine does it.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn effect(&self, effect: Effect) -> Result<Reply, Error> {
        let prepared = self.prepare(effect).await?;
        self.perform(&prepared).await
    }

    /// Find out whether what was prepared was done.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Error> {
        self.cluster.resolve(prepared).await.map_err(error)
    }

    /// How the cluster names a kind.
    ///
    /// # Errors
    /// `NotServed` where it does not serve it.
    pub async fn resource(&self, kind: &str) -> Result<Resource, Error> {
        self.cluster.resource(&kind_of(kind)).await
    }

    /// Read an object.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn get(&self, target: &Target) -> Result<Object, Error> {
        match self.effect(Effect::Get { target: target.clone() }).await? {
            Reply::Object(object) => Ok(redact(object)),
            other => Err(odd(&other)),
        }
    }

    /// Whether an object is there. What can't be told counts as there.
    pub async fn exists(&self, target: &Target) -> bool {
        !self.get(target).await.is_err_and(|error| error.reason == Reason::NOT_FOUND)
    }

    /// Read a page of objects.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn list(&self, query: Query) -> Result<Page, Error> {
        match self.effect(Effect::List(query)).await? {
            Reply::Page(page) => Ok(page),
            other => Err(odd(&other)),
        }
    }

    /// Change the cluster, or ask what that would bring.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn mutate(&self, mutation: Mutation, dry_run: bool) -> Result<Object, Error> {
        let prepared = self.prepare(Effect::Mutate { mutation, undo: None }).await?;
        match self.perform(&Prepared { dry_run, ..prepared }).await? {
            Reply::Mutated(object) => Ok(redact(object)),
            other => Err(odd(&other)),
        }
    }

    /// Make an object in the case's namespace. `metadata` is where its name is.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn create(&self, kind: &str, object: Value) -> Result<Object, Error> {
        self.mutate(Mutation::Create(self.creation(kind, object)), false).await
    }

    /// The making of an object in the case's namespace.
    pub fn creation(&self, kind: &str, object: Value) -> Create {
        let namespace = Some(self.bench.namespace().to_owned());
        Create { kind: kind_of(kind), namespace, object, subresource: None }
    }

    /// A merge patch.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn merge(&self, target: &Target, body: Value) -> Result<Object, Error> {
        self.mutate(Mutation::Patch(patch(target, PatchType::Merge, body)), false).await
    }

    /// A JSON patch.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn json(&self, target: &Target, body: Value) -> Result<Object, Error> {
        self.mutate(Mutation::Patch(patch(target, PatchType::Json, body)), false).await
    }

    /// Apply an object. Its kind and name are filled in from the target.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn apply(&self, target: &Target, fields: Value) -> Result<Object, Error> {
        self.mutate(Mutation::Apply(apply(target, fields, false)), false).await
    }

    /// The same, and take what others own.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn force(&self, target: &Target, fields: Value) -> Result<Object, Error> {
        self.mutate(Mutation::Apply(apply(target, fields, true)), false).await
    }

    /// Delete an object.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn delete(&self, target: &Target, propagation: Propagation) -> Result<Object, Error> {
        let delete = Delete { propagation, ..Delete::of(target.clone()) };
        self.mutate(Mutation::Delete(delete), false).await
    }

    /// Wait until an object is as described.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn wait(&self, target: &Target, until: Predicate, timeout_ms: u64) -> Result<Waited, Error> {
        let effect = Effect::Wait { target: target.clone(), until, timeout_ms };
        match self.effect(effect).await? {
            Reply::Waited(waited) => Ok(waited),
            other => Err(odd(&other)),
        }
    }

    /// Read the log of a pod.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn logs(&self, pod: &Target, container: &str) -> Result<String, Error> {
        let (pod, container) = (pod.clone(), container.to_owned());
        match self.effect(Effect::Logs { pod, container, tail_lines: 0, limit_bytes: 0 }).await? {
            Reply::Logs(text) => Ok(text),
            other => Err(odd(&other)),
        }
    }
}

/// A patch that is pinned to no version.
pub(crate) fn patch(target: &Target, patch_type: PatchType, body: Value) -> Patch {
    Patch { target: target.clone(), patch_type, body, resource_version: None }
}

/// Fields to apply, with the kind and the name of the target where they don't say.
pub(crate) fn apply(target: &Target, mut fields: Value, force: bool) -> Apply {
    let Kind { api_version, kind } = target.kind.clone();
    if let Some(top) = fields.as_object_mut() {
        top.entry("apiVersion").or_insert_with(|| api_version.into());
        top.entry("kind").or_insert_with(|| kind.into());
        let metadata = top.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.entry("name").or_insert_with(|| target.name.clone().into());
        }
    }
    Apply { target: target.clone(), object: fields, force }
}

fn error(fault: Fault) -> Error {
    match fault {
        Fault::Error(error) => error,
        Fault::Halt(halt) => Error::new(Reason::other("Halt"), halt.to_string()),
    }
}

fn odd(reply: &Reply) -> Error {
    Error::new(Reason::other("OddReply"), format!("this is no answer to what was asked: {reply:?}"))
}
