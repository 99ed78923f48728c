//! A mutation as a request.

use http::{Method, Request};
use serde_json::{Value, json};
use suture_core::effect::{Apply, Delete, Patch, PatchType, Propagation, Target};
use suture_core::object::Kind;
use suture_core::{Error, Mutation, Prepared, Reason};

use super::{LiveCluster, path};

/// The field manager where none is prepared.
const MANAGER: &str = "suture";

impl LiveCluster {
    /// The request that does what was prepared.
    pub(super) async fn request(
        &self,
        mutation: &Mutation,
        prepared: &Prepared,
    ) -> Result<Request<Vec<u8>>, Error> {
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
