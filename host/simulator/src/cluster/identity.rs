//! What an object says of itself beside what the request says: `kind`, `apiVersion`, name and
//! namespace, left out, null, empty or another. As the API server judges it, which is not the
//! same for Kubernetes' own kinds, that are read into a type, and for custom resources, that are
//! read as they are. The conformance cases of `identity` hold both against it.

use serde_json::{Value, json};
use suture_core::object::Kind;
use suture_core::{Error, ObjectRef, Reason};

use super::{builtin, rules};

/// The reason that goes with HTTP status 500.
const INTERNAL_ERROR: &str = "InternalError";

/// What a field of an object says, as Kubernetes reads it: null and the empty text are nothing.
enum Said<'a> {
    Nothing,
    Text(&'a str),
    /// Not a text at all.
    Other,
}

fn said(value: Option<&Value>) -> Said<'_> {
    match value {
        None | Some(Value::Null) => Said::Nothing,
        Some(Value::String(text)) if text.is_empty() => Said::Nothing,
        Some(Value::String(text)) => Said::Text(text),
        Some(_) => Said::Other,
    }
}

/// Whether a kind is one of Kubernetes' own, and so read into a type.
fn is_own(kind: &Kind) -> bool {
    let group = kind.group();
    let is_extension =
        group == "snapshot.storage.k8s.io" || group.contains('.') && !group.ends_with(".k8s.io");
    builtin::find(kind).is_some() && !is_extension
}

/// Give an object that is to be made the kind and namespace of the request, where it does not
/// say otherwise.
///
/// # Errors
/// As the API server answers an object that contradicts the request.
pub fn of_new(value: &mut Value, kind: &Kind, namespace: Option<&str>) -> Result<(), Error> {
    if !value.is_object() {
        return Err(bad_request("the object to be made is not a JSON object"));
    }
    if value.get("metadata").is_some_and(|metadata| !metadata.is_object()) {
        return Err(bad_request("`metadata` is not a JSON object"));
    }
    for (field, wanted) in [("apiVersion", &kind.api_version), ("kind", &kind.kind)] {
        let given = value.get(field);
        match said(given) {
            // Who makes a custom resource must say what it is; where nothing is said at all, we do.
            Said::Nothing if given.is_none() || is_own(kind) => {
                rules::set_top(value, field, Some(wanted.as_str().into()));
            }
            Said::Text(given) if given == wanted => {}
            Said::Text(given) if field == "kind" && !is_own(kind) => {
                let message = format!("kind: Invalid value: `{given}`: must be {wanted}");
                return Err(Error::new(Reason::INVALID, message));
            }
            Said::Nothing | Said::Text(_) | Said::Other => {
                let given = value.get(field).unwrap_or(&Value::Null);
                let message = format!("the object's {field} is {given}, and a {kind} is to be made");
                return Err(bad_request(message));
            }
        }
    }
    of_namespace(value, namespace, || "the object that is to be made".to_owned())
}

/// Give what a patch makes of an object its identity back, where the patch only took it away.
///
/// # Errors
/// As the API server answers a patch that makes it another object, or one that it can't read.
pub fn of_patched(value: &mut Value, reference: &ObjectRef) -> Result<(), Error> {
    let Kind { api_version, kind } = &reference.kind;
    let invalid = |what: &str| Error::new(Reason::INVALID, format!("{reference}: the patch {what}"));
    match said(value.get("kind")) {
        Said::Text(given) if given == kind => {}
        // The type that it is read into says what it is.
        Said::Nothing if is_own(&reference.kind) => {
            rules::set_top(value, "kind", Some(kind.as_str().into()));
        }
        Said::Nothing | Said::Text(_) | Said::Other => {
            return Err(invalid("makes it an object of another kind"));
        }
    }
    match said(value.get("apiVersion")) {
        Said::Text(given) if given == api_version => {}
        Said::Nothing if !is_own(&reference.kind) => {
            let message = format!("{reference}: the patch leaves no apiVersion");
            return Err(Error::new(Reason::other(INTERNAL_ERROR), message));
        }
        Said::Nothing | Said::Text(_) | Said::Other => {
            return Err(invalid("makes it an object of another version"));
        }
    }
    if value.get("metadata").is_some_and(|metadata| !metadata.is_object()) {
        return Err(bad_request(format!("the patch takes the metadata of {reference}")));
    }
    // Without any metadata it has no name either, which the rules refuse.
    of_namespace(value, reference.namespace.as_deref(), || format!("what the patch makes of {reference}"))
}

/// Give fields that are to be applied the identity of the request, where they don't say otherwise.
///
/// # Errors
/// As the API server answers an apply of another object.
pub fn of_applied(value: &mut Value, reference: &ObjectRef, is_there: bool) -> Result<(), Error> {
    if !value.is_object() {
        return Err(bad_request("what is applied must be a JSON object"));
    }
    let is_nothing = value.get("metadata").is_none_or(|metadata| metadata.is_null() && is_there);
    if is_nothing {
        rules::set_top(value, "metadata", Some(json!({"name": reference.name})));
    }
    if !value.get("metadata").is_some_and(Value::is_object) {
        return Err(bad_request("the `metadata` of what is applied must be a JSON object"));
    }
    let Kind { api_version, kind } = &reference.kind;
    for (field, wanted) in [("apiVersion", api_version), ("kind", kind)] {
        match value.get(field) {
            None => rules::set_top(value, field, Some(wanted.as_str().into())),
            Some(given) if given == wanted.as_str() => {}
            Some(given) => {
                return Err(bad_request(format!("the {field} is {given}, and {reference} is to be applied")));
            }
        }
    }
    match value.pointer("/metadata/name") {
        None => rules::set(value, "name", Some(reference.name.as_str().into())),
        Some(name) if name == reference.name.as_str() => {}
        Some(_) => return Err(bad_request(format!("the object has another name than {reference}"))),
    }
    of_namespace(value, reference.namespace.as_deref(), || "what is applied".to_owned())
}

fn of_namespace(value: &mut Value, wanted: Option<&str>, what: impl Fn() -> String) -> Result<(), Error> {
    let given = match said(value.pointer("/metadata/namespace")) {
        Said::Nothing => {
            rules::set(value, "namespace", wanted.map(Value::from));
            return Ok(());
        }
        Said::Text(given) if Some(given) == wanted => return Ok(()),
        Said::Text(given) => format!("`{given}`"),
        Said::Other => "no text".to_owned(),
    };
    let (what, wanted) = (what(), wanted.map_or("none".to_owned(), |wanted| format!("`{wanted}`")));
    Err(bad_request(format!("the namespace of {what} is {given}, and that of the request is {wanted}")))
}

fn bad_request(message: impl Into<String>) -> Error {
    Error::new(Reason::BAD_REQUEST, message)
}
