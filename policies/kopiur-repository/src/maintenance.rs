//! Maintenances: whether a repository is maintained, and by whom.

use serde::Deserialize;
use suture_policy::kube::{self, Condition, Metadata};
use suture_policy::{Result, Time};

use crate::reference::{GROUP, RepositoryRef};
use crate::repository::Repository;
use crate::words::{condition, condition_is, in_its_words, word};
use suture_policy::lenient::{or_default, readable_items, time};

/// The schedule of one repository's maintenance, and its lease.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Maintenance {
    /// What every object has.
    pub metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    /// How it goes.
    #[serde(deserialize_with = "or_default")]
    pub status: Status,
}

suture_policy::resource!("kopiur.home-operations.com/v1alpha1", Maintenance);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(deserialize_with = "or_default")]
    repository: RepositoryRef,
    #[serde(deserialize_with = "or_default")]
    ownership: Ownership,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Ownership {
    #[serde(deserialize_with = "or_default")]
    takeover_policy: Option<String>,
}

/// How a maintenance goes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    #[serde(deserialize_with = "readable_items")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    quick: Runs,
    #[serde(deserialize_with = "or_default")]
    full: Runs,
    #[serde(deserialize_with = "or_default")]
    ownership: Holder,
    /// The last run that was asked for.
    #[serde(deserialize_with = "or_default")]
    pub manual_run: ManualRun,
}

/// The runs of one kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Runs {
    #[serde(deserialize_with = "time")]
    last_run_at: Option<Time>,
    #[serde(deserialize_with = "or_default")]
    consecutive_failures: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Holder {
    #[serde(deserialize_with = "or_default")]
    owner: String,
}

/// A run that somebody asked for by annotation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ManualRun {
    /// The annotation that it answers.
    #[serde(deserialize_with = "or_default")]
    pub requested_at: String,
    /// `Running`, `Succeeded` or `Failed`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
}

/// Who may maintain a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    /// This cluster does.
    Owned,
    /// Nobody says: there is no such condition, or it is `Unknown`.
    Untold,
    /// Another does, or did: the operator's words.
    HeldByOther(String),
    /// It waits for the repository: the operator's words.
    WaitsForRepository(String),
    /// Its runs fail, or for a reason of a newer release: the operator's words.
    Failing(String),
}

impl Maintenance {
    /// Those of a repository that can be seen.
    pub fn of(named: &RepositoryRef, repository: &Repository) -> Result<Vec<Self>> {
        // The Maintenance of a ClusterRepository is in the operator's namespace unless it says which.
        let list = match named.namespace.as_deref().or_else(|| repository.maintenance_namespace()) {
            Some(namespace) => kube::list::<Self>().in_namespace(namespace),
            None => kube::list::<Self>(),
        };
        let mut all = list.read()?;
        all.retain(|one| one.repository().as_ref() == Some(named));
        Ok(all)
    }

    /// What it maintains.
    pub fn repository(&self) -> Option<RepositoryRef> {
        self.spec.repository.seen_from(self.namespace())
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// Its namespace and name.
    pub fn shown(&self) -> String {
        format!("Maintenance {}/{}", self.namespace(), self.metadata.name)
    }

    /// The command that shows all that there is to see of it.
    pub fn describe(&self) -> String {
        format!("kubectl -n {} describe maintenances.{GROUP} {}", self.namespace(), self.metadata.name)
    }

    /// Whether its repository manages it: then its spec is written anew from there.
    pub fn is_managed(&self) -> bool {
        let owners = &self.metadata.owner_references;
        owners.iter().any(|owner| matches!(owner.kind.as_str(), "Repository" | "ClusterRepository"))
    }

    /// Its own `takeoverPolicy`, for a command that sets it back.
    pub fn takeover_policy(&self) -> Option<&str> {
        self.spec.ownership.takeover_policy.as_deref()
    }

    /// Who may maintain its repository.
    pub fn lease(&self) -> Lease {
        let yields = condition_is(&self.status.conditions, "Ready", "False")
            .filter(|ready| ready.reason == "MaintenanceYielding");
        let Some(lease) = condition(&self.status.conditions, "LeaseOwned") else {
            return yields.map_or(Lease::Untold, |yields| Lease::HeldByOther(in_its_words(yields)));
        };
        match (lease.status.as_str(), lease.reason.as_str()) {
            ("True", _) => yields.map_or(Lease::Owned, |yields| Lease::HeldByOther(in_its_words(yields))),
            ("False", "LeaseHeldByOther" | "LeaseTakeoverPrompt") => Lease::HeldByOther(in_its_words(lease)),
            ("False", "WaitingForRepository") => Lease::WaitsForRepository(in_its_words(lease)),
            ("False", _) => Lease::Failing(in_its_words(lease)),
            (_, _) => Lease::Untold,
        }
    }

    /// Who it says holds the lease.
    pub fn holder(&self) -> String {
        word(&self.status.ownership.owner)
    }

    /// What speaks against its being at work at all.
    pub fn stalled(&self) -> Option<String> {
        condition_is(&self.status.conditions, "Stalled", "True").map(in_its_words)
    }

    /// When it last ran, whichever kind of run.
    pub fn last_run(&self) -> Option<Time> {
        self.status.quick.last_run_at.max(self.status.full.last_run_at)
    }

    /// How its runs went, for people.
    pub fn runs(&self) -> String {
        let one = |name: &str, runs: &Runs| {
            let last = runs.last_run_at.map_or_else(|| "never".to_owned(), |at| format!("at {at}"));
            match runs.consecutive_failures {
                0 => format!("its last {name} run was {last}"),
                failed => format!("its last {name} run was {last}, and {failed} failed since"),
            }
        };
        format!("{}, {}", one("quick", &self.status.quick), one("full", &self.status.full))
    }
}
