//! The subresource `scale`: how many replicas there are to be.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use suture_core::object::Object;
use suture_core::{Error, ObjectRef, Reason};

/// The fields of an object's metadata that its scale shows too.
const METADATA: [&str; 5] = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"];

/// The scale of an object.
pub fn of(object: &Value) -> Object {
    let field = |name: &str| Some((name.to_owned(), object.pointer(&format!("/metadata/{name}"))?.clone()));
    let metadata: Map<String, Value> = METADATA.into_iter().filter_map(field).collect();
    // Go leaves out a zero here, and writes it in the status.
    let spec = match object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1) {
        0 => json!({}),
        replicas => json!({"replicas": replicas}),
    };
    let mut status = json!({"replicas": object.pointer("/status/replicas").cloned().unwrap_or(json!(0))});
    if let Some(selector) = selector(object) {
        status["selector"] = selector.into();
    }
    Arc::new(json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": spec,
        "status": status}))
}

/// The selector of an object's pods, as text.
fn selector(object: &Value) -> Option<String> {
    let selector = object.pointer("/spec/selector")?;
    let labels = selector.get("matchLabels").unwrap_or(selector).as_object()?;
    let label = |(key, value): (&String, &Value)| Some(format!("{key}={}", value.as_str()?));
    Some(labels.iter().filter_map(label).collect::<Vec<_>>().join(","))
}

/// The replicas that a changed scale asks for.
///
/// # Errors
/// `Invalid` where that is no number of replicas, or it is no scale any more.
pub fn replicas(scale: &Value, reference: &ObjectRef) -> Result<Value, Error> {
    let invalid = |message: &str| Error::new(Reason::INVALID, format!("the scale of {reference}: {message}"));
    if scale["kind"] != "Scale" || scale["apiVersion"] != "autoscaling/v1" {
        return Err(invalid("it is an object of another kind"));
    }
    match scale.pointer("/spec/replicas") {
        None | Some(Value::Null) => Ok(json!(0)),
        Some(replicas) => {
            let number = replicas.as_i64().and_then(|number| i32::try_from(number).ok());
            let number = number.filter(|number| *number >= 0);
            number.map(Value::from).ok_or_else(|| invalid("spec.replicas must be a number from 0"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_shows_what_is_wanted_and_what_is_there() {
        let object = json!({"metadata": {"name": "web", "uid": "u", "labels": {}},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}}, "status": {"replicas": 1}});
        let scale = of(&object);
        assert_eq!(scale["spec"], json!({"replicas": 2}));
        assert_eq!(scale["status"], json!({"replicas": 1, "selector": "app=web"}));
        assert_eq!(scale["metadata"], json!({"name": "web", "uid": "u"}));
        assert_eq!(of(&json!({}))["spec"], json!({"replicas": 1}));
    }
}
