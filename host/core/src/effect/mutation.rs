//! Changes to the cluster.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ApiRequest, OnObject, Target};
use crate::grant::Verb;
use crate::object::{Kind, ObjectRef};

/// One change to the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::EnumDiscriminants)]
#[strum_discriminants(
    name(MutationType),
    derive(Hash, PartialOrd, Ord, strum::VariantArray),
    doc = "Which mutation it is, without what it is of."
)]
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

/// How a mutation names its object.
enum Named<'a> {
    ByTarget(&'a Target),
    ByItself(&'a Create),
}

impl Mutation {
    fn named(&self) -> Named<'_> {
        match self {
            Self::Create(create) => Named::ByItself(create),
            Self::Patch(Patch { target, .. })
            | Self::Apply(Apply { target, .. })
            | Self::Delete(Delete { target, .. }) => Named::ByTarget(target),
        }
    }

    /// The target; none of what makes an object.
    pub fn target(&self) -> Option<&Target> {
        match self.named() {
            Named::ByTarget(target) => Some(target),
            Named::ByItself(_) => None,
        }
    }

    /// The target, to be changed; none of what makes an object.
    pub fn target_mut(&mut self) -> Option<&mut Target> {
        match self {
            Self::Create(_) => None,
            Self::Patch(Patch { target, .. })
            | Self::Apply(Apply { target, .. })
            | Self::Delete(Delete { target, .. }) => Some(target),
        }
    }

    /// Its type.
    pub fn mutation_type(&self) -> MutationType {
        self.into()
    }

    /// What it does to its object.
    pub fn on_object(&self) -> OnObject {
        self.mutation_type().on_object()
    }

    /// The kind of the object concerned.
    pub fn kind(&self) -> &Kind {
        match self.named() {
            Named::ByTarget(target) => &target.kind,
            Named::ByItself(create) => &create.kind,
        }
    }

    /// The object concerned. The name of a create with `generateName` is empty
    /// until the effect is prepared.
    pub fn reference(&self) -> ObjectRef {
        match self.named() {
            Named::ByTarget(target) => target.reference(),
            Named::ByItself(create) => ObjectRef {
                kind: create.kind.clone(),
                namespace: create.namespace.clone(),
                name: crate::object::name(&create.object).unwrap_or_default().to_owned(),
            },
        }
    }

    /// The subresource concerned.
    pub fn subresource(&self) -> Option<&str> {
        self.request(self.mutation_type().verb()).subresource
    }

    /// The version that its object must have, else `Conflict`.
    pub fn resource_version(&self) -> Option<&str> {
        match self {
            Self::Patch(Patch { resource_version, .. }) | Self::Delete(Delete { resource_version, .. }) => {
                resource_version.as_deref()
            }
            // What is written as a whole object carries its version inside.
            Self::Apply(apply) => crate::object::resource_version(&apply.object),
            Self::Create(_) => None,
        }
    }

    /// What it takes to perform it. `is_new` says of an apply whether its object is not there yet.
    pub fn requests(&self, is_new: bool) -> Vec<ApiRequest<'_>> {
        let own = self.request(self.mutation_type().verb());
        match self.on_object() {
            // Of a subresource nothing is made.
            OnObject::CreatesOrChanges if is_new && own.subresource.is_none() => {
                vec![own, ApiRequest { verb: Verb::Create, ..own }]
            }
            OnObject::CreatesOrChanges | OnObject::Creates | OnObject::Changes | OnObject::Deletes => {
                vec![own]
            }
        }
    }

    /// A request for its object.
    pub fn request(&self, verb: Verb) -> ApiRequest<'_> {
        match self.named() {
            Named::ByTarget(target) => ApiRequest::on(verb, target),
            Named::ByItself(create) => ApiRequest {
                verb,
                kind: &create.kind,
                namespace: create.namespace.as_deref(),
                name: Some(crate::object::name(&create.object).unwrap_or_default()),
                subresource: create.subresource.as_deref(),
            },
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

impl Delete {
    /// Delete an object, whatever its version; what it owns goes after it.
    pub fn of(target: Target) -> Self {
        Self { target, propagation: Propagation::default(), resource_version: None }
    }
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
