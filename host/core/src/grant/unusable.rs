//! Grants that nobody can ever use: what they name is not there, or no policy may do it.

use std::collections::BTreeMap;

use super::closed::{closed_resource, why_never_deleted};
use super::{Glob, Grant, Verb, spelled};
use crate::names::shortened;
use crate::rbac::{group_of, is_known, is_namespaced};

impl Grant {
    /// Why this grant, or a part of it, can be used by no one: a sentence each.
    pub fn unusable(&self) -> Vec<String> {
        let mut because: BTreeMap<String, Vec<(&str, Verb)>> = BTreeMap::new();
        for resource in &self.resources {
            for verb in &self.verbs {
                if let Some(reason) = self.why_unusable(resource, *verb) {
                    because.entry(reason).or_default().push((resource, *verb));
                }
            }
        }
        let all = self.resources.len() * self.verbs.len();
        let sentence = |(reason, of): (String, Vec<(&str, Verb)>)| match of.len() {
            count if count == all => format!("this grant can be used by no one, because {reason}"),
            _ => format!("{} of this grant can be used by no one, because {reason}", self.named(&of)),
        };
        because.into_iter().map(sentence).collect()
    }

    /// Rights in words; a resource alone where it is about all of the verbs.
    fn named(&self, rights: &[(&str, Verb)]) -> String {
        let of = |resource: &str| rights.iter().filter(|(of, _)| *of == resource).count();
        let mut words: Vec<String> = Vec::new();
        for (resource, verb) in rights {
            let is_whole = of(resource) == self.verbs.len();
            let shown = shortened(resource);
            let word = if is_whole { format!("`{shown}`") } else { format!("`{verb} {shown}`") };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(", ")
    }

    /// Why a resource and a verb that this grant names can be used by no one, as far as that is
    /// known without a cluster.
    pub(super) fn why_unusable(&self, resource: &str, verb: Verb) -> Option<String> {
        self.why_not_named(resource).or_else(|| self.why_not_done(resource, verb))
    }

    /// Why there is nothing that the grant names.
    fn why_not_named(&self, resource: &str) -> Option<String> {
        if let Some(group) = self.groups.iter().find(|group| is_version(group))
            && self.groups.iter().all(|group| is_version(group))
        {
            return Some(of_version(group));
        }
        if resource.contains('*') {
            return Some("resources have no patterns: name each".to_owned());
        }
        if self.names.is_empty() {
            return Some("it names no objects (`names: []`)".to_owned());
        }
        let object = object(resource);
        if self.served(object).next().is_none() {
            let groups: Vec<_> =
                self.groups.iter().map(|group| format!("\"{}\"", shortened(group))).collect();
            let elsewhere = match group_of(object) {
                Some(group) => format!("; it is one of \"{group}\""),
                None if is_known("", &format!("{object}s")) => format!("; resources are plural: `{object}s`"),
                None => String::new(),
            };
            let shown = shortened(object);
            return Some(format!("`{shown}` is no resource of {}{elsewhere}", groups.join(", ")));
        }
        let needs_namespace = |group: &str| group != "*" && is_namespaced(group, object) == Some(true);
        if self.namespaces.is_empty()
            && self.namespace_selector.is_none()
            && self.served(object).all(needs_namespace)
        {
            return Some("it names no `namespaces`, and these objects live in one".to_owned());
        }
        None
    }

    /// Why no policy may do what the grant allows.
    fn why_not_done(&self, resource: &str, verb: Verb) -> Option<String> {
        if self.verbs.iter().all(|verb| *verb == Verb::Watch) {
            return Some("waiting needs `get`, and `watch` alone allows nothing".to_owned());
        }
        let object = object(resource);
        if let Some((_, subresource)) = resource.split_once('/') {
            return why_no_subresource(object, subresource, &self.verbs);
        }
        if verb == Verb::List && !self.names.iter().any(Glob::is_any) {
            return Some("a list shows every object, and `names` does not have `*`".to_owned());
        }
        let is =
            |group: &str, resource: &str| object == resource && self.served(object).all(|of| of == group);
        if verb == Verb::Create && is("", "secrets") {
            return Some("no policy may make a Secret: its values would stand in the journal".to_owned());
        }
        if verb == Verb::Patch && is("", "secrets") && !self.fields.is_empty() {
            let is_open = |field: &super::FieldPattern| field.begins_with("metadata");
            if !self.fields.iter().any(is_open) {
                return Some("of a Secret a policy may change nothing but its `metadata`".to_owned());
            }
        }
        if verb == Verb::Create && is("", "namespaces") {
            return Some("no policy may make a Namespace".to_owned());
        }
        if verb == Verb::Delete {
            let of_all = |why: &dyn Fn(&str) -> Option<&'static str>| {
                let mut reasons = self.served(object).map(why);
                let first = reasons.next()??;
                reasons.all(|why| why.is_some()).then_some(first)
            };
            if let Some(why) = of_all(&|group| why_never_deleted(group, object)) {
                return Some(format!("no policy may delete `{object}`: {why}"));
            }
            let why = of_all(&|group| spelled::why_unusable(self, group, object, verb))?;
            return Some(format!("`names` must have the names of `{object}` without a pattern: {why}"));
        }
        if matches!(verb, Verb::Create | Verb::Patch) {
            let mut closed = self.served(object).map(|group| closed_resource(group, object));
            let first = closed.next()??;
            if closed.all(|why| why.is_some()) {
                return Some(format!("no policy may write `{object}`: {first}"));
            }
        }
        None
    }

    /// The groups of this grant that have a resource, or may have it.
    fn served<'a>(&'a self, object: &'a str) -> impl Iterator<Item = &'a str> {
        let may_have = move |group: &&str| {
            *group == "*"
                || (!is_version(group) && (is_namespaced(group, object).is_none() || is_known(group, object)))
        };
        self.groups.iter().map(String::as_str).filter(may_have)
    }
}

fn object(resource: &str) -> &str {
    resource.split('/').next().unwrap_or(resource)
}

/// Whether what stands where a group is to stand is a version: `v1`, `apps/v1`.
fn is_version(group: &str) -> bool {
    let last = group.rsplit('/').next().unwrap_or(group);
    let digits = last.strip_prefix('v').unwrap_or_default();
    group.contains('/') || digits.starts_with(|c: char| c.is_ascii_digit()) && !digits.contains('.')
}

fn of_version(group: &str) -> String {
    let shown = shortened(group);
    match group.split_once('/') {
        Some((name, _)) => {
            format!("`{shown}` has a version, and grants name groups: write `{}`", shortened(name))
        }
        None => format!("`{shown}` is a version, and grants name groups: the core group is \"\""),
    }
}

/// Why no policy can do anything with a subresource by these verbs. That some of them are of no use
/// is usual: a grant has the same for all that it names.
fn why_no_subresource(object: &str, subresource: &str, verbs: &[Verb]) -> Option<String> {
    let (useful, needed): (&[Verb], _) = match subresource {
        "log" if object == "pods" => (&[Verb::Get], "reading a log is `get`"),
        "log" => (&[], "only `pods` have a `log`"),
        "status" | "scale" => (&[Verb::Get, Verb::Patch], "it is read with `get` and changed with `patch`"),
        _ => (&[], "no policy may use it"),
    };
    let is_useful = verbs.iter().any(|verb| useful.contains(verb));
    (!is_useful).then(|| format!("of the subresource `{}`: {needed}", shortened(subresource)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(grant: &str) -> Vec<String> {
        serde_saphyr::from_str::<Grant>(grant).unwrap().unusable()
    }

    #[test]
    fn a_grant_that_nobody_can_use_says_why() {
        for (grant, why) in [
            ("{groups: [''], resources: [pods], verbs: [get, list]}", "it names no `namespaces`"),
            ("{groups: [v1], resources: [pods], verbs: [get], namespaces: [media]}", "`v1` is a version"),
            ("{groups: [v1beta1], resources: [x], verbs: [get]}", "the core group is \"\""),
            ("{groups: [apps/v1], resources: [deployments], verbs: [get], namespaces: [a]}", "write `apps`"),
            (
                "{groups: [''], resources: [pod], verbs: [get], namespaces: [a]}",
                "resources are plural: `pods`",
            ),
            (
                "{groups: [''], resources: [deployments], verbs: [get], namespaces: [a]}",
                "it is one of \"apps\"",
            ),
            ("{groups: [''], resources: ['*'], verbs: [get], namespaces: [a]}", "resources have no patterns"),
            (
                "{groups: [''], resources: [secrets], verbs: [create], namespaces: [a]}",
                "no policy may make a Secret",
            ),
            (
                "{groups: [''], resources: [secrets], verbs: [patch], namespaces: [a], fields: [/data/key]}",
                "nothing but its `metadata`",
            ),
            ("{groups: [''], resources: [namespaces], verbs: [create]}", "no policy may make a Namespace"),
            (
                "{groups: [rbac.authorization.k8s.io], resources: [roles], verbs: [create, patch], namespaces: [a]}",
                "no policy may write `roles`: it gives rights",
            ),
            ("{groups: [''], resources: [persistentvolumes], verbs: [patch]}", "a folder of a node"),
            (
                "{groups: [''], resources: [pods/log], verbs: [list], namespaces: [a]}",
                "reading a log is `get`",
            ),
            ("{groups: [batch], resources: [jobs/log], verbs: [get], namespaces: [a]}", "only `pods` have"),
            (
                "{groups: [apps], resources: [deployments/scale], verbs: [create], namespaces: [a]}",
                "with `patch`",
            ),
            (
                "{groups: [''], resources: [pods/exec], verbs: [create], namespaces: [a]}",
                "no policy may use it",
            ),
            (
                "{groups: [''], resources: [pods/eviction], verbs: [create], namespaces: [a]}",
                "no policy may use it",
            ),
            (
                "{groups: [storage.k8s.io], resources: [volumeattachments], verbs: [delete]}",
                "its data is lost",
            ),
            ("{groups: [storage.k8s.io], resources: [storageclasses], verbs: [patch]}", "ask for its class"),
            (
                "{groups: [networking.k8s.io], resources: [networkpolicies], verbs: [delete], namespaces: [a]}",
                "must have the names of `networkpolicies` without a pattern",
            ),
            ("{groups: [''], resources: [pods], verbs: [watch], namespaces: [a]}", "waiting needs `get`"),
            (
                "{groups: [''], resources: [pods], verbs: [list], namespaces: [a], names: [x]}",
                "a list shows every",
            ),
            (
                "{groups: [''], resources: [pods], verbs: [get], namespaces: [a], names: []}",
                "names no objects",
            ),
        ] {
            let said = of(grant);
            assert_eq!(said.len(), 1, "{grant}: {said:?}");
            assert!(said[0].starts_with("this grant can be used by no one, because "), "{grant}: {said:?}");
            assert!(said[0].contains(why), "{grant}: {said:?}");
        }
    }

    #[test]
    fn the_part_that_nobody_can_use_is_named_where_the_rest_is_of_use() {
        let said = of("{groups: [''], resources: [pods, pods/log], verbs: [list], namespaces: [a]}");
        assert_eq!(
            said,
            [
                "`pods/log` of this grant can be used by no one, because of the subresource `log`: reading a log is `get`"
            ]
        );
        let said = of("{groups: ['', batch], resources: [pods, things], verbs: [get], namespaces: [a]}");
        assert!(
            said[0].starts_with("`things` of this grant") && said[0].contains("\"\", \"batch\""),
            "{said:?}"
        );
    }

    #[test]
    fn what_can_be_used_or_is_not_known_is_left_alone() {
        for grant in [
            "{groups: [''], resources: [pods, pods/log], verbs: [get], namespaces: [media]}",
            "{groups: ['', batch], resources: [pods, jobs], verbs: [get, list, watch], namespaces: ['*']}",
            "{groups: [''], resources: [pods], verbs: [get], namespaceSelector: {matchLabels: {a: b}}}",
            "{groups: [''], resources: [pods, pods/log], verbs: [get, list, watch], namespaces: [media]}",
            "{groups: [''], resources: [nodes], verbs: [get]}",
            "{groups: [''], resources: [persistentvolumes], verbs: [get, delete]}",
            "{groups: [''], resources: [secrets], verbs: [get, delete, patch], namespaces: [a]}",
            "{groups: [''], resources: [secrets], verbs: [patch], namespaces: [a], fields: [/metadata/labels/x]}",
            "{groups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents], verbs: [get]}",
            "{groups: [volsync.backube], resources: [replicationsources], verbs: [get, patch]}",
            "{groups: ['*'], resources: [things/status], verbs: [patch]}",
            "{metrics: [up]}",
        ] {
            assert_eq!(of(grant), Vec::<String>::new(), "{grant}");
        }
    }
}
