//! Which object something is about.

use std::fmt;

use serde_json::Value;

use super::Resource;
use crate::host::{CreateOp, Mutation, Query, Target};

/// Which object something is about, or which kind of them: for errors, and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// `v1`, `batch/v1`.
    pub api_version: String,
    /// `Pod`, `Job`.
    pub kind: String,
    /// Its namespace, where it has one.
    pub namespace: Option<String>,
    /// Its name; empty where it is about objects of a kind.
    pub name: String,
}

impl ObjectName {
    /// That of an object that was read.
    pub fn of<T: Resource>(object: &T) -> Self {
        let metadata = object.metadata();
        Self {
            api_version: T::API_VERSION.to_owned(),
            kind: T::KIND.to_owned(),
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone(),
        }
    }
}

impl From<&Target> for ObjectName {
    fn from(target: &Target) -> Self {
        let Target { kind, namespace, name, .. } = target;
        Self {
            api_version: kind.api_version.clone(),
            kind: kind.kind.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
        }
    }
}

impl From<&Query> for ObjectName {
    fn from(query: &Query) -> Self {
        let Query { kind, namespace, .. } = query;
        Self {
            api_version: kind.api_version.clone(),
            kind: kind.kind.clone(),
            namespace: namespace.clone(),
            name: String::new(),
        }
    }
}

impl From<&Mutation> for ObjectName {
    fn from(mutation: &Mutation) -> Self {
        match mutation {
            Mutation::Create(CreateOp { kind, namespace, object, .. }) => {
                let object: Value = serde_json::from_str(object).unwrap_or_default();
                let said = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
                Self {
                    api_version: kind.api_version.clone(),
                    kind: kind.kind.clone(),
                    namespace: namespace.clone(),
                    name: said("name").or_else(|| said("generateName")).unwrap_or_default(),
                }
            }
            Mutation::Patch(patch) => (&patch.target).into(),
            Mutation::Apply(apply) => (&apply.target).into(),
            Mutation::Delete(delete) => (&delete.target).into(),
        }
    }
}

/// `Job media/thumbnails`, `Node storage-1`, `Pod in media`, `Node`.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name, .. } = self;
        match (namespace, name.as_str()) {
            (Some(namespace), "") => write!(f, "{kind} in {namespace}"),
            (Some(namespace), name) => write!(f, "{kind} {namespace}/{name}"),
            (None, "") => f.write_str(kind),
            (None, name) => write!(f, "{kind} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kube::{Change, Job, Metadata};

    #[test]
    fn an_object_is_named_as_people_name_it() {
        let metadata = Metadata { name: "a".into(), namespace: Some("media".into()), ..Metadata::default() };
        assert_eq!(ObjectName::of(&Job { metadata, ..Job::default() }).to_string(), "Job media/a");
        let change = Change::<Job>::create(Some("media"), json!({"metadata": {"generateName": "b-"}}));
        assert_eq!(change.object().to_string(), "Job media/b-");
    }
}
