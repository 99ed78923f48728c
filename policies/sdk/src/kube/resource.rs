//! Kinds of objects as Rust types.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ManagedFields;
use crate::Time;
use crate::incident::Labels;

/// A kind of object, with as many of its fields as a policy looks at. Usually written
/// with [`resource!`](crate::resource).
pub trait Resource: DeserializeOwned {
    /// `v1`, `batch/v1`.
    const API_VERSION: &'static str;
    /// `Pod`, `Job`.
    const KIND: &'static str;

    /// The object's metadata.
    fn metadata(&self) -> &Metadata;
}

/// Makes a type with a field `metadata` the type of a [`Resource`]: its API version, and
/// the type, which is called like the kind.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct ConfigMap {
///     metadata: suture_policy::kube::Metadata,
/// }
/// suture_policy::resource!("v1", ConfigMap);
/// ```
#[macro_export]
macro_rules! resource {
    ($api_version:literal, $kind:ident) => {
        impl $crate::kube::Resource for $kind {
            const API_VERSION: &'static str = $api_version;
            const KIND: &'static str = ::std::stringify!($kind);

            fn metadata(&self) -> &$crate::kube::Metadata {
                &self.metadata
            }
        }
    };
}

/// What every object has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Its name.
    pub name: String,
    /// Its namespace, where its kind has one.
    pub namespace: Option<String>,
    /// Identifies it among all that ever had its name.
    pub uid: String,
    /// Changes whenever it does.
    pub resource_version: String,
    /// Counts what was asked of it, where its kind counts: its status speaks of the present once its
    /// `observedGeneration` is this.
    pub generation: Option<u64>,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// When it was made.
    pub creation_timestamp: Option<Time>,
    /// Since when it is being deleted, if it is.
    pub deletion_timestamp: Option<Time>,
    /// What must happen before it can go.
    pub finalizers: Vec<String>,
    /// Whose it is.
    pub owner_references: Vec<OwnerReference>,
    /// Who owns which of its fields. The host shows it where one object is read
    /// ([`get`](super::get)), and nowhere else.
    pub managed_fields: Vec<ManagedFields>,
}

impl Metadata {
    /// Whether it is being deleted.
    pub fn is_terminating(&self) -> bool {
        self.deletion_timestamp.is_some()
    }

    /// A label's value.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// Whether the object with this uid owns it.
    pub fn is_owned_by(&self, uid: &str) -> bool {
        self.owner_references.iter().any(|owner| owner.uid == uid)
    }
}

/// An object that owns another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerReference {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}
