//! Policies, or namespaces of theirs, that are held back for want of rights.

use std::collections::BTreeMap;

use suture_core::Labels;

/// What a policy is held back from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// Why it starts no run at all, where it starts none.
    pub all: Option<String>,
    /// In which namespaces it starts none, and why.
    pub namespaces: BTreeMap<String, String>,
}

impl Hold {
    /// No run at all starts.
    pub fn all(why: impl Into<String>) -> Self {
        Self { all: Some(why.into()), namespaces: BTreeMap::new() }
    }

    /// Whether nothing is held back.
    pub fn is_none(&self) -> bool {
        self.all.is_none() && self.namespaces.is_empty()
    }

    /// All reasons, for people; none where nothing is held back.
    pub fn why(&self) -> Option<String> {
        let reasons: Vec<&str> =
            self.all.iter().chain(self.namespaces.values()).map(String::as_str).collect();
        (!reasons.is_empty()).then(|| reasons.join(". "))
    }

    /// The namespace that holds an incident back, and why.
    pub fn namespace_of(&self, key: &Labels, labels: &Labels) -> Option<(&str, &str)> {
        let in_key = named(key, &self.namespaces);
        let found = if has_namespace(key) { in_key } else { named(labels, &self.namespaces) };
        found.map(|(namespace, why)| (namespace.as_str(), why.as_str()))
    }
}

/// Whether a label says in which namespace something is: `namespace`, `obj_namespace`, …
fn is_namespace(label: &str) -> bool {
    label.ends_with("namespace")
}

fn has_namespace(labels: &Labels) -> bool {
    labels.keys().any(|label| is_namespace(label))
}

fn named<'a>(labels: &Labels, namespaces: &'a BTreeMap<String, String>) -> Option<(&'a String, &'a String)> {
    let values = labels.iter().filter(|(label, _)| is_namespace(label)).map(|(_, value)| value);
    values.filter_map(|value| namespaces.get_key_value(value)).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_key_says_which_namespace_an_incident_is_about_and_else_the_alert() {
        let why = "it may not read pods".to_owned();
        let hold = Hold { all: None, namespaces: [("media".to_owned(), why)].into() };
        let is_held = |key: &[(&str, &str)], alert: &[(&str, &str)]| {
            hold.namespace_of(&labels(key), &labels(alert)).is_some()
        };
        assert!(is_held(&[("obj_namespace", "media")], &[]));
        assert!(!is_held(&[("obj_namespace", "home")], &[("namespace", "media")]), "of who says it");
        assert!(is_held(&[("fingerprint", "media")], &[("namespace", "media")]));
        assert!(!is_held(&[("obj_name", "media")], &[("job", "media")]));
    }
}
