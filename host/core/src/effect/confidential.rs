//! A policy that writes values of a Secret is refused, and what it was refused stands in the
//! journal: without the values.

use std::sync::Arc;

use serde_json::Value;

use super::{Apply, Create, Mutation, Patch, PatchType};
use crate::object::redact;

/// A mutation as it is, unless it is of a Secret: then with nothing in place of each value.
pub(super) fn without_values(mutation: Mutation) -> Mutation {
    if !mutation.kind().is_secret() {
        return mutation;
    }
    match mutation {
        Mutation::Create(Create { object, kind, namespace, subresource }) => {
            Mutation::Create(Create { object: redacted(object), kind, namespace, subresource })
        }
        Mutation::Apply(Apply { object, target, force }) => {
            Mutation::Apply(Apply { object: redacted(object), target, force })
        }
        Mutation::Patch(Patch { target, patch_type, mut body, resource_version }) => {
            match patch_type {
                PatchType::Merge => cover(&mut body),
                PatchType::Json => {
                    body.as_array_mut().into_iter().flatten().for_each(cover_operation);
                }
            }
            Mutation::Patch(Patch { target, patch_type, body, resource_version })
        }
        Mutation::Delete(delete) => Mutation::Delete(delete),
    }
}

fn redacted(object: Value) -> Value {
    Arc::unwrap_or_clone(redact(Arc::new(object)))
}

/// Fields of a Secret that hold nothing but values.
const VALUES: [&str; 2] = ["data", "stringData"];

fn cover(body: &mut Value) {
    for field in VALUES {
        if let Some(value) = body.get_mut(field) {
            cover_all(value);
        }
    }
}

fn cover_operation(operation: &mut Value) {
    let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
    let is_of_values = path.is_empty() || VALUES.iter().any(|field| path.split('/').nth(1) == Some(field));
    if let Some(value) = operation.get_mut("value").filter(|_| is_of_values) {
        cover_all(value);
    }
}

fn cover_all(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(cover_all),
        Value::Array(items) => items.iter_mut().for_each(cover_all),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => *value = Value::from(""),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::effect::Target;
    use crate::object::Kind;

    #[test]
    fn no_mutation_of_a_secret_has_a_value_once_it_is_normal() {
        let kind = Kind::new("v1", "Secret");
        let target = Target {
            kind: kind.clone(),
            namespace: Some("media".to_owned()),
            name: "s".to_owned(),
            uid: None,
            subresource: None,
        };
        let object = json!({"metadata": {"name": "s"}, "stringData": {"password": "hunter2"}, "data": {"p": "hunter2"}});
        let patch = |patch_type, body| {
            Mutation::Patch(Patch { target: target.clone(), patch_type, body, resource_version: None })
        };
        for mutation in [
            Mutation::Create(Create {
                kind: kind.clone(),
                namespace: target.namespace.clone(),
                object: object.clone(),
                subresource: None,
            }),
            Mutation::Apply(Apply { target: target.clone(), object, force: false }),
            patch(PatchType::Merge, json!({"data": {"p": "hunter2"}, "stringData": "hunter2"})),
            patch(PatchType::Json, json!([{"op": "add", "path": "/data/p", "value": "hunter2"}])),
            patch(PatchType::Json, json!([{"op": "add", "path": "/stringData", "value": {"p": "hunter2"}}])),
        ] {
            let normal = mutation.normalized().unwrap();
            assert!(!format!("{normal:?}").contains("hunter2"), "{normal:?}");
            assert_eq!(normal.normalized().unwrap(), normal, "a second time changes nothing");
        }
        let label =
            patch(PatchType::Json, json!([{"op": "add", "path": "/metadata/labels/a", "value": "b"}]));
        assert_eq!(label.normalized().unwrap(), label);
    }
}
