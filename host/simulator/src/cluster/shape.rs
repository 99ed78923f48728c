//! How the parts of an object merge: which lists are maps or sets, and what is one piece.
//!
//! For Kubernetes' own kinds from a table of field names (the `listType` and `mapType`
//! comments of its Go types), for custom resources from their definition
//! (`x-kubernetes-list-type` and its like). What is not known is one piece where it is a
//! list, and many where it is an object.

use serde_json::{Value, json};

use super::schema;

/// A place in an object, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// The name of the field.
    name: &'a str,
    /// The name of the field that it is in.
    parent: &'a str,
    /// What the definition says of this place, where there is one.
    schema: Option<&'a Value>,
    /// Whether field names mean what they mean in Kubernetes itself.
    native: bool,
}

/// How two lists become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed<'a> {
    /// One replaces the other.
    Atomic,
    /// Each value is there once.
    Set,
    /// Items are told apart by these fields.
    Map(Vec<&'a str>),
}

/// Lists whose items are told apart by fields.
const MAPS: &[(&str, &[&str])] = &[
    ("claims", &["name"]),
    ("conditions", &["type"]),
    ("containers", &["name"]),
    ("env", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("hostAliases", &["ip"]),
    ("imagePullSecrets", &["name"]),
    ("initContainers", &["name"]),
    ("ownerReferences", &["uid"]),
    ("ports", &["containerPort", "protocol"]),
    ("readinessGates", &["conditionType"]),
    ("resourceClaims", &["name"]),
    ("schedulingGates", &["name"]),
    ("secrets", &["name"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("volumeDevices", &["devicePath"]),
    ("volumeMounts", &["mountPath"]),
    ("volumes", &["name"]),
    ("webhooks", &["name"]),
];

/// Objects that are one piece.
const ATOMIC: &[&str] = &[
    "configMapKeyRef",
    "configMapRef",
    "fieldRef",
    "involvedObject",
    "labelSelector",
    "namespaceSelector",
    "nodeSelector",
    "objectSelector",
    "podSelector",
    "regarding",
    "related",
    "resourceFieldRef",
    "roleRef",
    "scaleTargetRef",
    "secretKeyRef",
    "secretRef",
    "selector",
    "targetRef",
];

impl<'a> Shape<'a> {
    /// The whole of an object: of a custom resource with what its definition says.
    pub fn of(schema: Option<&'a Value>, native: bool) -> Self {
        Self { name: "", parent: "", schema, native }
    }

    /// A field of it.
    pub fn field(self, name: &'a str) -> Self {
        if self.name.is_empty() && name == "metadata" {
            return Self { name, parent: "", schema: None, native: true };
        }
        let schema = self.schema.and_then(|schema| schema::field(schema, name));
        Self { name, parent: self.name, schema, native: self.native }
    }

    /// An item of a list.
    pub fn item(self) -> Self {
        Self { schema: self.schema.and_then(|schema| schema.get("items")), parent: self.name, ..self }
    }

    /// How a list at this place merges.
    pub fn list(self) -> Listed<'a> {
        if let Some(schema) = self.schema {
            let text = |value: &'a Value| value.as_str();
            return match schema.get("x-kubernetes-list-type").and_then(text) {
                Some("set") => Listed::Set,
                Some("map") => {
                    let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
                    Listed::Map(keys.into_iter().flatten().filter_map(text).collect())
                }
                _ => Listed::Atomic,
            };
        }
        if !self.native {
            return Listed::Atomic;
        }
        match (self.parent, self.name) {
            ("metadata", "finalizers") => Listed::Set,
            // Only of workloads; a Job's are one piece, but nobody applies a status of Jobs.
            (parent, "conditions") if parent != "status" => Listed::Atomic,
            // A Service's, which have no container.
            ("spec", "ports") => Listed::Map(vec!["port", "protocol"]),
            (_, name) => match MAPS.iter().find(|(list, _)| *list == name) {
                Some((_, keys)) => Listed::Map(keys.to_vec()),
                None => Listed::Atomic,
            },
        }
    }

    /// Whether an object at this place is one piece.
    pub fn is_atomic(self) -> bool {
        match self.schema {
            Some(schema) => schema.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic"),
            None => self.native && ATOMIC.contains(&self.name),
        }
    }
}

/// What tells an item of a list from others: its keys, as JSON. None where it has none of
/// them.
pub fn key_of(item: &Value, keys: &[&str]) -> Option<String> {
    let fields = item.as_object()?;
    let mut found = serde_json::Map::new();
    for key in keys {
        match fields.get(*key) {
            Some(value) => _ = found.insert((*key).to_owned(), value.clone()),
            // The one key with a default.
            None if *key == "protocol" => _ = found.insert("protocol".to_owned(), json!("TCP")),
            None => {}
        }
    }
    (!found.is_empty()).then(|| Value::Object(found).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pods_lists_are_maps_by_what_names_their_items() {
        let pod = Shape::of(None, true).field("spec");
        let container = pod.field("containers").item();
        assert_eq!(pod.field("containers").list(), Listed::Map(vec!["name"]));
        assert_eq!(container.field("ports").list(), Listed::Map(vec!["containerPort", "protocol"]));
        assert_eq!(pod.field("ports").list(), Listed::Map(vec!["port", "protocol"]));
        assert_eq!(container.field("args").list(), Listed::Atomic);
        assert!(pod.field("nodeSelector").is_atomic() && !pod.field("affinity").is_atomic());
        let key = key_of(&json!({"containerPort": 80}), &["containerPort", "protocol"]);
        assert_eq!(key.as_deref(), Some(r#"{"containerPort":80,"protocol":"TCP"}"#));
    }

    #[test]
    fn a_custom_resource_merges_as_its_definition_says() {
        let schema = json!({"properties": {"spec": {"properties": {
            "containers": {"type": "array"},
            "rules": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
            "tags": {"x-kubernetes-list-type": "set"},
            "ref": {"x-kubernetes-map-type": "atomic"},
        }}}});
        let spec = Shape::of(Some(&schema), false).field("spec");
        assert_eq!(spec.field("containers").list(), Listed::Atomic);
        assert_eq!(spec.field("rules").list(), Listed::Map(vec!["id"]));
        assert_eq!(spec.field("tags").list(), Listed::Set);
        assert!(spec.field("ref").is_atomic());
        let metadata = Shape::of(Some(&schema), false).field("metadata");
        assert_eq!(metadata.field("finalizers").list(), Listed::Set);
        assert_eq!(Shape::of(None, false).field("spec").field("containers").list(), Listed::Atomic);
    }
}
