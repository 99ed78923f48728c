//! Folding rights into Roles and ClusterRoles.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Installation, Needs, Purpose, Reach, Right};

/// The Roles and ClusterRole of one installation, and what binds them to its
/// ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Whom they are bound to.
    pub installation: Installation,
    /// The ClusterRole first, then the Roles by namespace. None is empty.
    pub roles: Vec<Role>,
}

/// A Role, or a ClusterRole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its namespace; none for a ClusterRole.
    pub namespace: Option<String>,
    /// What it allows. No rule allows what another does.
    pub rules: Vec<Rule>,
}

/// A rule as RBAC has it, and who needs it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// API groups.
    pub groups: Vec<String>,
    /// Plural resources.
    pub resources: Vec<String>,
    /// Verbs, in the order of the alphabet.
    pub verbs: Vec<&'static str>,
    /// Names of objects; empty for all.
    pub names: Vec<String>,
    /// Who needs it and why, a line each.
    pub why: Vec<String>,
}

type Reasons = BTreeSet<(Purpose, String)>;

impl Needs {
    /// The least Roles and ClusterRoles that give all of these rights. Always the same for
    /// the same needs.
    pub fn roles(&self, installation: &Installation) -> Roles {
        let mut roles: BTreeMap<Option<String>, BTreeMap<Right, Reasons>> = BTreeMap::new();
        for (right, reasons) in self.least() {
            let namespace = right.reach.namespace().map(str::to_owned);
            roles.entry(namespace).or_default().insert(right, reasons);
        }
        let roles = roles.into_iter().map(|(namespace, rights)| Role { namespace, rules: rules(rights) });
        Roles { installation: installation.clone(), roles: roles.collect() }
    }
}

/// Merge rights step by step: what differs in one thing alone, and has the same reasons,
/// becomes one rule.
fn rules(rights: BTreeMap<Right, Reasons>) -> Vec<Rule> {
    // The verbs of an object.
    let mut objects: BTreeMap<_, (BTreeSet<&'static str>, Reasons)> = BTreeMap::new();
    for (Right { reach, group, resource, verb, name }, reasons) in rights {
        let key = (reach == Reach::AllNamespaces, group, resource, name);
        let (verbs, all) = objects.entry(key).or_default();
        verbs.insert(verb);
        all.extend(reasons);
    }
    // The objects of a resource that have the same verbs.
    let mut resources: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for ((everywhere, group, resource, name), (verbs, reasons)) in objects {
        let all_names = name.is_none();
        let names = resources.entry((everywhere, group, resource, verbs, reasons, all_names)).or_default();
        names.extend(name);
    }
    // The resources of a group that have the same verbs and names.
    let mut groups: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for ((everywhere, group, resource, verbs, reasons, _), names) in resources {
        groups.entry((everywhere, group, names, verbs, reasons)).or_default().insert(resource);
    }
    let rule = |((_, group, names, verbs, reasons), resources)| Rule {
        groups: vec![group],
        resources: Vec::from_iter::<BTreeSet<String>>(resources),
        verbs: Vec::from_iter::<BTreeSet<&'static str>>(verbs),
        names: Vec::from_iter::<BTreeSet<String>>(names),
        why: why(reasons),
    };
    let mut rules: Vec<Rule> = groups.into_iter().map(rule).collect();
    rules.sort();
    rules
}

fn why(reasons: Reasons) -> Vec<String> {
    // One line, whatever a manifest says: it stands in a comment.
    let plain = |text: String| crate::display::one_line(&text.replace(['\n', '\r', '\t'], " ")).into_owned();
    reasons.into_iter().map(|(purpose, why)| plain(format!("{purpose}: {why}"))).collect()
}

impl Roles {
    /// What the objects are called. Two installations in one cluster don't share them.
    pub fn name(&self) -> String {
        format!("{}:{}", self.installation.namespace, self.installation.service_account)
    }

    /// The objects, each role followed by its binding.
    pub fn objects(&self) -> Vec<Value> {
        self.roles.iter().flat_map(|role| [self.role(role), self.binding(role)]).collect()
    }

    fn role(&self, role: &Role) -> Value {
        let rules: Vec<Value> = role.rules.iter().map(Rule::object).collect();
        let kind = role.kind();
        json!({"apiVersion": API_VERSION, "kind": kind, "metadata": self.metadata(role), "rules": rules})
    }

    pub(super) fn binding(&self, role: &Role) -> Value {
        let Installation { namespace, service_account, .. } = &self.installation;
        json!({"apiVersion": API_VERSION, "kind": format!("{}Binding", role.kind()),
            "metadata": self.metadata(role),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role.kind(), "name": self.name()},
            "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": service_account}]})
    }

    pub(super) fn metadata(&self, role: &Role) -> Value {
        let labels = json!({"app.kubernetes.io/name": "suture", "app.kubernetes.io/component": "rbac",
            "app.kubernetes.io/part-of": "suture", "app.kubernetes.io/managed-by": "suture"});
        match &role.namespace {
            Some(namespace) => json!({"name": self.name(), "namespace": namespace, "labels": labels}),
            None => json!({"name": self.name(), "labels": labels}),
        }
    }
}

/// Of all RBAC objects.
pub(super) const API_VERSION: &str = "rbac.authorization.k8s.io/v1";

impl Role {
    /// `Role` or `ClusterRole`.
    pub fn kind(&self) -> &'static str {
        if self.namespace.is_some() { "Role" } else { "ClusterRole" }
    }
}

impl Rule {
    /// The rule, as it stands in a role.
    pub fn object(&self) -> Value {
        let mut rule = json!({"apiGroups": self.groups, "resources": self.resources, "verbs": self.verbs});
        if !self.names.is_empty() {
            rule["resourceNames"] = json!(self.names);
        }
        rule
    }
}
