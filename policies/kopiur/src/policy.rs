//! SnapshotPolicies: what is backed up, and where to.

use serde::Deserialize;
use suture_policy::Value;
use suture_policy::kube::{self, Metadata};
use suture_policy::stop::{Stop, unnecessary};

use crate::reference::RepositoryRef;
use crate::target::Target;
use suture_policy::lenient::{or_default, readable_items};

/// A SnapshotPolicy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SnapshotPolicy {
    pub metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    pub spec: Spec,
}

suture_policy::resource!("kopiur.home-operations.com/v1alpha1", SnapshotPolicy);

/// What it asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    #[serde(deserialize_with = "or_default")]
    suspend: bool,
    #[serde(deserialize_with = "or_default")]
    repository: Option<RepositoryRef>,
    #[serde(deserialize_with = "readable_items")]
    repositories: Vec<RepositoryRef>,
    #[serde(deserialize_with = "readable_items")]
    sources: Vec<Value>,
    #[serde(deserialize_with = "or_default")]
    group_by: Option<String>,
    #[serde(deserialize_with = "or_default")]
    hooks: Option<Value>,
}

impl SnapshotPolicy {
    /// The policy, if it is one whose backups are wanted.
    pub fn find(target: &Target) -> Result<Self, Stop> {
        match kube::find::<Self>(&target.namespace, &target.policy)? {
            None => unnecessary(format!(
                "SnapshotPolicy {target} is gone: nothing is to be backed up by it. The alert goes with its last Snapshots"
            )),
            Some(policy) if policy.metadata.is_terminating() => {
                unnecessary(format!("SnapshotPolicy {target} is being deleted"))
            }
            Some(policy) if policy.spec.suspend => unnecessary(format!(
                "SnapshotPolicy {target} is suspended (`spec.suspend`); whoever did that resumes it"
            )),
            Some(policy) => Ok(policy),
        }
    }

    /// The repositories that it backs up to.
    pub fn repositories(&self) -> Vec<RepositoryRef> {
        let home = self.metadata.namespace.as_deref().unwrap_or_default();
        let all = self.spec.repositories.iter().chain(&self.spec.repository);
        all.filter(|repository| !repository.name.is_empty()).map(|own| own.clone().at_home(home)).collect()
    }

    /// Whether one run of it is several Snapshots, one a volume, so that one alone must say which.
    pub fn is_for_many(&self) -> bool {
        self.spec.sources.iter().any(|source| source.get("pvcSelector").is_some_and(|one| !one.is_null()))
    }

    /// Whether its volumes are to be captured at the same moment.
    pub fn is_grouped(&self) -> bool {
        self.spec.group_by.as_deref().is_some_and(|by| by != "None")
    }

    /// Whether a run of it does something in the application too.
    pub fn has_hooks(&self) -> bool {
        self.spec.hooks.as_ref().is_some_and(|hooks| {
            hooks.as_object().is_some_and(|hooks| {
                hooks.values().any(|list| list.as_array().is_some_and(|l| !l.is_empty()))
            })
        })
    }
}
