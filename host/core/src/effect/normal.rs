//! One form for every mutation, before anybody looks at it.
//!
//! What an object is (its kind, namespace and name) is said twice: by the target, which
//! chooses the URL, and by the body. The API server goes by the URL and is lenient about the
//! body: it takes an object without `kind`, a merge patch that sets `kind` to null, a JSON
//! patch that removes it. So the target decides here too, once: what a body leaves out is
//! filled in, and a body that says otherwise is refused.

use serde_json::{Map, Value, json};

use super::confidential::without_values;
use super::{Apply, Create, Delete, Effect, Mutation, Patch, PatchType, Target};
use crate::error::{Error, Reason};
use crate::names::shortened;
use crate::object::Kind;

/// The most operations of a JSON patch, as the API server allows
/// (`maxJSONPatchOperations` in k8s.io/apiserver).
const MAX_OPERATIONS: usize = 10_000;
/// Fields of `metadata` that say which object, and which version of it, is meant; and who
/// owns its fields, which is the API server's to write.
const IDENTITY: [&str; 5] = ["name", "namespace", "uid", "resourceVersion", "managedFields"];

type Fields = Map<String, Value>;

fn refused(message: impl Into<String>) -> Error {
    Error::new(Reason::BAD_REQUEST, message)
}

impl Effect {
    /// The effect with its mutations in their one form; every other effect as it is.
    ///
    /// # Errors
    /// As [`Mutation::normalized`].
    pub fn normalized(&self) -> Result<Self, Error> {
        let Self::Mutate { mutation, undo } = self else { return Ok(self.clone()) };
        Ok(Self::Mutate {
            mutation: mutation.normalized()?,
            undo: undo.as_ref().map(Mutation::normalized).transpose()?,
        })
    }
}

impl Mutation {
    /// The mutation in its one form: its body names the object that its target names, and a
    /// version or uid that a merge patch asks for stands in the mutation, not in the body, and
    /// of a Secret it has no values, for those no policy may write.
    /// What has this form already stays as it is.
    ///
    /// # Errors
    /// `BadRequest` where the body is none, or names another object than the target.
    pub fn normalized(&self) -> Result<Self, Error> {
        let normal = match self {
            Self::Create(create) => normal_create(create).map(Self::Create),
            Self::Patch(patch) => match patch.patch_type {
                PatchType::Merge => normal_merge(patch).map(Self::Patch),
                PatchType::Json => {
                    check_operations(&patch.body)?;
                    Ok(Self::Patch(patch.clone()))
                }
            },
            Self::Apply(apply) => normal_apply(apply).map(Self::Apply),
            Self::Delete(Delete { .. }) => Ok(self.clone()),
        };
        normal.map(without_values)
    }
}

fn normal_create(create: &Create) -> Result<Create, Error> {
    let mut create = create.clone();
    // An eviction, say, leaves no mark: after a crash nothing would tell whether it was done.
    if let Some(subresource) = &create.subresource {
        let subresource = shortened(subresource);
        return Err(refused(format!("nothing is created as subresource `{subresource}`")));
    }
    let fields = object_of(&mut create.object, "the object to be created")?;
    say_kind(fields, &create.kind)?;
    let metadata = metadata_of(fields)?;
    say(metadata, "namespace", create.namespace.as_deref())?;
    // With `generateName` the name is left open, or empty.
    match metadata.get("name") {
        None => {}
        Some(Value::String(name)) if name.is_empty() => _ = metadata.remove("name"),
        Some(Value::String(_)) => {}
        Some(other) => return Err(refused(format!("`metadata.name` is {other}, and not a name"))),
    }
    without_managed_fields(metadata)?;
    Ok(create)
}

fn normal_apply(apply: &Apply) -> Result<Apply, Error> {
    let mut apply = apply.clone();
    let target = &mut apply.target;
    let fields = object_of(&mut apply.object, "the object to be applied")?;
    say_kind(fields, &target.kind)?;
    let metadata = metadata_of(fields)?;
    say(metadata, "namespace", target.namespace.as_deref())?;
    // The undo of a create learns its name later.
    if !target.name.is_empty() {
        say(metadata, "name", Some(&target.name))?;
    }
    without_managed_fields(metadata)?;
    if let Some(uid) = asked(metadata, "uid")? {
        agree("uid", &mut target.uid, uid)?;
    }
    asked(metadata, "resourceVersion")?.map_or(Ok(()), |_| {
        Err(refused("an apply is not for one `metadata.resourceVersion`; leave it out, or patch"))
    })?;
    Ok(apply)
}

fn normal_merge(patch: &Patch) -> Result<Patch, Error> {
    let mut patch = patch.clone();
    let Target { kind, namespace, name, .. } = &patch.target;
    let fields = object_of(&mut patch.body, "a merge patch")?;
    for (field, value) in [("apiVersion", &kind.api_version), ("kind", &kind.kind)] {
        if fields.get(field).is_some_and(|there| there != value) {
            return Err(disagrees(field, fields.get(field), Some(value)));
        }
    }
    let Some(metadata) = fields.get_mut("metadata") else { return Ok(patch) };
    let Some(metadata) = metadata.as_object_mut() else {
        return Err(refused(format!("a merge patch with `metadata: {metadata}` is none")));
    };
    for (field, value) in [("namespace", namespace.as_deref()), ("name", Some(name.as_str()))] {
        if metadata.get(field).is_some_and(|there| there.as_str() != value) {
            return Err(disagrees(&format!("metadata.{field}"), metadata.get(field), value));
        }
    }
    without_managed_fields(metadata)?;
    // In the body they would stand in the way of what the host pins the patch to.
    let (uid, version) = (asked(metadata, "uid")?, asked(metadata, "resourceVersion")?);
    if metadata.is_empty() {
        fields.remove("metadata");
    }
    if let Some(uid) = uid {
        agree("uid", &mut patch.target.uid, uid)?;
    }
    if let Some(version) = version {
        agree("resourceVersion", &mut patch.resource_version, version)?;
    }
    Ok(patch)
}

/// A JSON patch may test what an object is, and not change it.
fn check_operations(body: &Value) -> Result<(), Error> {
    let operations = body.as_array().ok_or_else(|| refused("a JSON patch must be a list of operations"))?;
    if operations.len() > MAX_OPERATIONS {
        let message = format!(
            "the JSON patch has {} operations, at most {MAX_OPERATIONS} are allowed",
            operations.len()
        );
        return Err(refused(message));
    }
    for (index, operation) in operations.iter().enumerate() {
        let text = |field: &str| operation.get(field).and_then(Value::as_str);
        let wrong = |what: &str| refused(format!("operation {index} of the JSON patch {what}"));
        let (Some(op), Some(path)) = (text("op"), text("path")) else {
            return Err(wrong("has no `op` or no `path`"));
        };
        let changed = match op {
            "test" => None,
            "add" | "replace" | "remove" | "copy" => Some(path),
            "move" => {
                let from = text("from").ok_or_else(|| wrong("has no `from`"))?;
                if is_identity(from) {
                    return Err(wrong(&format!("moves `{from}`, which says what the object is")));
                }
                Some(path)
            }
            _ => return Err(wrong(&format!("has `op` {}, which is none", json!(op)))),
        };
        if let Some(path) = changed.filter(|path| is_identity(path)) {
            return Err(wrong(&format!("changes `{path}`, which says what the object is")));
        }
    }
    Ok(())
}

/// Whether a pointer leads to what says which object it is, or to what that stands in.
fn is_identity(pointer: &str) -> bool {
    let mut tokens = pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"));
    match (tokens.next().as_deref(), tokens.next().as_deref()) {
        (None | Some("kind" | "apiVersion"), _) | (Some("metadata"), None) => true,
        (Some("metadata"), Some(field)) => IDENTITY.contains(&field),
        (Some(_), _) => false,
    }
}

fn object_of<'a>(value: &'a mut Value, what: &str) -> Result<&'a mut Fields, Error> {
    value.as_object_mut().ok_or_else(|| refused(format!("{what} must be a JSON object")))
}

fn metadata_of(fields: &mut Fields) -> Result<&mut Fields, Error> {
    object_of(fields.entry("metadata").or_insert_with(|| json!({})), "`metadata`")
}

fn say_kind(fields: &mut Fields, kind: &Kind) -> Result<(), Error> {
    for (field, value) in [("apiVersion", &kind.api_version), ("kind", &kind.kind)] {
        match fields.get(field) {
            None => _ = fields.insert(field.to_owned(), json!(value)),
            Some(there) if there == value => {}
            there => return Err(disagrees(field, there, Some(value))),
        }
    }
    Ok(())
}

/// Let a field of `metadata` say what the target says; where that says nothing, it must not
/// either.
fn say(metadata: &mut Fields, field: &str, value: Option<&str>) -> Result<(), Error> {
    match (metadata.get(field), value) {
        (None, Some(value)) => _ = metadata.insert(field.to_owned(), json!(value)),
        (None, None) => {}
        (Some(there), Some(value)) if there == value => {}
        (Some(Value::String(there)), None) if there.is_empty() => _ = metadata.remove(field),
        (there, value) => return Err(disagrees(&format!("metadata.{field}"), there, value)),
    }
    Ok(())
}

fn disagrees(field: &str, body: Option<&Value>, target: Option<&str>) -> Error {
    let body = shortened(&body.unwrap_or(&Value::Null).to_string()).to_string();
    let target = target.map_or_else(|| "none".to_owned(), |target| json!(target).to_string());
    refused(format!("`{field}` is {body} in the body and {target} in the target: say it once, or the same"))
}

fn without_managed_fields(metadata: &Fields) -> Result<(), Error> {
    if metadata.contains_key("managedFields") {
        return Err(refused("`metadata.managedFields` is the API server's to write; leave it out"));
    }
    Ok(())
}

/// Take what a body asks of the object's uid or version.
fn asked(metadata: &mut Fields, field: &str) -> Result<Option<String>, Error> {
    match metadata.remove(field) {
        None => Ok(None),
        Some(Value::String(value)) if !value.is_empty() => Ok(Some(value)),
        Some(other) => Err(refused(format!("`metadata.{field}` is {other}: leave it out, or name one"))),
    }
}

fn agree(field: &str, wanted: &mut Option<String>, body: String) -> Result<(), Error> {
    match wanted {
        Some(wanted) if *wanted != body => {
            Err(disagrees(&format!("metadata.{field}"), Some(&json!(body)), Some(wanted)))
        }
        _ => {
            *wanted = Some(body);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            kind: Kind::new("batch/v1", "Job"),
            namespace: Some("media".to_owned()),
            name: "a".to_owned(),
            uid: None,
            subresource: None,
        }
    }

    fn create(object: Value) -> Mutation {
        let Target { kind, namespace, .. } = target();
        Mutation::Create(Create { kind, namespace, object, subresource: None })
    }

    fn apply(object: Value) -> Mutation {
        Mutation::Apply(Apply { target: target(), object, force: false })
    }

    fn patch(patch_type: PatchType, body: Value) -> Mutation {
        Mutation::Patch(Patch { target: target(), patch_type, body, resource_version: None })
    }

    fn merge(body: Value) -> Mutation {
        patch(PatchType::Merge, body)
    }

    fn operation(op: Value) -> Mutation {
        patch(PatchType::Json, json!([op]))
    }

    #[test]
    fn what_a_body_leaves_out_the_target_says() {
        let whole =
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "namespace": "media"}});
        for left_out in [create(json!({"metadata": {"name": "a"}})), apply(json!({})), apply(whole.clone())] {
            let normal = left_out.normalized().unwrap();
            let (Mutation::Create(Create { object, .. }) | Mutation::Apply(Apply { object, .. })) = &normal
            else {
                panic!()
            };
            assert_eq!(*object, whole);
            assert_eq!(normal.normalized().unwrap(), normal, "a second time changes nothing");
        }
    }

    #[test]
    fn nothing_is_created_as_a_subresource() {
        let object = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a"}});
        let (Target { namespace, .. }, kind) = (target(), Kind::new("v1", "Pod"));
        let eviction = Create { kind, namespace, object, subresource: Some("eviction".to_owned()) };
        let error = Mutation::Create(eviction).normalized().unwrap_err();
        assert_eq!(error.reason, Reason::BAD_REQUEST);
    }

    #[test]
    fn a_body_that_names_another_object_is_refused() {
        let wrong_kinds = [json!(null), json!(""), json!("Pod"), json!(1), json!(["Job"]), json!({})];
        for wrong in &wrong_kinds {
            for field in ["kind", "apiVersion"] {
                for mutation in [
                    create(json!({field: wrong})),
                    apply(json!({field: wrong})),
                    merge(json!({field: wrong})),
                ] {
                    let error = mutation.normalized().expect_err(&format!("{mutation:?}"));
                    assert_eq!(error.reason, Reason::BAD_REQUEST);
                }
            }
        }
        for metadata in [
            json!(null),
            json!([]),
            json!("x"),
            json!({"namespace": "other"}),
            json!({"namespace": null}),
            json!({"name": null}),
            json!({"name": 7}),
            json!({"uid": null}),
            json!({"resourceVersion": null}),
            json!({"resourceVersion": 7}),
            json!({"managedFields": []}),
        ] {
            let of = |form: fn(Value) -> Mutation| form(json!({"metadata": metadata.clone()})).normalized();
            let is_of_create = metadata.get("uid").is_none() && metadata.get("resourceVersion").is_none();
            assert!(!is_of_create || of(create).is_err(), "create {metadata}");
            assert!(of(apply).is_err() && of(merge).is_err(), "{metadata}");
        }
        assert!(merge(json!(null)).normalized().is_err() && merge(json!([1])).normalized().is_err());
    }

    #[test]
    fn a_version_that_a_merge_patch_asks_for_is_pinned_with_it() {
        let asked = merge(json!({"metadata": {"resourceVersion": "7", "uid": "u", "labels": {"a": "b"}}}));
        let Mutation::Patch(normal) = asked.normalized().unwrap() else { panic!() };
        assert_eq!(normal.body, json!({"metadata": {"labels": {"a": "b"}}}));
        assert_eq!(
            (normal.resource_version.as_deref(), normal.target.uid.as_deref()),
            (Some("7"), Some("u"))
        );
    }

    #[test]
    fn a_json_patch_may_test_what_an_object_is_and_not_change_it() {
        for path in [
            "",
            "/kind",
            "/apiVersion",
            "/metadata",
            "/metadata/name",
            "/metadata/managedFields/0",
            "/metadata/uid",
        ] {
            for op in [
                json!({"op": "remove", "path": path}),
                json!({"op": "replace", "path": path, "value": "x"}),
                json!({"op": "add", "path": path, "value": {}}),
                json!({"op": "copy", "from": "/spec", "path": path}),
                json!({"op": "move", "from": "/spec", "path": path}),
                json!({"op": "move", "from": path, "path": "/spec"}),
            ] {
                assert!(operation(op.clone()).normalized().is_err(), "{op}");
            }
            assert!(
                operation(json!({"op": "test", "path": path, "value": 1})).normalized().is_ok(),
                "{path}"
            );
        }
        for op in [
            json!({"op": "remove", "path": "/metadata/labels"}),
            json!({"op": "add", "path": "/kinds", "value": 1}),
        ] {
            assert!(operation(op).normalized().is_ok());
        }
        for op in [json!(1), json!({"op": "TEST", "path": "/kind"}), json!({"op": "remove"})] {
            assert!(operation(op).normalized().is_err());
        }
    }
}
