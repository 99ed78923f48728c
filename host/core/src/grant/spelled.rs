//! Objects that a grant is about only where `names` spells them: a pattern is written with ordinary
//! objects in mind.

use super::{Access, Grant, Verb};

/// Objects whose names must be spelled.
struct Row {
    group: &'static str,
    /// The one resource of the group; none for all of them.
    only: Option<&'static str>,
    /// The namespaces that it is about; none for all, and for what has none.
    namespaces: &'static [&'static str],
    /// What may be done only so.
    verbs: &'static [Verb],
    why: &'static str,
}

const fn deleting(group: &'static str, only: Option<&'static str>, why: &'static str) -> Row {
    Row { group, only, namespaces: &[], verbs: &[Verb::Delete], why }
}

const OPENS: &str = "without it is open what it closed";

const TABLE: [Row; 11] = [
    deleting("networking.k8s.io", Some("networkpolicies"), OPENS),
    deleting("policy", Some("poddisruptionbudgets"), OPENS),
    deleting("", Some("resourcequotas"), OPENS),
    deleting("", Some("limitranges"), OPENS),
    deleting("admissionregistration.k8s.io", None, OPENS),
    deleting("apiregistration.k8s.io", None, "what it serves goes with it"),
    deleting("apiextensions.k8s.io", None, "all its objects go with it"),
    deleting("", Some("namespaces"), "all that is in it goes with it"),
    deleting("", Some("nodes"), "the pods on it go with it, and whatever protects them is not asked"),
    deleting("coordination.k8s.io", None, "two may then take themselves for the one that acts"),
    Row {
        group: "",
        only: Some("configmaps"),
        namespaces: &["kube-system", "kube-public", "kube-node-lease"],
        verbs: &[Verb::Create, Verb::Patch, Verb::Delete],
        why: "the cluster itself runs by what is in this namespace",
    },
];

fn find(group: &str, resource: &str, verb: Verb) -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(move |row| {
        row.group == group && row.only.is_none_or(|only| only == resource) && row.verbs.contains(&verb)
    })
}

/// Why a grant must spell the name of what is accessed, where it does not.
pub(super) fn why_not_spelled(grant: &Grant, access: &Access<'_>) -> Option<&'static str> {
    let is_spelled =
        access.name.is_some_and(|name| grant.names.iter().any(|glob| glob.exact() == Some(name)));
    if is_spelled || access.subresource.is_some() {
        return None;
    }
    let is_there = |row: &&Row| {
        row.namespaces.is_empty() || access.namespace.is_some_and(|one| row.namespaces.contains(&one))
    };
    find(access.group, access.resource, access.verb).find(is_there).map(|row| row.why)
}

/// Why a grant allows a verb on no object of a resource, wherever that is, for want of a name that is
/// spelled.
pub(super) fn why_unusable(grant: &Grant, group: &str, resource: &str, verb: Verb) -> Option<&'static str> {
    if grant.names.iter().any(|glob| glob.exact().is_some()) {
        return None;
    }
    find(group, resource, verb).find(|row| row.namespaces.is_empty()).map(|row| row.why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> Grant {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn what_holds_others_is_deleted_only_by_a_name_that_is_spelled() {
        let access = Access {
            group: "networking.k8s.io",
            resource: "networkpolicies",
            subresource: None,
            verb: Verb::Delete,
            namespace: Some("media"),
            namespaced: true,
            name: Some("default-deny"),
        };
        let of = |names: &str| {
            grant(&format!(
                "{{groups: ['*', ''], resources: [networkpolicies, configmaps, namespaces, nodes], verbs: [get, create, patch, delete], namespaces: ['*'], names: [{names}]}}"
            ))
        };
        assert!(!of("'*'").allows(&access) && !of("'default-*', '{default-deny,x}'").allows(&access));
        assert!(of("'*', default-deny").allows(&access));
        assert!(of("'*'").allows(&Access { verb: Verb::Patch, ..access }), "`fields` is about that");
        for resource in ["namespaces", "nodes"] {
            let one = Access { group: "", resource, namespace: None, namespaced: false, ..access };
            assert!(!of("'*'").allows(&one) && of("default-deny").allows(&one), "{resource}");
        }
    }

    #[test]
    fn a_config_map_of_the_system_is_written_only_by_a_name_that_is_spelled() {
        let of = |namespace, verb, name| Access {
            group: "",
            resource: "configmaps",
            subresource: None,
            verb,
            namespace: Some(namespace),
            namespaced: true,
            name,
        };
        let any = grant(
            "{groups: [''], resources: [configmaps], verbs: [get, create, patch, delete], namespaces: ['*']}",
        );
        let one = grant(
            "{groups: [''], resources: [configmaps], verbs: [patch], namespaces: [kube-system], names: [mine]}",
        );
        for verb in [Verb::Create, Verb::Patch, Verb::Delete] {
            for name in [Some("mine"), None] {
                assert!(!any.allows(&of("kube-system", verb, name)), "{verb}");
            }
            assert!(any.allows(&of("media", verb, Some("mine"))), "{verb}");
        }
        assert!(any.allows(&of("kube-system", Verb::Get, Some("mine"))));
        assert!(one.allows(&of("kube-system", Verb::Patch, Some("mine"))));
        assert!(any.unusable().is_empty(), "{:?}", any.unusable());
    }
}
