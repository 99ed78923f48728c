//! What the API server checks in the metadata of every object: pure functions.

use serde_json::{Map, Value, json};
use suture_core::names;
use suture_core::object::{self, Kind};
use suture_core::{Error, ObjectRef, Reason};

use super::typed;

/// The most bytes that keys and values of annotations have together.
const MOST_ANNOTATIONS: usize = 256 << 10;
/// The finalizers of Kubernetes itself, which have no domain.
const PLAIN_FINALIZERS: [&str; 3] = ["orphan", "foregroundDeletion", "kubernetes"];

/// Whether an object has finalizers.
pub fn has_finalizers(object: &Value) -> bool {
    !finalizers(object).is_empty()
}

/// `metadata.finalizers`.
pub fn finalizers(object: &Value) -> Vec<&str> {
    let list = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// `metadata.ownerReferences`.
pub fn owners(object: &Value) -> &[Value] {
    object.pointer("/metadata/ownerReferences").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Fill in the uids that entries of `metadata.ownerReferences` leave out.
pub fn complete_owners(object: &mut Value, uid_of: impl Fn(&ObjectRef) -> Option<String>) {
    let namespace = object::namespace(object).map(str::to_owned);
    let Some(owners) = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) else {
        return;
    };
    for owner in owners {
        let (Some(kind), Some(name), None) =
            (Kind::of(owner), owner.get("name").and_then(Value::as_str), owner.get("uid"))
        else {
            continue;
        };
        // An owner stands in the same namespace, or in none.
        let mut reference = ObjectRef { kind, namespace: namespace.clone(), name: name.to_owned() };
        let uid = uid_of(&reference).or_else(|| {
            reference.namespace = None;
            uid_of(&reference)
        });
        if let (Some(uid), Some(fields)) = (uid, owner.as_object_mut()) {
            fields.insert("uid".to_owned(), uid.into());
        }
    }
}

/// The metadata of an object, made where it has none.
pub fn metadata_mut(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.as_object_mut()?.entry("metadata").or_insert_with(|| json!({})).as_object_mut()
}

/// Set a field of the metadata; remove it where there is no value.
pub fn set(object: &mut Value, field: &str, value: Option<Value>) {
    if let Some(metadata) = metadata_mut(object) {
        match value {
            Some(value) => metadata.insert(field.to_owned(), value),
            None => metadata.remove(field),
        };
    }
}

/// Set or remove a field at the top of an object.
pub fn set_top(object: &mut Value, field: &str, value: Option<Value>) {
    if let Some(fields) = object.as_object_mut() {
        match value {
            Some(value) => fields.insert(field.to_owned(), value),
            None => fields.remove(field),
        };
    }
}

/// Whether an object has a name and metadata as Kubernetes wants them.
///
/// # Errors
/// What is wrong.
pub fn check_metadata(object: &Value, kind: &Kind) -> Result<(), String> {
    let name = object::name(object).unwrap_or_default();
    check_name(name, kind).map_err(|error| format!("metadata.name: {error}"))?;
    if let Some(namespace) = object::namespace(object) {
        names::dns_label(namespace).map_err(|error| format!("metadata.namespace: {error}"))?;
    }
    for (field, values_are_labels) in [("labels", true), ("annotations", false)] {
        check_map(object.pointer(&format!("/metadata/{field}")), values_are_labels)
            .map_err(|error| format!("metadata.{field}: {error}"))?;
    }
    check_finalizers(object.pointer("/metadata/finalizers"), kind)?;
    check_owners(object.pointer("/metadata/ownerReferences"))
}

fn filled(owner: &Value, field: &str) -> bool {
    owner.get(field).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

/// Names are DNS subdomains; those of a few kinds are freer or stricter.
fn check_name(name: &str, kind: &Kind) -> Result<(), String> {
    match (kind.group(), kind.kind.as_str()) {
        // A segment of a URL, such as `system:node`.
        ("rbac.authorization.k8s.io", _) => {
            let fits = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '%']);
            if fits { Ok(()) } else { Err(format!("`{}` is not a name", names::shortened(name))) }
        }
        ("", "Namespace" | "Service") => names::dns_label(name),
        _ => names::dns_subdomain(name),
    }
}

fn check_map(map: Option<&Value>, values_are_labels: bool) -> Result<(), String> {
    let map = match map {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(map)) => map,
        Some(_) => return Err("not a map".to_owned()),
    };
    let mut size = 0;
    for (key, value) in map {
        let shown = names::shortened(key);
        let text = value.as_str().ok_or_else(|| format!("the value of `{shown}` is not a text"))?;
        size += key.len() + text.len();
        if values_are_labels {
            names::label_key(key)?;
            names::label_value(text).map_err(|error| format!("`{shown}`: {error}"))?;
        } else {
            // Annotations may have upper case prefixes; Kubernetes looks at them in lower case.
            names::label_key(&key.to_lowercase())?;
        }
    }
    if !values_are_labels && size > MOST_ANNOTATIONS {
        return Err(format!("together they have {size} bytes, and may have {MOST_ANNOTATIONS}"));
    }
    Ok(())
}

fn check_finalizers(list: Option<&Value>, kind: &Kind) -> Result<(), String> {
    let list = match list {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err("metadata.finalizers is not a list".to_owned()),
    };
    list.iter().try_for_each(|finalizer| {
        let name = finalizer.as_str().unwrap_or_default();
        names::label_key(name).map_err(|error| format!("metadata.finalizers: {error}"))?;
        let needs_domain = typed::is_known(kind) && !PLAIN_FINALIZERS.contains(&name);
        if needs_domain && !name.contains('/') {
            let message = format!("metadata.finalizers: `{}` has no domain", names::shortened(name));
            return Err(message);
        }
        Ok(())
    })
}

fn check_owners(list: Option<&Value>) -> Result<(), String> {
    let owners = match list {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(owners)) => owners,
        Some(_) => return Err("metadata.ownerReferences is not a list".to_owned()),
    };
    for owner in owners {
        if let Some(field) = ["apiVersion", "kind", "name", "uid"].iter().find(|field| !filled(owner, field))
        {
            return Err(format!("metadata.ownerReferences: an entry has no `{field}`"));
        }
    }
    let controls = |owner: &&Value| owner.get("controller").and_then(Value::as_bool) == Some(true);
    if owners.iter().filter(controls).count() > 1 {
        return Err("metadata.ownerReferences: there is more than one controller".to_owned());
    }
    Ok(())
}

/// Take out the lists of the metadata that hold nothing, as the server does.
pub fn drop_empty_lists(object: &mut Value) {
    for list in ["finalizers", "ownerReferences"] {
        let nothing = |value: &Value| value.is_null() || *value == json!([]);
        if object.pointer(&format!("/metadata/{list}")).is_some_and(nothing) {
            set(object, list, None);
        }
    }
}

/// What a change may not do to the metadata of an object, and what the API server keeps
/// whatever the change says.
///
/// # Errors
/// `BadRequest` for another name or namespace, `Conflict` for another version, `Invalid`
/// for what can't change.
pub fn protect(before: &Value, wanted: &mut Value, reference: &ObjectRef) -> Result<(), Error> {
    let bad_request = |message: String| Error::new(Reason::BAD_REQUEST, message);
    let invalid = |message: String| Error::new(Reason::INVALID, format!("{reference}: {message}"));
    if Kind::of(wanted).as_ref() != Some(&reference.kind) {
        return Err(invalid("the patch makes it an object of another kind".to_owned()));
    }
    if object::name(wanted) != Some(&reference.name) {
        return Err(bad_request(format!("the patch changes the name of {reference}")));
    }
    if object::namespace(wanted) != reference.namespace.as_deref() {
        return Err(bad_request(format!("the patch changes the namespace of {reference}")));
    }
    let now = object::resource_version(before);
    match wanted.pointer("/metadata/resourceVersion") {
        None | Some(Value::Null) => {}
        Some(version) if version.as_str() == now => {}
        Some(_) => return Err(moved_on(reference)),
    }
    match wanted.pointer("/metadata/uid") {
        None | Some(Value::Null) => {}
        Some(uid) if uid.as_str() == object::uid(before) => {}
        Some(_) => return Err(invalid("metadata.uid: field is immutable".to_owned())),
    }
    if object::is_terminating(before) {
        let kept = finalizers(before);
        if let Some(new) = finalizers(wanted).into_iter().find(|finalizer| !kept.contains(finalizer)) {
            let message =
                format!("metadata.finalizers: `{new}` can't be added to an object that is being deleted");
            return Err(invalid(message));
        }
    } else if wanted.pointer("/metadata/deletionTimestamp").is_some_and(|value| !value.is_null()) {
        return Err(invalid("metadata.deletionTimestamp: field is immutable; delete the object".to_owned()));
    }
    for field in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
    ] {
        let kept = before.pointer(&format!("/metadata/{field}")).cloned();
        set(wanted, field, kept);
    }
    drop_empty_lists(wanted);
    check_metadata(wanted, &reference.kind).map_err(invalid)
}

/// The object was changed since.
pub fn moved_on(reference: &ObjectRef) -> Error {
    Error::new(Reason::CONFLICT, format!("{reference} was changed since it was read; look at it again"))
}

/// Another object has that name now.
pub fn replaced(reference: &ObjectRef) -> Error {
    Error::new(Reason::CONFLICT, format!("{reference} is not the object with the uid that was asked for"))
}

/// The object does not exist.
pub fn not_found(reference: &ObjectRef) -> Error {
    Error::new(Reason::NOT_FOUND, format!("{reference} does not exist"))
}
