//! Changing objects: one definite act, done once.

use std::sync::Arc;

use http::{Method, Request};
use serde_json::{Value, json};
use suture_core::effect::{Apply, Create, Delete, Patch, PatchType, Propagation, Target};
use suture_core::handler::Resolution;
use suture_core::object::{self, Kind, Object};
use suture_core::{Error, Mutation, Prepared, Reason, Reply, Step};

use super::LiveCluster;
use super::path;
use super::wire::NoAnswer;
use crate::{pin, resolve};

/// How many generated names are tried before the last is taken as it is.
const NAMES_TRIED: u32 = 8;
/// The field manager where none is prepared.
const MANAGER: &str = "suture";

impl LiveCluster {
    /// Make a mutation one definite act. What it is to change comes back as it is now.
    pub(super) async fn pin(&self, mutation: &mut Mutation, step: &Step) -> Result<Option<Object>, Error> {
        if let Mutation::Create(create) = mutation {
            self.find(&create.kind).await?;
            let name = self.free_name(create, step).await?;
            pin::create(create, step, name)?;
            return Ok(None);
        }
        let is_apply = matches!(mutation, Mutation::Apply(_));
        let Some(target) = mutation.target_mut() else { return Ok(None) };
        Self::named(target)?;
        // What was asked for stands in the mutation; its uid is compared below.
        let looked_at = as_read(target);
        let current = match self.get(&looked_at).await {
            // It is made.
            Err(error) if is_apply && error.reason == Reason::NOT_FOUND => {
                self.find(&looked_at.kind).await?;
                return Ok(None);
            }
            current => current?,
        };
        pin::change(mutation, &current)?;
        Ok(Some(current))
    }

    /// The first generated name that nobody else's object has.
    async fn free_name(&self, create: &Create, step: &Step) -> Result<Option<String>, Error> {
        let mut last = None;
        for attempt in 0..NAMES_TRIED {
            let Some(name) = pin::generated_name(create, step, attempt) else { return Ok(None) };
            let target = Target {
                kind: create.kind.clone(),
                namespace: create.namespace.clone(),
                name: name.clone(),
                uid: None,
                subresource: None,
            };
            last = Some(name);
            match self.get(&target).await {
                Ok(object) if pin::made_by(&object, step) => break,
                Ok(_) => {}
                // Who may create need not be allowed to read: the names are tried as they are.
                Err(error) if [Reason::NOT_FOUND, Reason::FORBIDDEN].contains(&error.reason) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(last)
    }

    /// Do what was prepared, once. A request whose answer was lost is looked up; what
    /// certainly did not happen is tried again.
    pub(super) async fn change(&self, prepared: &Prepared, mutation: &Mutation) -> Result<Reply, Error> {
        let marked = pin::marked(mutation, &prepared.manager, &prepared.step);
        let request = self.request(&marked, prepared).await?;
        let mut tries = self.wire.tries();
        let mut was_lost = false;
        loop {
            let error = match self.wire.send(request.clone()).await {
                Ok(answer) => match answer.json() {
                    Ok(object) => return Ok(Reply::Mutated(self.shown(mutation, prepared, object))),
                    Err(error) => {
                        was_lost |= is_unclear(&error);
                        error
                    }
                },
                Err(NoAnswer::NotSent(why)) => Error::new(Reason::UNAVAILABLE, why),
                Err(NoAnswer::Lost(error)) => {
                    was_lost = true;
                    error
                }
            };
            if was_lost
                && !prepared.dry_run
                && let Some(reply) = self.found_done(prepared, &error).await?
            {
                return Ok(reply);
            }
            // Pinned as it is, it can't happen twice, however late the first request arrives.
            if !tries.again(&error).await {
                return Err(self.judged(mutation, prepared, error).await);
            }
        }
    }

    /// The reply of a mutation that was done although an error came back; none where it was
    /// not done.
    async fn found_done(&self, prepared: &Prepared, error: &Error) -> Result<Option<Reply>, Error> {
        let unknown = |why: String| Error::new(Reason::UNKNOWN, format!("{why} (it was sent, and: {error})"));
        match self.resolved(prepared).await {
            Ok(Resolution::Done(reply)) => Ok(Some(reply)),
            Ok(Resolution::NotDone) => Ok(None),
            Ok(Resolution::Unknown(why)) => Err(unknown(why)),
            Err(unread) => Err(unknown(format!("whether it was done can't be read: {unread}"))),
        }
    }

    /// Find out whether a mutation was done.
    pub(super) async fn resolved(&self, prepared: &Prepared) -> Result<Resolution, Error> {
        let suture_core::Effect::Mutate { mutation, .. } = &prepared.effect else {
            return Ok(Resolution::NotDone);
        };
        let reference = mutation.reference();
        let target = Target {
            kind: reference.kind,
            namespace: reference.namespace,
            name: reference.name,
            uid: None,
            subresource: None,
        };
        let current = match self.get(&target).await {
            Ok(object) => Some(object),
            Err(error) if error.reason == Reason::NOT_FOUND => None,
            Err(error) => return Err(error),
        };
        Ok(resolve::prepared(prepared, mutation, current))
    }

    /// What the API server calls `Invalid` may be a conflict, and worth another look: a JSON
    /// patch whose leading test of the version fails, an apply to an object that was
    /// replaced.
    async fn judged(&self, mutation: &Mutation, prepared: &Prepared, error: Error) -> Error {
        if error.reason != Reason::INVALID || prepared.before.is_none() {
            return error;
        }
        let (target, version) = match mutation {
            Mutation::Patch(Patch { target, patch_type: PatchType::Json, resource_version, .. }) => {
                (target, resource_version.as_deref())
            }
            Mutation::Apply(Apply { target, .. }) => (target, None),
            _ => return error,
        };
        let Ok(now) = self.get(&as_read(target)).await else { return error };
        let is_replaced = target.uid.is_some() && object::uid(&now) != target.uid.as_deref();
        if !is_replaced && (version.is_none() || object::resource_version(&now) == version) {
            return error;
        }
        let message = format!("{} was changed since it was read; look at it again", target.reference());
        Error::new(Reason::CONFLICT, message)
    }

    /// The object as it is after a mutation. Of a delete the API server may tell no more
    /// than that it is done.
    fn shown(&self, mutation: &Mutation, prepared: &Prepared, answer: Value) -> Object {
        if answer.get("kind").and_then(Value::as_str) != Some("Status") {
            return Arc::new(answer);
        }
        match (mutation, &prepared.before) {
            (Mutation::Delete(_), Some(before)) => before.clone(),
            (Mutation::Delete(delete), None) => Arc::new(resolve::remnant(delete)),
            (Mutation::Create(Create { object, .. }), _) => Arc::new(object.clone()),
            _ => Arc::new(answer),
        }
    }

    async fn request(&self, mutation: &Mutation, prepared: &Prepared) -> Result<Request<Vec<u8>>, Error> {
        let reference = mutation.reference();
        let resource = self.find(&reference.kind).await?;
        let manager = if prepared.manager.is_empty() { MANAGER } else { &prepared.manager };
        let mut query = vec![("fieldManager", manager), ("fieldValidation", "Strict")];
        query.extend(prepared.dry_run.then_some(("dryRun", "All")));
        match mutation {
            Mutation::Create(create) => {
                let objects = path::of_kind(&create.kind, &resource, create.namespace.as_deref())?;
                if resource.namespaced && create.namespace.is_none() {
                    let message = format!("a {} has a namespace; say which", create.kind.kind);
                    return Err(Error::new(Reason::BAD_REQUEST, message));
                }
                let path = match &create.subresource {
                    None => objects,
                    Some(subresource) => {
                        let target = Target {
                            kind: create.kind.clone(),
                            namespace: create.namespace.clone(),
                            name: reference.name,
                            uid: None,
                            subresource: None,
                        };
                        path::of_target(&target, &resource, Some(subresource))?
                    }
                };
                let object = typed(&create.kind, &create.object)?;
                body(Method::POST, &path, &query, "application/json", &object)
            }
            Mutation::Patch(patch) => {
                let path = path::of_target(&patch.target, &resource, patch.target.subresource.as_deref())?;
                match patch.patch_type {
                    PatchType::Json => {
                        body(Method::PATCH, &path, &query, "application/json-patch+json", &patch.body)
                    }
                    PatchType::Merge => {
                        let pinned = pinned(patch)?;
                        body(Method::PATCH, &path, &query, "application/merge-patch+json", &pinned)
                    }
                }
            }
            Mutation::Apply(Apply { target, object, force }) => {
                let path = path::of_target(target, &resource, target.subresource.as_deref())?;
                query.extend(force.then_some(("force", "true")));
                let object = applied(target, object)?;
                body(Method::PATCH, &path, &query, "application/apply-patch+yaml", &object)
            }
            Mutation::Delete(delete) => {
                let path = path::of_target(&delete.target, &resource, delete.target.subresource.as_deref())?;
                // A delete takes its options in its body.
                let options = options(delete, prepared.dry_run);
                body(Method::DELETE, &path, &[], "application/json", &options)
            }
        }
    }
}

/// What is read before a change. The status stands in the object, and need not be granted
/// by itself.
fn as_read(target: &Target) -> Target {
    let subresource = target.subresource.clone().filter(|subresource| subresource != "status");
    Target { uid: None, subresource, ..target.clone() }
}

/// Whether an error leaves open if the API server did it: it broke down in the middle, or
/// something between here and there answered in its place.
fn is_unclear(error: &Error) -> bool {
    error.status.is_none_or(|status| matches!(status, 0..400 | 500..))
}

fn body(
    method: Method,
    path: &str,
    query: &[(&str, &str)],
    content_type: &str,
    body: &Value,
) -> Result<Request<Vec<u8>>, Error> {
    let body = serde_json::to_vec(body).map_err(|error| {
        Error::new(Reason::BAD_REQUEST, format!("this can't be written as JSON: {error}"))
    })?;
    path::request(method, path, query, Some(content_type), body)
}

/// A merge patch says within itself which object, and which version of it, it is for.
fn pinned(patch: &Patch) -> Result<Value, Error> {
    let mut body = patch.body.clone();
    let fields = body
        .as_object_mut()
        .ok_or_else(|| Error::new(Reason::BAD_REQUEST, "a merge patch must be a JSON object"))?;
    let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        for (field, value) in [("uid", &patch.target.uid), ("resourceVersion", &patch.resource_version)] {
            // What the policy itself writes there is the API server's to judge.
            if let Some(value) = value {
                metadata.entry(field).or_insert_with(|| json!(value));
            }
        }
    }
    Ok(body)
}

/// An object that says what it is.
fn typed(kind: &Kind, object: &Value) -> Result<Value, Error> {
    let mut object = object.clone();
    let fields = object
        .as_object_mut()
        .ok_or_else(|| Error::new(Reason::BAD_REQUEST, "an object must be a JSON object"))?;
    fields.entry("apiVersion").or_insert_with(|| json!(kind.api_version));
    fields.entry("kind").or_insert_with(|| json!(kind.kind));
    Ok(object)
}

/// What is applied says what and where it is, and which object where that is known.
fn applied(target: &Target, object: &Value) -> Result<Value, Error> {
    let mut object = typed(&target.kind, object)?;
    let metadata = object.as_object_mut().map(|fields| fields.entry("metadata").or_insert_with(|| json!({})));
    if let Some(metadata) = metadata.and_then(Value::as_object_mut) {
        metadata.entry("name").or_insert_with(|| json!(target.name));
        if let Some(uid) = &target.uid {
            metadata.entry("uid").or_insert_with(|| json!(uid));
        }
    }
    Ok(object)
}

fn options(delete: &Delete, dry_run: bool) -> Value {
    let propagation = match delete.propagation {
        Propagation::Background => "Background",
        Propagation::Foreground => "Foreground",
        Propagation::Orphan => "Orphan",
    };
    let mut preconditions = serde_json::Map::new();
    for (field, value) in [("uid", &delete.target.uid), ("resourceVersion", &delete.resource_version)] {
        if let Some(value) = value {
            preconditions.insert(field.to_owned(), json!(value));
        }
    }
    let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions",
        "propagationPolicy": propagation, "preconditions": preconditions});
    if dry_run {
        options["dryRun"] = json!(["All"]);
    }
    options
}
