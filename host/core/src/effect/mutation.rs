//! Changes to the cluster.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Target;
use crate::object::{Kind, ObjectRef};

/// One change to the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutation {
    /// Make an object.
    Create(Create),
    /// Change an object.
    Patch(Patch),
    /// Server-side apply.
    Apply(Apply),
    /// Delete an object.
    Delete(Delete),
}

impl Mutation {
    /// `create`, `patch`, `apply` or `delete`.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Patch(_) => "patch",
            Self::Apply(_) => "apply",
            Self::Delete(_) => "delete",
        }
    }

    /// The object concerned. The name of a create with `generateName` is empty
    /// until the effect is prepared.
    pub fn reference(&self) -> ObjectRef {
        match self {
            Self::Create(create) => ObjectRef {
                kind: create.kind.clone(),
                namespace: create.namespace.clone(),
                name: crate::object::name(&create.object).unwrap_or_default().to_owned(),
            },
            Self::Patch(Patch { target, .. })
            | Self::Apply(Apply { target, .. })
            | Self::Delete(Delete { target, .. }) => target.reference(),
        }
    }

    /// The subresource concerned.
    pub fn subresource(&self) -> Option<&str> {
        match self {
            Self::Create(create) => create.subresource.as_deref(),
            Self::Patch(Patch { target, .. })
            | Self::Apply(Apply { target, .. })
            | Self::Delete(Delete { target, .. }) => target.subresource.as_deref(),
        }
    }

    /// The target, where the object must exist before.
    pub fn target_mut(&mut self) -> Option<&mut Target> {
        match self {
            Self::Create(_) => None,
            Self::Patch(Patch { target, .. })
            | Self::Apply(Apply { target, .. })
            | Self::Delete(Delete { target, .. }) => Some(target),
        }
    }
}

/// Make an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Create {
    /// Its kind.
    #[serde(flatten)]
    pub kind: Kind,
    /// None where the kind has no namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object.
    pub object: Value,
    /// A subresource to create: of the contract, and always refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
}

/// Change an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Patch {
    /// The object to change.
    pub target: Target,
    /// How `body` is written.
    #[serde(rename = "type")]
    pub patch_type: PatchType,
    /// The patch.
    pub body: Value,
    /// Only at this version, else `Conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
}

/// How a patch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PatchType {
    /// JSON merge patch, RFC 7386.
    Merge,
    /// JSON patch, RFC 6902.
    Json,
}

/// Server-side apply under the policy's field manager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Apply {
    /// Which object.
    pub target: Target,
    /// The fields to own.
    pub object: Value,
    /// Take fields that another manager owns.
    #[serde(default)]
    pub force: bool,
}

/// Delete an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delete {
    /// The object to delete.
    pub target: Target,
    /// What becomes of the objects it owns.
    #[serde(default)]
    pub propagation: Propagation,
    /// Only at this version, else `Conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
}

/// What becomes of the objects that a deleted one owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Propagation {
    /// They go after it.
    #[default]
    Background,
    /// They go before it.
    Foreground,
    /// They stay.
    Orphan,
}
