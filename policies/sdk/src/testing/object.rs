//! What every object has.

use serde_json::{Value, json};

use crate::kube::Resource;

/// A Kubernetes object that is being built.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Object(Value);

impl Object {
    /// An object of any kind; without a namespace where that is empty. Its uid follows from its name.
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        let uid = format!("uid-of-{}-{name}", kind.to_lowercase());
        let object =
            Self(json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "uid": uid}}));
        if namespace.is_empty() { object } else { object.set("/metadata/namespace", namespace) }
    }

    /// Set the field at a JSON pointer (`/spec/replicas`). What it stands in is made. The index of a list
    /// may be that of its end.
    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let mut place = &mut self.0;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let index = part.parse::<usize>().ok().filter(|_| !place.is_object());
            if place.is_null() {
                *place = if index == Some(0) { json!([]) } else { json!({}) };
            }
            place = match (index, place.as_array().map(Vec::len)) {
                (Some(index), Some(length)) if index <= length => {
                    if index == length {
                        place.as_array_mut().into_iter().for_each(|items| items.push(Value::Null));
                    }
                    &mut place[index]
                }
                _ => &mut place[part.as_str()],
            };
        }
        *place = value.into();
        self
    }

    /// Add an item to the list at a JSON pointer.
    pub fn push(self, pointer: &str, item: impl Into<Value>) -> Self {
        let length = self.0.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
        self.set(&format!("{pointer}/{length}"), item)
    }

    /// Give it a label.
    pub fn label(self, name: &str, value: &str) -> Self {
        self.set(&format!("/metadata/labels/{}", escaped(name)), value)
    }

    /// Give it an annotation.
    pub fn annotation(self, name: &str, value: &str) -> Self {
        self.set(&format!("/metadata/annotations/{}", escaped(name)), value)
    }

    /// Say when it was made (RFC 3339).
    pub fn created(self, at: &str) -> Self {
        self.set("/metadata/creationTimestamp", at)
    }

    /// Hold it by a finalizer.
    pub fn finalizer(self, name: &str) -> Self {
        self.push("/metadata/finalizers", name)
    }

    /// Say that it is being deleted since a time (RFC 3339).
    pub fn terminating(self, since: &str) -> Self {
        self.set("/metadata/deletionTimestamp", since)
    }

    /// Let another object be its controller. The pods of a Job have its name as a label, too.
    pub fn owned_by(self, owner: &Self) -> Self {
        let Self(Value::Object(owner)) = owner else { return self };
        let said = |field: &str| owner.get(field).cloned().unwrap_or_default();
        let metadata = said("metadata");
        let reference = json!({"apiVersion": said("apiVersion"), "kind": said("kind"), "name": metadata["name"],
            "uid": metadata["uid"], "controller": true});
        let owned = self.push("/metadata/ownerReferences", reference);
        match (said("kind").as_str(), metadata["name"].as_str()) {
            (Some("Job"), Some(name)) => owned.label("job-name", name),
            _ => owned,
        }
    }

    /// Add a condition to its status.
    pub fn condition(self, name: &str, status: &str, reason: &str, message: &str) -> Self {
        let condition = json!({"type": name, "status": status, "reason": reason, "message": message});
        self.push("/status/conditions", condition)
    }

    /// The object, as JSON.
    pub fn value(self) -> Value {
        self.0
    }

    /// The object, as a policy reads it.
    ///
    /// # Panics
    /// If the type can't be read from it.
    #[expect(clippy::panic, reason = "for tests: what can't be read fails them")]
    pub fn read<T: Resource>(self) -> T {
        serde_json::from_value(self.0).unwrap_or_else(|error| panic!("it is no {}: {error}", T::KIND))
    }

    pub(super) fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        object.0
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_wherever_they_are() {
        let object = Object::new("v1", "Thing", "", "a")
            .label("example.org/app", "x")
            .set("/spec/items/0/name", "one")
            .push("/spec/items", json!({"name": "two"}))
            .set("/spec/items/1/name", "three");
        assert_eq!(
            object.value(),
            json!({"apiVersion": "v1", "kind": "Thing",
                "metadata": {"name": "a", "uid": "uid-of-thing-a", "labels": {"example.org/app": "x"}},
                "spec": {"items": [{"name": "one"}, {"name": "three"}]}})
        );
    }
}
