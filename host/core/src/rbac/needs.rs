//! What grants and the host need, right by right.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::is_namespaced;
use super::{Purpose, Reach, Right};
use crate::grant::{Glob, Grant, Verb, makes_pods};
use crate::manifest::Permission;

/// The host's own cluster identity: the uid of this namespace.
const IDENTITY: &str = "kube-system";
/// Where Events about objects without a namespace are kept.
const EVENTS_OF_THE_CLUSTER: &str = "default";

/// What chooses pods by their labels; after the first three, what adopts those without a controller.
const CHOOSING: [(&str, &str); 7] = [
    ("", "services"),
    ("networking.k8s.io", "networkpolicies"),
    ("policy", "poddisruptionbudgets"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("", "replicationcontrollers"),
];

/// Where and as whom the host runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Its namespace.
    pub namespace: String,
    /// Its ServiceAccount.
    pub service_account: String,
    /// The Lease that lets one host of several act; none where that is turned off.
    pub lease: Option<String>,
    /// Whether people decide about plans by Approvals in its namespace.
    pub approvals: bool,
}

/// A policy that wants to do something.
#[derive(Clone, Copy, Debug)]
pub struct Requester<'a> {
    /// Its name in the host.
    pub policy: &'a str,
    /// What the operator grants.
    pub grants: &'a [Grant],
    /// What its manifest requests under its settings; none where the module can't be read, and everything
    /// that is granted counts.
    pub requested: Option<&'a [Permission]>,
}

/// Rights, each with what it is for, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    rights: BTreeMap<Right, BTreeSet<(Purpose, String)>>,
    doubts: BTreeSet<String>,
}

impl Needs {
    /// What policies need, and nothing of the host's own.
    pub fn of<'a>(requesters: impl IntoIterator<Item = Requester<'a>>) -> Self {
        let mut needs = Self::default();
        for requester in requesters {
            for grant in requester.grants {
                needs.add_grant(&requester, grant);
            }
        }
        needs
    }

    /// With what the host itself needs.
    #[must_use]
    pub fn with_host(mut self, installation: &Installation) -> Self {
        let why = "to know which cluster this is: a run never goes on in another";
        let identity = Right {
            reach: Reach::Cluster,
            group: String::new(),
            resource: "namespaces".to_owned(),
            verb: "get",
            name: Some(IDENTITY.to_owned()),
        };
        self.add(identity, Purpose::Host, why);
        self.add_existence();
        if let Some(lease) = &installation.lease {
            let why = "to be the one host that acts";
            // A create has no name that RBAC could look at.
            for (verb, name) in [("create", None), ("get", Some(lease)), ("update", Some(lease))] {
                let right = Right {
                    reach: Reach::Namespace(installation.namespace.clone()),
                    group: "coordination.k8s.io".to_owned(),
                    resource: "leases".to_owned(),
                    verb,
                    name: name.cloned(),
                };
                self.add(right, Purpose::Host, why);
            }
        }
        if installation.approvals {
            self.add_approvals(&installation.namespace);
        }
        self
    }

    /// What it takes to read what people decide, and to know that the API server lets nobody
    /// decide in another's name.
    fn add_approvals(&mut self, namespace: &str) {
        let approvals = [
            ("approvals", "list", "to see what people decide about plans"),
            ("approvals", "get", "what is changed is read first, to pin its uid and version"),
            ("approvals/status", "patch", "to say on an Approval what became of it"),
        ];
        for (resource, verb, why) in approvals {
            let right = Right {
                reach: Reach::Namespace(namespace.to_owned()),
                group: "suture.dev".to_owned(),
                resource: resource.to_owned(),
                verb,
                name: None,
            };
            self.add(right, Purpose::Host, why);
        }
        for resource in ["validatingadmissionpolicies", "validatingadmissionpolicybindings"] {
            let right = Right {
                reach: Reach::Cluster,
                group: "admissionregistration.k8s.io".to_owned(),
                resource: resource.to_owned(),
                verb: "get",
                name: Some("approvals.suture.dev".to_owned()),
            };
            let why = "to know that nobody can approve in another's name: no Approval counts without";
            self.add(right, Purpose::Host, why);
        }
    }

    /// What it takes to tell a namespace that is gone from one in which a right is missing: the
    /// rights of a namespace go with it.
    fn add_existence(&mut self) {
        let namespaces: BTreeSet<String> =
            self.rights.keys().filter_map(|right| right.reach.namespace()).map(str::to_owned).collect();
        for namespace in namespaces {
            let right = Right {
                reach: Reach::Cluster,
                group: String::new(),
                resource: "namespaces".to_owned(),
                verb: "get",
                name: Some(namespace),
            };
            self.add(
                right,
                Purpose::Host,
                "to tell a namespace that is gone from one in which a right is missing",
            );
        }
    }

    /// The rights that something needs.
    pub fn rights(&self, wanted: impl Fn(&Purpose) -> bool) -> Vec<Right> {
        self.rights
            .iter()
            .filter(|(_, reasons)| reasons.iter().any(|(purpose, _)| wanted(purpose)))
            .map(|(right, _)| right.clone())
            .collect()
    }

    /// What is unclear about the grants, a sentence each.
    pub fn doubts(&self) -> impl Iterator<Item = &str> {
        self.doubts.iter().map(String::as_str)
    }

    /// The rights that no other includes, with the reasons of those that they include.
    pub(super) fn least(&self) -> BTreeMap<Right, BTreeSet<(Purpose, String)>> {
        let mut least: BTreeMap<Right, BTreeSet<(Purpose, String)>> = BTreeMap::new();
        for (right, reasons) in &self.rights {
            // Of those that include it, one that nothing else includes: inclusion is an order.
            let top = self
                .rights
                .keys()
                .filter(|other| other.includes(right))
                .fold(right, |top, other| if other.includes(top) { other } else { top });
            least.entry(top.clone()).or_default().extend(reasons.iter().cloned());
        }
        least
    }

    fn add(&mut self, right: Right, purpose: Purpose, why: &str) {
        self.rights.entry(right).or_default().insert((purpose, why.to_owned()));
    }

    fn add_grant(&mut self, requester: &Requester<'_>, grant: &Grant) {
        let everything = [Permission {
            groups: grant.groups.clone(),
            resources: grant.resources.clone(),
            verbs: grant.verbs.clone(),
            reason: "granted; its component could not be read, so what it requests is not known".to_owned(),
            ..Permission::default()
        }];
        for permission in requester.requested.unwrap_or(&everything) {
            for group in both(&grant.groups, &permission.groups) {
                for resource in permission.resources.iter().filter(|one| grant.resources.contains(one)) {
                    let wanted = Wanted { policy: requester.policy, grant, group, resource };
                    let verbs = grant.verbs.iter().filter(|verb| requests(permission, **verb));
                    for verb in verbs {
                        self.add_verb(&wanted, *verb, &permission.reason);
                    }
                }
            }
        }
    }

    fn add_verb(&mut self, wanted: &Wanted<'_>, verb: Verb, why: &str) {
        let policy = Purpose::Policy(wanted.policy.to_owned());
        if wanted.grant.namespace_selector.is_some() {
            self.add_namespaces(&policy);
        }
        for reach in self.reaches(wanted) {
            if matches!(verb, Verb::Create | Verb::Patch) {
                self.add_templates(wanted, &reach, &policy);
                self.add_adopted(wanted, &reach, &policy, verb);
                self.add_choosing(wanted, &reach, &policy, verb);
            }
            for name in wanted.names(verb) {
                self.add(wanted.right(&reach, wanted.resource, verb.as_str(), name), policy.clone(), why);
            }
            let is_read_first = match verb {
                Verb::Patch | Verb::Delete => true,
                Verb::Create | Verb::Get | Verb::List | Verb::Watch => false,
            };
            if is_read_first {
                let why = "what is changed is read first, to pin its uid and version";
                let (object, _) = wanted.resource.split_once('/').unwrap_or((wanted.resource, ""));
                for name in wanted.names(Verb::Get) {
                    self.add(wanted.right(&reach, object, "get", name), policy.clone(), why);
                }
            }
            if let Some(reach) = told_in(verb, reach) {
                let (group, resource) = ("events.k8s.io".to_owned(), "events".to_owned());
                let event = Right { reach, group, resource, verb: "create", name: None };
                let why = "to say on the objects, in Events, what was done and why";
                self.add(event, Purpose::Events(wanted.policy.to_owned()), why);
            }
        }
    }

    /// What a namespace selector costs: the labels of every namespace are read.
    fn add_namespaces(&mut self, policy: &Purpose) {
        let right = Right {
            reach: Reach::Cluster,
            group: String::new(),
            resource: "namespaces".to_owned(),
            verb: "get",
            name: None,
        };
        self.add(right, policy.clone(), "to see which namespaces a grant's `namespaceSelector` selects");
    }

    /// The CronJobs that a pod template is compared with.
    fn add_templates(&mut self, wanted: &Wanted<'_>, reach: &Reach, policy: &Purpose) {
        for source in &wanted.grant.pods.from {
            let right = Right {
                reach: reach.clone(),
                group: "batch".to_owned(),
                resource: "cronjobs".to_owned(),
                verb: "get",
                name: source.cron_job.exact().map(str::to_owned),
            };
            self.add(right, policy.clone(), "to compare a pod template with the one that `pods.from` names");
        }
    }

    /// What a controller that is made could adopt.
    fn add_adopted(&mut self, wanted: &Wanted<'_>, reach: &Reach, policy: &Purpose, verb: Verb) {
        let (group, resource) = match (wanted.group, wanted.resource, verb) {
            ("apps", "deployments", Verb::Create) => ("apps", "replicasets"),
            ("apps", "statefulsets", Verb::Create) => ("", "pods"),
            _ => return,
        };
        let right = Right {
            reach: reach.clone(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            verb: "list",
            name: None,
        };
        self.add(right, policy.clone(), "to see that what is made adopts nothing of others");
    }

    /// What could choose pods that are made, or get other labels.
    fn add_choosing(&mut self, wanted: &Wanted<'_>, reach: &Reach, policy: &Purpose, verb: Verb) {
        let Wanted { grant, group, resource, .. } = wanted;
        // What can only be a copy is not asked about; nor is a change of no labels.
        let only_copies = !grant.pods.from.is_empty() && grant.pods.images.is_empty();
        let is_asked = match verb {
            Verb::Create => !only_copies,
            Verb::Patch => grant.fields.iter().any(|field| field.to_string().contains("/labels")),
            Verb::Get | Verb::List | Verb::Watch | Verb::Delete => false,
        };
        if !is_asked || (!makes_pods(group, resource) && grant.pod_templates.is_empty()) {
            return;
        }
        let (others, controllers) = CHOOSING.split_at(3);
        let is_bare = (*group, *resource) == ("", "pods");
        for (group, resource) in others.iter().chain(controllers.iter().filter(|_| is_bare)) {
            let (group, resource) = ((*group).to_owned(), (*resource).to_owned());
            let right = Right { reach: reach.clone(), group, resource, verb: "list", name: None };
            self.add(right, policy.clone(), "to see that nothing of others chooses the pods that are made");
        }
    }

    /// Where a grant's resource is reached.
    fn reaches(&mut self, wanted: &Wanted<'_>) -> BTreeSet<Reach> {
        let Wanted { policy, grant, group, resource } = wanted;
        let (object, _) = resource.split_once('/').unwrap_or((resource, ""));
        let dot = if group.is_empty() { "" } else { "." };
        let known = if *group == "*" { None } else { is_namespaced(group, object) };
        let names_none = grant.namespaces.is_empty() && grant.namespace_selector.is_none();
        match (known, names_none) {
            (Some(false), _) => [Reach::Cluster].into(),
            (_, false) if grant.namespace_selector.is_some() => {
                let doubt = format!(
                    "policy `{policy}`: RBAC knows no selectors, so the `namespaceSelector` of the grant of \
                     {object}{dot}{group} costs the right in every namespace; Suture alone holds the policy to those \
                     that are selected"
                );
                self.doubts.insert(doubt);
                [Reach::AllNamespaces].into()
            }
            (Some(true), true) => {
                let doubt = format!(
                    "policy `{policy}`: the grant of {object}{dot}{group} names no namespaces, so it allows nothing"
                );
                self.doubts.insert(doubt);
                BTreeSet::new()
            }
            (None, true) => {
                let doubt = format!(
                    "policy `{policy}`: the grant of {object}{dot}{group} names no namespaces, so it is taken for \
                     a resource without them; if it has namespaces, name them: as it is, RBAC would allow it in \
                     every one"
                );
                self.doubts.insert(doubt);
                [Reach::Cluster].into()
            }
            (_, false) if grant.namespaces.iter().any(|one| one.exact().is_none()) => {
                [Reach::AllNamespaces].into()
            }
            (_, false) => {
                let exact = grant.namespaces.iter().filter_map(Glob::exact);
                exact.map(|namespace| Reach::Namespace(namespace.to_owned())).collect()
            }
        }
    }
}

/// One resource of a grant, for a policy that requests it.
struct Wanted<'a> {
    policy: &'a str,
    grant: &'a Grant,
    group: &'a str,
    resource: &'a str,
}

impl Wanted<'_> {
    fn right(&self, reach: &Reach, resource: &str, verb: &'static str, name: Option<String>) -> Right {
        let (group, resource) = (self.group.to_owned(), resource.to_owned());
        Right { reach: reach.clone(), group, resource, verb, name }
    }

    /// The names that RBAC is to allow for a verb; `None` among them is every name.
    fn names(&self, verb: Verb) -> Vec<Option<String>> {
        let names = &self.grant.names;
        let exact: Option<Vec<_>> = names.iter().map(|name| name.exact().map(str::to_owned)).collect();
        match (verb, exact) {
            // A list shows them all, so it needs `*`; without it the host allows none.
            (Verb::List, _) if !names.iter().any(Glob::is_any) => Vec::new(),
            // The URL of a create has no name, except that of a subresource's object.
            (Verb::Create, Some(exact)) if !self.resource.contains('/') && !exact.is_empty() => vec![None],
            (_, Some(exact)) => exact.into_iter().map(Some).collect(),
            (_, None) => vec![None],
        }
    }
}

/// Where Events tell of what a verb does: on what is changed, and on what the alert is
/// about, which is read and has a namespace.
fn told_in(verb: Verb, reach: Reach) -> Option<Reach> {
    match (verb, reach) {
        (Verb::List | Verb::Watch, _) | (Verb::Get, Reach::Cluster) => None,
        (_, Reach::Cluster) => Some(Reach::Namespace(EVENTS_OF_THE_CLUSTER.to_owned())),
        (_, reach) => Some(reach),
    }
}

/// Whether a manifest's permission asks for a verb. A watch is how the host waits.
fn requests(permission: &Permission, verb: Verb) -> bool {
    permission.verbs.contains(&verb) || (verb == Verb::Watch && permission.verbs.contains(&Verb::Get))
}

/// What stands in both lists of groups, `*` standing for all.
fn both<'a>(granted: &'a [String], requested: &'a [String]) -> BTreeSet<&'a str> {
    let has = |list: &[String], group: &str| list.iter().any(|one| one == group || one == "*");
    let granted_too = requested.iter().filter(|group| has(granted, group));
    let requested_too = granted.iter().filter(|group| has(requested, group));
    granted_too.chain(requested_too).map(String::as_str).collect()
}
