//! The least Kubernetes RBAC that a host and its grants need.
//!
//! A policy may do what its manifest requests *and* the operator grants. That is a set of
//! [rights](Right), each one question that an API server can answer; [`Needs`] collects
//! them with their reasons, and [`roles`](Needs::roles) folds them into Roles and
//! ClusterRoles. What `suture rbac` prints and what the host asks the API server for at
//! its start come from the same needs, so they can't disagree.
//!
//! | a grant's | becomes |
//! |---|---|
//! | groups, resources, verbs | the same, as far as the manifest requests them |
//! | `patch` | `patch`, server-side apply included; one that makes its object is a `create` to RBAC, too |
//! | exact names | `resourceNames`; not for what RBAC can't restrict: creating objects |
//! | a pattern among the names | all names: RBAC has no patterns, the host goes on checking |
//! | exact namespaces | a Role and a RoleBinding in each |
//! | a pattern among the namespaces | a ClusterRole and a ClusterRoleBinding |
//! | resources without namespaces | the same |
//!
//! Three things go beyond the grants. What is patched or deleted is read first, to pin
//! its uid and version. A granted `watch` is used for waits, which manifests request as
//! `get`. And the host itself needs a little, which [`Installation`] describes.

mod needs;
mod role;
mod scope;
mod yaml;

use std::fmt;

pub use needs::{Installation, Needs, Requester};
pub use role::{Role, Roles, Rule};
pub use scope::is_namespaced;
pub(crate) use scope::{group_of, is_custom, is_known};

/// Where a right holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// For objects that have no namespace.
    Cluster,
    /// In every namespace.
    AllNamespaces,
    /// In one.
    Namespace(String),
}

impl Reach {
    /// The namespace, where it is one.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Namespace(namespace) => Some(namespace),
            Self::Cluster | Self::AllNamespaces => None,
        }
    }
}

/// One right: a question that an API server answers with yes or no.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Right {
    /// Where.
    pub reach: Reach,
    /// The API group; the core group is the empty string, `*` is all of them.
    pub group: String,
    /// The plural resource; a subresource is `pods/log`.
    pub resource: String,
    /// A verb as RBAC writes it.
    pub verb: &'static str,
    /// The one object; none for all of them.
    pub name: Option<String>,
}

impl Right {
    /// The resource and its subresource.
    pub fn resource_parts(&self) -> (&str, Option<&str>) {
        match self.resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource)),
            None => (&self.resource, None),
        }
    }

    /// Whether who has this right has the other, too.
    fn includes(&self, other: &Self) -> bool {
        // What a ClusterRoleBinding gives holds for namespaces, too.
        (self.reach == other.reach || self.reach.namespace().is_none())
            && (self.group == other.group || self.group == "*")
            && self.resource == other.resource
            && self.verb == other.verb
            && (self.name.is_none() || self.name == other.name)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, " `{name}`")?;
        }
        match &self.reach {
            Reach::Cluster => Ok(()),
            Reach::AllNamespaces => f.write_str(" in all namespaces"),
            Reach::Namespace(namespace) => write!(f, " in namespace `{namespace}`"),
        }
    }
}

/// What a right is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The host itself.
    Host,
    /// A policy: without the right it can't do its work.
    Policy(String),
    /// The Events that tell of what a policy did. It works without them.
    Events(String),
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("the host"),
            Self::Policy(policy) | Self::Events(policy) => f.write_str(policy),
        }
    }
}

#[cfg(test)]
mod tests;
