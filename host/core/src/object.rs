//! Kubernetes objects as JSON, and how they are named.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A Kubernetes object. Shared, because one object is read by many.
pub type Object = Arc<Value>;

/// A kind of object: API version and kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kind {
    /// `v1`, `batch/v1`.
    pub api_version: String,
    /// `Pod`, `Job`.
    pub kind: String,
}

impl Kind {
    /// A kind from its parts.
    pub fn new(api_version: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { api_version: api_version.into(), kind: kind.into() }
    }

    /// The kind that an object says it is.
    pub fn of(object: &Value) -> Option<Self> {
        Some(Self::new(object.get("apiVersion")?.as_str()?, object.get("kind")?.as_str()?))
    }

    /// The API group: empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Whether it is a kind of Kubernetes itself, and not a custom resource, by its group.
    pub fn is_of_kubernetes(&self) -> bool {
        is_group_of_kubernetes(self.group())
    }

    /// Whether it is that of Secrets.
    pub fn is_secret(&self) -> bool {
        self.group().is_empty() && self.kind == "Secret"
    }

    /// The version in the group.
    pub fn version(&self) -> &str {
        self.api_version.split_once('/').map_or(&self.api_version, |(_, version)| version)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version, self.kind)
    }
}

/// Whether an API group is one of Kubernetes itself: those of k8s.io/api, and no other that ends
/// in `.k8s.io`, of which there are many custom ones (`snapshot.storage.k8s.io`,
/// `sparkoperator.k8s.io`).
pub fn is_group_of_kubernetes(group: &str) -> bool {
    const GROUPS: [&str; 23] = [
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    ];
    GROUPS.contains(&group)
}

/// One object, by kind, namespace and name. Written `APIVERSION KIND NAMESPACE/NAME`,
/// or `APIVERSION KIND NAME` where there is no namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// None where the kind has no namespaces.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectRef {
    /// The reference to an object, from its own fields.
    pub fn of(object: &Value) -> Option<Self> {
        Some(Self {
            kind: Kind::of(object)?,
            namespace: namespace(object).map(str::to_owned),
            name: name(object)?.to_owned(),
        })
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

impl From<ObjectRef> for String {
    fn from(reference: ObjectRef) -> Self {
        reference.to_string()
    }
}

impl TryFrom<String> for ObjectRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for ObjectRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let (Some(api_version), Some(kind), Some(path), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(format!("`{text}` is not of the form `APIVERSION KIND NAMESPACE/NAME`"));
        };
        let (namespace, name) = match path.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, path),
        };
        if name.is_empty() || namespace.as_deref() == Some("") {
            return Err(format!("`{text}` has an empty namespace or name"));
        }
        Ok(Self { kind: Kind::new(api_version, kind), namespace, name: name.to_owned() })
    }
}

fn metadata<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object.get("metadata")?.get(field)?.as_str()
}

/// `metadata.name`.
pub fn name(object: &Value) -> Option<&str> {
    metadata(object, "name")
}

/// `metadata.namespace`.
pub fn namespace(object: &Value) -> Option<&str> {
    metadata(object, "namespace")
}

/// `metadata.uid`.
pub fn uid(object: &Value) -> Option<&str> {
    metadata(object, "uid")
}

/// `metadata.resourceVersion`.
pub fn resource_version(object: &Value) -> Option<&str> {
    metadata(object, "resourceVersion")
}

/// An annotation's value.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// Whether the object is being deleted.
pub fn is_terminating(object: &Value) -> bool {
    metadata(object, "deletionTimestamp").is_some()
}

/// The annotation by which an object that a run made is found again: `RUN/STEP`.
pub const RUN_ANNOTATION: &str = "suture.dev/run";

/// Whether an annotation is one of Suture's own: of the host, or of a policy.
pub fn is_own_annotation(name: &str) -> bool {
    let (prefix, _) = name.split_once('/').unwrap_or(("", name));
    prefix == "suture.dev" || prefix.ends_with(".suture.dev")
}

/// What an object may show to a policy and to the journal: no `managedFields` (but where one
/// object is read, to say who owns its fields), and of a Secret only its metadata, type and
/// key names.
pub fn redact(object: Object) -> Object {
    let is_secret = object.get("kind").and_then(Value::as_str) == Some("Secret")
        && object.get("apiVersion").and_then(Value::as_str) == Some("v1");
    let has_managed_fields = object.get("metadata").is_some_and(|m| m.get("managedFields").is_some());
    if !is_secret && !has_managed_fields {
        return object;
    }
    redacted(Arc::unwrap_or_clone(object), is_secret)
}

/// The same of an object that is a Secret, whether it says so or not.
pub fn redact_secret(object: &Object) -> Object {
    redacted(Value::clone(object), true)
}

fn redacted(mut object: Value, is_secret: bool) -> Object {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if is_secret && let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
        {
            // kubectl keeps the whole object there, values included, and so do many other tools.
            let others = annotations.iter_mut().filter(|(name, _)| !is_own_annotation(name));
            others.for_each(|(_, value)| *value = Value::from(""));
        }
    }
    if is_secret {
        for field in ["data", "stringData"] {
            if let Some(values) = object.get_mut(field).and_then(Value::as_object_mut) {
                values.values_mut().for_each(|value| *value = Value::from(""));
            }
        }
    }
    Arc::new(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_reads_back_as_it_is_written() {
        for text in ["batch/v1 Job media/plex", "v1 Namespace media"] {
            assert_eq!(text.parse::<ObjectRef>().unwrap().to_string(), text);
        }
        assert!("batch/v1 media/plex".parse::<ObjectRef>().is_err());
        assert!("v1 Pod media/".parse::<ObjectRef>().is_err());
    }

    #[test]
    fn a_secret_shows_its_keys_and_nothing_of_its_values() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "s", "managedFields": [], "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{hunter2}"}},
            "data": {"password": "aHVudGVyMg=="}, "stringData": {"b": "hunter2"}});
        let text = redact(Arc::new(secret)).to_string();
        assert!(text.contains("password"));
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg") && !text.contains("managedFields"));
    }
}
