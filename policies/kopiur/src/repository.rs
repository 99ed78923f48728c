//! Repositories: whether a backup could reach one now.

use serde::Deserialize;
use suture_policy::kube::{Condition, Metadata, Ref, Resource, Waited, field};
use suture_policy::{Duration, Error, Result};

use crate::history::condition;
use crate::reference::{GROUP, RepositoryRef};
use crate::snapshot;
use suture_policy::lenient::{or_default, readable_items};

/// A repository of one namespace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Repository {
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

suture_policy::resource!("kopiur.home-operations.com/v1alpha1", Repository);

/// A repository that every namespace may use.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClusterRepository {
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

suture_policy::resource!("kopiur.home-operations.com/v1alpha1", ClusterRepository);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(deserialize_with = "or_default")]
    suspend: bool,
    #[serde(deserialize_with = "or_default")]
    mode: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    #[serde(deserialize_with = "or_default")]
    phase: String,
    #[serde(deserialize_with = "or_default")]
    unique_id: Option<String>,
    #[serde(deserialize_with = "readable_items")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    health: Health,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Health {
    #[serde(deserialize_with = "or_default")]
    consecutive_probe_failures: u64,
}

/// Whether a backup could reach a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It could.
    Ready,
    /// Somebody does not want it to: why.
    Paused(String),
    /// Not now; the operator tries again by itself: why.
    Heals(String),
    /// Not before a person has done something: why.
    Broken(String),
}

impl RepositoryRef {
    /// Whether a backup could reach it now.
    pub fn reach(&self) -> Result<Reach> {
        let (spec, status, is_going) = match self.is_cluster() {
            true => match Ref::<ClusterRepository>::cluster(&self.name).find()? {
                Some(found) => (found.spec, found.status, found.metadata.is_terminating()),
                None => return Ok(self.is_gone()),
            },
            false => match self.namespaced().find()? {
                Some(found) => (found.spec, found.status, found.metadata.is_terminating()),
                None => return Ok(self.is_gone()),
            },
        };
        Ok(match is_going {
            true => Reach::Broken(format!("{self} is being deleted")),
            false => self.judge(&spec, &status),
        })
    }

    /// Wait until it may be reached again; whether it may is read anew.
    pub fn wait(&self, patience: Duration) -> Result<(), Error> {
        match self.is_cluster() {
            true => until_ready(&Ref::<ClusterRepository>::cluster(&self.name), patience),
            false => until_ready(&self.namespaced(), patience),
        }
    }

    fn namespaced(&self) -> Ref<Repository> {
        Ref::new(self.namespace.as_deref().unwrap_or_default(), &self.name)
    }

    fn is_gone(&self) -> Reach {
        Reach::Broken(format!("there is no {self}"))
    }

    fn judge(&self, spec: &Spec, status: &Status) -> Reach {
        if spec.suspend {
            return Reach::Paused(format!(
                "{self} is suspended (`spec.suspend`); whoever did that resumes it"
            ));
        }
        if spec.mode.as_deref() == Some("ReadOnly") {
            return Reach::Paused(format!("{self} is read-only (`spec.mode`), so no backup is to go there"));
        }
        let why = || self.why(status);
        match status.phase.as_str() {
            "Ready" => match condition(&status.conditions, "BackendReachable", "False") {
                Some(backend) => Reach::Heals(format!("{self} does not answer: {}", snapshot::told(backend))),
                None if status.health.consecutive_probe_failures > 0 => Reach::Heals(format!(
                    "{self} did not answer the operator's last {} probes",
                    status.health.consecutive_probe_failures
                )),
                None => Reach::Ready,
            },
            "" | "Pending" | "Initializing" => Reach::Heals(format!("{self} is not ready yet{}", why())),
            "Degraded" => Reach::Heals(format!("{self} is Degraded{}", why())),
            "Failed" => Reach::Broken(format!("{self} is Failed{}; see `{}`", why(), self.describe())),
            other => Reach::Broken(format!(
                "{self} is in the phase `{}`, which this policy does not know",
                suture_policy::text::start(other, 63)
            )),
        }
    }

    /// The operator's own words, and what a repository that was wiped needs: not a hand that is quick.
    fn why(&self, status: &Status) -> String {
        let own = ["Ready", "BackendReachable"].map(|name| condition(&status.conditions, name, "False"));
        let mut why: Vec<_> = own.into_iter().flatten().map(snapshot::told).collect();
        why.dedup();
        let is_wiped = own.into_iter().flatten().any(|condition| {
            matches!(condition.reason.as_str(), "RepositoryVanished" | "RepositoryReinitializeBlocked")
        });
        if is_wiped {
            let id = status.unique_id.as_deref().map_or("unknown", |id| suture_policy::text::start(id, 80));
            why.push(format!(
                "verify that its backend is really empty before anything is made anew there, for data may still be in it \
                 (status.uniqueId {id})"
            ));
        }
        if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) }
    }

    fn describe(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("kubectl -n {namespace} describe repositories.{GROUP} {}", self.name),
            None => format!("kubectl describe clusterrepositories.{GROUP} {}", self.name),
        }
    }
}

fn until_ready<T: Resource>(repository: &Ref<T>, patience: Duration) -> Result<(), Error> {
    let is_ready = suture_policy::kube::any([
        field("/status/phase").equals("Ready"),
        field("/status/phase").equals("Failed"),
        field("/spec/suspend").equals(true),
    ]);
    match repository.wait(is_ready, patience)? {
        Waited::Met(_) | Waited::Deleted | Waited::Timeout => Ok(()),
    }
}
