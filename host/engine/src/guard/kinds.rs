//! Kinds by which a policy could give itself, or others, more than any grant says.

use serde_json::Value;
use suture_core::object::Kind;
use suture_core::{Mutation, names};

/// Subresources that a change may be of; every other gives more than a grant says: tokens,
/// commands in containers, connections, a node for a pod.
const CHANGED: [&str; 2] = ["status", "scale"];
/// Subresources that are read.
const READ: [&str; 3] = ["status", "scale", "log"];

/// Whether a policy may use a subresource at all.
pub(super) fn subresource_is_usable(subresource: &str, mutation: Option<&Mutation>) -> bool {
    match mutation {
        None => READ.contains(&subresource),
        Some(Mutation::Create(_)) => subresource == "eviction",
        Some(Mutation::Patch(_) | Mutation::Apply(_) | Mutation::Delete(_)) => CHANGED.contains(&subresource),
    }
}

/// Why no policy may write objects of a kind, where that is so. They may be deleted.
pub(super) fn is_out_of_reach(kind: &Kind) -> Option<&'static str> {
    match (kind.group(), kind.kind.as_str()) {
        ("rbac.authorization.k8s.io", _) => Some("it gives rights"),
        ("admissionregistration.k8s.io", _) => Some("it decides about what others write"),
        ("apiextensions.k8s.io" | "apiregistration.k8s.io", _) => Some("it changes what the API server is"),
        ("certificates.k8s.io" | "authentication.k8s.io", _) => Some("it gives identities"),
        ("apps", "ControllerRevision") => Some("its pod templates are brought back unchecked"),
        ("", "PersistentVolume") => Some("it can be a folder of a node"),
        ("", "Binding") => Some("it chooses the node of a pod"),
        _ => None,
    }
}

/// That a change of a Namespace leaves its labels alone: they choose who may do what in it
/// (Pod Security admission, and the `namespaceSelector` of grants).
pub(super) fn check_namespace(
    kind: &Kind,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), String> {
    if !(kind.group().is_empty() && kind.kind == "Namespace") {
        return Ok(());
    }
    let Some(after) = after else { return Ok(()) };
    let labels =
        |object: &Value| object.pointer("/metadata/labels").filter(|labels| !labels.is_null()).cloned();
    match before {
        None => Err("no policy may make a Namespace".to_owned()),
        Some(before) if labels(before) != labels(after) => Err(format!(
            "the labels and annotations of Namespace `{}` say who may do what in it; no policy may change them",
            names::shortened(suture_core::object::name(after).unwrap_or_default())
        )),
        Some(_) => Ok(()),
    }
}

/// That a Job takes no pods of others for its own.
pub(super) fn check_job(kind: &Kind, before: Option<&Value>, after: Option<&Value>) -> Result<(), String> {
    let (None, Some(after)) = (before, after) else { return Ok(()) };
    let says = |field: &str| {
        after
            .get("spec")
            .and_then(|spec| spec.get(field))
            .is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
    };
    if kind.group() == "batch" && kind.kind == "Job" && (says("manualSelector") || says("selector")) {
        return Err("a Job that chooses its pods itself (`manualSelector`, `selector`) could take those of others; no policy may make one".to_owned());
    }
    Ok(())
}
