//! A pod template that was copied from an object that is there.

use serde_json::Value;

/// Whether a pod template is another one, variables with plain values aside that were added
/// to its containers. A variable that the original has, or a value from elsewhere, is no
/// addition.
pub(in super::super) fn equals(template: &Value, original: &Value) -> bool {
    let mut bare = template.clone();
    for list in ["initContainers", "containers"] {
        let pointer = format!("/spec/{list}");
        let (Some(containers), Some(originals)) = (
            bare.pointer_mut(&pointer).and_then(Value::as_array_mut),
            original.pointer(&pointer).and_then(Value::as_array),
        ) else {
            continue;
        };
        for (container, original) in containers.iter_mut().zip(originals) {
            without_additions(container, original);
        }
    }
    sparse(&bare) == sparse(original)
}

fn without_additions(container: &mut Value, original: &Value) {
    let variables =
        |container: &Value| container.get("env").and_then(Value::as_array).cloned().unwrap_or_default();
    let there = variables(original);
    let is_addition = |variable: &Value| {
        let name = variable.get("name");
        let is_plain = variable.as_object().is_some_and(|fields| {
            fields
                .iter()
                .all(|(field, value)| matches!(field.as_str(), "name" | "value") && value.is_string())
        });
        is_plain && !there.iter().any(|original| original.get("name") == name)
    };
    let Some(fields) = container.as_object_mut() else { return };
    let Some(variables) = fields.get_mut("env").and_then(Value::as_array_mut) else { return };
    variables.retain(|variable| !is_addition(variable));
    if variables.is_empty() && original.get("env").is_none() {
        fields.remove("env");
    }
}

/// Without what the API server drops: fields that are null.
fn sparse(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name.clone(), sparse(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sparse).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(env: Value) -> Value {
        json!({"metadata": {"labels": {"app": "heal"}, "creationTimestamp": null},
            "spec": {"hostPID": true, "containers": [{"name": "heal", "image": "x", "env": env}]}})
    }

    #[test]
    fn a_copy_may_add_variables_with_plain_values_and_nothing_else() {
        let original = template(json!([{"name": "A", "value": "1"}]));
        let added = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]);
        assert!(equals(&original, &original) && equals(&template(added.clone()), &original));
        let bare = json!({"spec": {"containers": [{"name": "heal", "image": "x"}]}});
        let given = json!({"spec": {"containers": [{"name": "heal", "image": "x", "env": [{"name": "B", "value": "2"}]}]}});
        assert!(equals(&given, &bare));
        for other in [
            template(json!([{"name": "A", "value": "2"}])),
            template(json!([{"name": "B", "value": "2"}])),
            template(json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}])),
            template(
                json!([{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
            ),
            json!({"spec": original["spec"]}),
        ] {
            assert!(!equals(&other, &original), "{other}");
        }
        let mut image = template(added);
        image["spec"]["containers"][0]["image"] = json!("y");
        assert!(!equals(&image, &original));
        let mut more = original.clone();
        more["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "b", "image": "x"}));
        assert!(!equals(&more, &original));
    }
}
