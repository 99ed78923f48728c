//! What a grant lacks to allow an access: the nearest one is named where nothing does.

use std::collections::BTreeMap;
use std::fmt;

use super::{Access, Glob, Grant, spelled};

/// The first thing that a grant lacks, from what is farthest from allowing an access to what
/// is nearest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shortfall {
    /// It is about other resources.
    Resource,
    /// It does not allow the verb.
    Verb,
    /// It does not allow the namespace; with those that it allows.
    Namespace(String),
    /// It does not allow the name; with those that it allows.
    Name(String),
    /// It does not spell the name, which this needs; with why.
    Spelled(String),
    /// It does not allow a field to be touched; with the field and those that it allows.
    Field(String),
    /// It does not spell a field that must be; with the field, and how and why.
    Named(String),
    /// Its condition does not hold; with the condition, and why where it is an error.
    Condition(String),
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource => f.write_str("it is about other resources"),
            Self::Verb => f.write_str("it does not have the verb"),
            Self::Namespace(allowed) => write!(f, "its namespaces are {allowed}"),
            Self::Name(allowed) => write!(f, "its names are {allowed}"),
            Self::Spelled(why) => write!(f, "its `names` do not have this name without a pattern: {why}"),
            Self::Named(what) => f.write_str(what),
            Self::Field(what) => write!(f, "its `fields` do not cover {what}"),
            Self::Condition(what) => write!(f, "its `where` does not hold: {what}"),
        }
    }
}

impl Grant {
    /// What this grant lacks to allow an access; none where it allows it. Without the labels
    /// of the namespace a selector selects nothing.
    pub fn shortfall(
        &self,
        access: &Access<'_>,
        labels: Option<&BTreeMap<String, String>>,
    ) -> Option<Shortfall> {
        let Access { group, namespace, namespaced, name, verb, .. } = access;
        if !self.groups.iter().any(|granted| granted == group || granted == "*")
            || !self.resources.iter().any(|resource| access.is_about(resource))
        {
            return Some(Shortfall::Resource);
        }
        if !self.verbs.contains(verb) {
            return Some(Shortfall::Verb);
        }
        let in_namespace = match (namespaced, namespace) {
            (false, _) => true,
            (true, Some(namespace)) => {
                let selected = self.namespace_selector.as_ref().zip(labels);
                self.namespaces.iter().any(|glob| glob.matches(namespace))
                    || selected.is_some_and(|(selector, labels)| selector.matches(labels))
            }
            (true, None) => self.namespaces.iter().any(Glob::is_any),
        };
        if !in_namespace {
            let selector = self.namespace_selector.as_ref().map(|selector| {
                let pairs = selector.match_labels.iter().map(|(name, value)| format!("{name}={value}"));
                format!(" and those labelled {}", pairs.collect::<Vec<_>>().join(","))
            });
            let allowed = format!("{}{}", listed(&self.namespaces), selector.unwrap_or_default());
            return Some(Shortfall::Namespace(allowed));
        }
        let named = match name {
            Some(name) => self.names.iter().any(|glob| glob.matches(name)),
            None => self.names.iter().any(Glob::is_any),
        };
        if !named {
            return Some(Shortfall::Name(listed(&self.names)));
        }
        spelled::why_not_spelled(self, access).map(|why| Shortfall::Spelled(why.to_owned()))
    }
}

fn listed(globs: &[Glob]) -> String {
    format!("[{}]", globs.iter().map(Glob::as_str).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grant::Verb;

    fn grant() -> Grant {
        serde_json::from_value(json!({"groups": [""], "resources": ["pods"], "verbs": ["get", "delete"],
            "namespaces": ["media"], "namespaceSelector": {"matchLabels": {"team": "home"}}, "names": ["a-*"]}))
        .unwrap()
    }

    fn access() -> Access<'static> {
        Access {
            group: "",
            resource: "pods",
            subresource: None,
            verb: Verb::Delete,
            namespace: Some("media"),
            namespaced: true,
            name: Some("a-1"),
        }
    }

    #[test]
    fn what_is_lacking_is_named() {
        let lacks = |access: Access<'_>| grant().shortfall(&access, None);
        assert_eq!(lacks(access()), None);
        assert_eq!(lacks(Access { group: "apps", ..access() }), Some(Shortfall::Resource));
        assert_eq!(lacks(Access { verb: Verb::Patch, ..access() }), Some(Shortfall::Verb));
        let elsewhere = lacks(Access { namespace: Some("x"), ..access() }).unwrap().to_string();
        assert_eq!(elsewhere, "its namespaces are [media] and those labelled team=home");
        assert_eq!(lacks(Access { name: Some("b"), ..access() }).unwrap().to_string(), "its names are [a-*]");
    }

    #[test]
    fn a_selector_selects_by_the_labels_that_a_namespace_has() {
        let labels = |value: &str| BTreeMap::from([("team".to_owned(), value.to_owned())]);
        let elsewhere = Access { namespace: Some("x"), ..access() };
        assert_eq!(grant().shortfall(&elsewhere, Some(&labels("home"))), None);
        assert!(grant().shortfall(&elsewhere, Some(&labels("work"))).is_some());
        assert!(grant().shortfall(&elsewhere, None).is_some());
        let everywhere = Access { namespace: None, verb: Verb::Get, name: None, ..access() };
        assert!(grant().shortfall(&everywhere, Some(&labels("home"))).is_some(), "a list of all is more");
        let empty = json!({"groups": [""], "resources": ["pods"], "verbs": ["get"], "namespaceSelector": {"matchLabels": {}}});
        assert!(serde_json::from_value::<Grant>(empty).unwrap_err().to_string().contains("every namespace"));
    }
}
