//! Repositories, and what holds one up.

use serde::Deserialize;
use suture_policy::kube::{self, Condition, Metadata, Predicate, Ref, Resource, Waited, field};
use suture_policy::{Duration, Result, Value};

use crate::reference::RepositoryRef;
use crate::words::{condition_is, in_its_words, word};
use suture_policy::lenient::{or_default, readable_items};

/// A repository of one namespace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Repository {
    /// What every object has.
    pub metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

suture_policy::resource!("kopiur.home-operations.com/v1alpha1", Repository);

/// A repository that every namespace may use: the same in all that is looked at here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
struct ClusterRepository(Repository);

impl Resource for ClusterRepository {
    const API_VERSION: &'static str = "kopiur.home-operations.com/v1alpha1";
    const KIND: &'static str = "ClusterRepository";

    fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    #[serde(deserialize_with = "or_default")]
    suspend: bool,
    #[serde(deserialize_with = "or_default")]
    maintenance: Managed,
    #[serde(deserialize_with = "or_default")]
    identity_defaults: Value,
}

/// What a repository says about its maintenance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Managed {
    #[serde(deserialize_with = "or_default")]
    namespace: Option<String>,
    #[serde(deserialize_with = "or_default")]
    takeover_policy: Option<String>,
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
}

/// How a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Snapshots can reach it.
    Ready,
    /// Somebody does not want it to be: why.
    Settled(String),
    /// It does not answer now, and the operator tries again by itself: why.
    Away(String),
    /// It takes longer to open than a probe may, and the operator tries again by itself: why.
    Slow(String),
    /// Not before a person has done something: why.
    Broken(String),
}

impl RepositoryRef {
    /// Read it, if it is there.
    pub fn read(&self) -> Result<Option<Repository>> {
        match &self.namespace {
            Some(namespace) => kube::find(namespace, &self.name),
            None => Ok(Ref::<ClusterRepository>::cluster(&self.name).find()?.map(|found| found.0)),
        }
    }

    /// Wait until it has another phase than it was read with, or is on its way out. How it is, is read anew.
    pub fn wait_for_change(&self, read: &Repository, patience: Duration) -> Result<()> {
        // Only what leads to another judgement: a phase that says nothing would be "changed" already.
        let others = ["Ready", "Degraded", "Failed"].into_iter().filter(|phase| *phase != read.status.phase);
        let mut changed: Vec<_> = others.map(|phase| field("/status/phase").equals(phase)).collect();
        changed.push(field("/spec/suspend").equals(true));
        changed.push(field("/metadata/deletionTimestamp").exists());
        let changed = Predicate::Any(changed);
        match &self.namespace {
            Some(namespace) => wait(&Ref::<Repository>::new(namespace, &self.name), changed, patience),
            None => wait(&Ref::<ClusterRepository>::cluster(&self.name), changed, patience),
        }
    }
}

fn wait<T: Resource>(repository: &Ref<T>, until: Predicate, patience: Duration) -> Result<()> {
    match repository.wait(until, patience)? {
        Waited::Met(_) | Waited::Deleted | Waited::Timeout => Ok(()),
    }
}

impl Repository {
    /// How it is, as `named` in what is said.
    pub fn state(&self, named: &RepositoryRef) -> State {
        if self.metadata.is_terminating() {
            return State::Settled(format!("{named} is being deleted"));
        }
        if self.spec.suspend {
            return State::Settled(format!(
                "{named} is suspended (`spec.suspend`); whoever did that resumes it"
            ));
        }
        let why = self.why();
        if self.is_wiped() {
            return State::Broken(format!(
                "{named} is not what it was{why}: verify that its backend is really empty before anything is made anew \
                 there, for data may still be in it (status.uniqueId {}); no acknowledgement was given. Look with `{}`",
                self.status.unique_id.as_deref().map_or_else(|| "unknown".to_owned(), word),
                named.describe()
            ));
        }
        match self.status.phase.as_str() {
            "Ready" => match condition_is(&self.status.conditions, "BackendReachable", "False") {
                Some(_) => self.heals(format!("{named} is Ready and does not answer its probes{why}")),
                None => State::Ready,
            },
            "" | "Pending" | "Initializing" => self.heals(format!("{named} is not ready yet{why}")),
            "Degraded" => self.heals(format!("{named} is Degraded{why}")),
            "Failed" => State::Broken(format!(
                "{named} is Failed{why}. The operator does not try again before its spec or its Secret changes{}. Look \
                 with `{}`",
                self.hint(),
                named.describe()
            )),
            other => State::Broken(format!(
                "{named} is in the phase `{}`, which this policy does not know{why}; look with `{}`",
                word(other),
                named.describe()
            )),
        }
    }

    fn heals(&self, why: String) -> State {
        match self.against().any(|condition| condition.reason == "ProbeDeadlineExceeded") {
            true => State::Slow(why),
            false => State::Away(why),
        }
    }

    /// What speaks against it.
    fn against(&self) -> impl Iterator<Item = &Condition> {
        let all = ["Ready", "BackendReachable", "Bootstrapped"];
        all.into_iter().filter_map(|name| condition_is(&self.status.conditions, name, "False"))
    }

    fn is_wiped(&self) -> bool {
        self.against().any(|condition| {
            matches!(condition.reason.as_str(), "RepositoryVanished" | "RepositoryReinitializeBlocked")
        })
    }

    /// The operator's own words, in brackets.
    fn why(&self) -> String {
        let mut all: Vec<_> = self.against().map(in_its_words).collect();
        all.dedup();
        if all.is_empty() { String::new() } else { format!(" ({})", all.join("; ")) }
    }

    /// What is known of some errors beyond their words.
    fn hint(&self) -> &'static str {
        let has = |reason: &str| self.against().any(|condition| condition.reason == reason);
        if has("AccessDenied") {
            "; a bucket that is full has come as AccessDenied before, so look at its quota too"
        } else if has("AuthFailure") {
            "; see whether the repository's Secret holds the password and keys that the backend has"
        } else if has("RepositoryNotInitialized") {
            "; if there was a repository in that backend, find out where it went before another is made"
        } else {
            ""
        }
    }

    /// What else stands in its status that a person must know. Nothing here acknowledges anything.
    pub fn beside(&self) -> String {
        let held = condition_is(&self.status.conditions, "MassDeletionHeld", "True").map(|held| {
            format!(
                ". Deletions are held ({}): whether they are meant, only a person knows",
                in_its_words(held)
            )
        });
        let index = condition_is(&self.status.conditions, "IndexBlobHealth", "False")
            .map(|index| format!(". Its index has grown ({})", in_its_words(index)));
        [held, index].into_iter().flatten().collect()
    }

    /// Where its Maintenance is, if it says so.
    pub fn maintenance_namespace(&self) -> Option<&str> {
        self.spec.maintenance.namespace.as_deref().filter(|namespace| !namespace.is_empty())
    }

    /// Whether it says which of several clusters this one is: so several use it.
    pub fn is_shared(&self) -> bool {
        self.spec
            .identity_defaults
            .get("cluster")
            .and_then(Value::as_str)
            .is_some_and(|name| !name.is_empty())
    }

    /// Its `takeoverPolicy`, for a command that sets it back.
    pub fn takeover_policy(&self) -> Option<&str> {
        self.spec.maintenance.takeover_policy.as_deref()
    }
}
