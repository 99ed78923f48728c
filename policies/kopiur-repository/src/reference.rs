//! How Kopiur's repositories are named.

use std::fmt;

use serde::Deserialize;

use suture_policy::lenient::or_default;

/// Kopiur's API group.
pub const GROUP: &str = "kopiur.home-operations.com";

/// A Repository or ClusterRepository by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RepositoryRef {
    #[serde(deserialize_with = "or_default")]
    kind: Option<String>,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its namespace, where its kind has one.
    #[serde(deserialize_with = "or_default")]
    pub namespace: Option<String>,
}

impl RepositoryRef {
    /// A Repository.
    pub fn namespaced(namespace: &str, name: &str) -> Self {
        Self {
            kind: Some("Repository".to_owned()),
            name: name.to_owned(),
            namespace: Some(namespace.to_owned()),
        }
    }

    /// A ClusterRepository.
    pub fn cluster(name: &str) -> Self {
        Self { kind: Some("ClusterRepository".to_owned()), name: name.to_owned(), namespace: None }
    }

    /// The same as an object in the namespace `home` means it; none where it names nothing that can be.
    pub fn seen_from(&self, home: &str) -> Option<Self> {
        let namespace = self.namespace.as_deref().unwrap_or(home);
        match self.kind.as_deref() {
            _ if !is_name(&self.name) || !is_name(namespace) => None,
            None | Some("Repository") => Some(Self::namespaced(namespace, &self.name)),
            Some("ClusterRepository") => Some(Self::cluster(&self.name)),
            Some(_) => None,
        }
    }

    /// The command that shows all that there is to see of it.
    pub fn describe(&self) -> String {
        self.kubectl("describe")
    }

    /// `kubectl` with a verb on it.
    pub fn kubectl(&self, verb: &str) -> String {
        match &self.namespace {
            Some(namespace) => format!("kubectl -n {namespace} {verb} repositories.{GROUP} {}", self.name),
            None => format!("kubectl {verb} clusterrepositories.{GROUP} {}", self.name),
        }
    }
}

impl fmt::Display for RepositoryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "Repository {namespace}/{}", self.name),
            None => write!(f, "ClusterRepository {}", self.name),
        }
    }
}

/// Whether Kubernetes takes a text as a name. It comes from a label, and becomes a part of commands.
pub fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 253
        && text.bytes().all(|byte| fits(byte) || b"-.".contains(&byte))
        && text
            .split('.')
            .all(|part| part.bytes().next().is_some_and(fits) && part.bytes().last().is_some_and(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_in_the_namespace_of_who_names_it() {
        let seen = |json: serde_json::Value| {
            let named: RepositoryRef = serde_json::from_value(json).unwrap();
            named.seen_from("media").map(|named| named.to_string())
        };
        use serde_json::json;
        assert_eq!(seen(json!({"name": "nas"})).as_deref(), Some("Repository media/nas"));
        assert_eq!(
            seen(json!({"name": "nas", "namespace": "a", "kind": null})).as_deref(),
            Some("Repository a/nas")
        );
        let cluster = json!({"name": "nas", "namespace": "a", "kind": "ClusterRepository"});
        assert_eq!(seen(cluster).as_deref(), Some("ClusterRepository nas"));
        for nothing in [json!({"kind": "Secret", "name": "x"}), json!({"name": 7}), json!({"name": "x; y"})] {
            assert_eq!(seen(nothing), None);
        }
    }

    #[test]
    fn a_name_is_one_of_kubernetes() {
        for name in ["nas", "a.b-c", "0"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-a", "a.", "a..b", "NAS", "a/b", "a b", "a;rm", "ä", &"x".repeat(254)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
