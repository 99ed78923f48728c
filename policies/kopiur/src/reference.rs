//! How Kopiur's objects name each other.

use std::fmt;

use serde::Deserialize;
use suture_policy::{Value, json};

use suture_policy::lenient::or_default;

/// Kopiur's API group.
pub const GROUP: &str = "kopiur.home-operations.com";

/// An object by its name, in the namespace of the object that names it where it says none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub namespace: Option<String>,
}

impl Named {
    /// Whether it is the object of this name, named by one in the namespace `home`.
    pub fn is(&self, namespace: &str, name: &str, home: &str) -> bool {
        self.name == name && self.namespace.as_deref().unwrap_or(home) == namespace
    }
}

/// A Repository or ClusterRepository by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RepositoryRef {
    #[serde(deserialize_with = "or_default")]
    kind: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub namespace: Option<String>,
}

impl RepositoryRef {
    /// What an alert's label says: `Kind/namespace/name`, where a kind without namespaces leaves
    /// that empty or out.
    pub fn parse(label: &str) -> Option<Self> {
        let parts: Vec<_> = label.split('/').collect();
        let (kind, namespace, name) = match parts.as_slice() {
            [kind, namespace, name] => (*kind, *namespace, *name),
            [kind, name] => (*kind, "", *name),
            _ => return None,
        };
        let is_known = matches!(kind, "Repository" | "ClusterRepository") && !name.is_empty();
        let namespace = Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty());
        is_known.then(|| Self { kind: Some(kind.to_owned()), name: name.to_owned(), namespace })
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("Repository")
    }

    /// Whether it is one that every namespace may use.
    pub fn is_cluster(&self) -> bool {
        self.kind() == "ClusterRepository"
    }

    /// The same with its namespace said, where its kind has one: that of the policy, if none is.
    pub fn at_home(mut self, home: &str) -> Self {
        match self.is_cluster() {
            true => self.namespace = None,
            false => {
                self.namespace.get_or_insert_with(|| home.to_owned());
            }
        }
        self.kind = Some(self.kind().to_owned());
        self
    }

    /// As it is written in a Snapshot.
    pub fn to_value(&self) -> Value {
        let mut value = json!({"kind": self.kind(), "name": self.name});
        if let Some(namespace) = &self.namespace {
            value["namespace"] = namespace.as_str().into();
        }
        value
    }
}

impl fmt::Display for RepositoryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind(), self.name),
            None => write!(f, "{} {}", self.kind(), self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_a_repository_with_or_without_a_namespace() {
        let shown = |label: &str| RepositoryRef::parse(label).map(|repository| repository.to_string());
        assert_eq!(shown("Repository/billing/nas").as_deref(), Some("Repository billing/nas"));
        assert_eq!(shown("ClusterRepository//nas").as_deref(), Some("ClusterRepository nas"));
        assert_eq!(shown("ClusterRepository/nas").as_deref(), Some("ClusterRepository nas"));
        assert_eq!((shown("nas"), shown("Secret/a/b"), shown("Repository/a/")), (None, None, None));
    }
}
