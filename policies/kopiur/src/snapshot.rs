//! Snapshots: one run of a backup each, and what it has left.

use serde::Deserialize;
use suture_policy::kube::{Condition, Metadata};
use suture_policy::{Time, Value, text};

use crate::reference::{GROUP, Named, RepositoryRef};
use crate::tail::tail;
use suture_policy::lenient::{or_default, readable_items, time};

/// On Snapshots of this policy: the incident that one was made for.
pub const INCIDENT: &str = "kopiur.suture.dev/incident";
/// How much of somebody's message is shown, in bytes.
const SHOWN: usize = 400;
/// How much of a log's end is shown: lines and bytes.
const LAST: (usize, usize) = (5, 600);

/// A Snapshot: it runs once, and a retry is another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    pub metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    pub spec: Spec,
    #[serde(deserialize_with = "or_default")]
    pub status: Status,
}

suture_policy::resource!("kopiur.home-operations.com/v1alpha1", Snapshot);

/// What was asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    #[serde(deserialize_with = "or_default")]
    pub policy_ref: Option<Named>,
    /// Of a run for one of several repositories.
    #[serde(deserialize_with = "or_default")]
    pub repository: Option<RepositoryRef>,
    /// Of a run for one of several volumes.
    #[serde(deserialize_with = "or_default")]
    pub source: Option<Value>,
    #[serde(deserialize_with = "or_default")]
    pub pin: bool,
    #[serde(deserialize_with = "or_default")]
    pub deletion_policy: Option<String>,
}

/// How it went.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    #[serde(deserialize_with = "or_default")]
    phase: String,
    #[serde(deserialize_with = "or_default")]
    origin: Option<String>,
    #[serde(deserialize_with = "readable_items")]
    pub conditions: Vec<Condition>,
    /// Why it failed, by the mover's own account: absent where the operator ended it.
    #[serde(deserialize_with = "or_default")]
    pub failure: Option<Failure>,
    #[serde(deserialize_with = "tail")]
    log_tail: String,
    /// The data that it has left in the repository.
    #[serde(deserialize_with = "or_default")]
    pub snapshot: Option<Value>,
    #[serde(deserialize_with = "or_default")]
    pub stats: Stats,
    #[serde(deserialize_with = "or_default")]
    pub timing: Timing,
    #[serde(deserialize_with = "or_default")]
    job: Named,
    #[serde(deserialize_with = "or_default")]
    pub pinned: bool,
    #[serde(deserialize_with = "or_default")]
    resolved: Resolved,
}

/// What the mover says of its failure.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Failure {
    #[serde(deserialize_with = "or_default")]
    pub kopia_error_class: String,
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    #[serde(deserialize_with = "or_default")]
    pub op: String,
    #[serde(deserialize_with = "or_default")]
    pub retry_recommended: Option<bool>,
    #[serde(deserialize_with = "tail")]
    pub stderr_tail: String,
}

/// What was backed up.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stats {
    #[serde(deserialize_with = "or_default")]
    pub files_failed: u64,
}

/// How long it took.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Timing {
    #[serde(deserialize_with = "time")]
    pub end_time: Option<Time>,
    #[serde(deserialize_with = "or_default")]
    pub duration_seconds: Option<u64>,
}

/// What the operator found for the names.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Resolved {
    #[serde(deserialize_with = "or_default")]
    repository: Option<RepositoryRef>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It has not begun: also one that the operator has not looked at.
    Pending,
    Running,
    /// It has made a backup, or found that there was nothing new to back up.
    Succeeded,
    Failed,
    /// It is going, or was never a run.
    Other,
    /// One that a newer operator knows.
    Unknown,
}

impl Snapshot {
    /// How far it is.
    pub fn phase(&self) -> Phase {
        match self.status.phase.as_str() {
            "" | "Pending" => Phase::Pending,
            "Running" => Phase::Running,
            "Succeeded" | "Unchanged" => Phase::Succeeded,
            "Failed" => Phase::Failed,
            "Deleting" | "Discovered" => Phase::Other,
            _ => Phase::Unknown,
        }
    }

    /// How far it is, in the operator's word.
    pub fn phase_shown(&self) -> &str {
        if self.status.phase.is_empty() { "without a phase" } else { text::start(&self.status.phase, 63) }
    }

    /// Whether it found nothing new, and so owns no data.
    pub fn is_unchanged(&self) -> bool {
        self.status.phase == "Unchanged"
    }

    /// Whether it is a run: neither found in a repository nor taken over from elsewhere.
    pub fn is_run(&self) -> bool {
        let label = self.metadata.label(&format!("{GROUP}/origin"));
        [label, self.status.origin.as_deref()]
            .into_iter()
            .flatten()
            .all(|origin| matches!(origin, "scheduled" | "manual"))
    }

    /// Whether it is one of a policy, by what it refers to; by its label where it refers to none.
    pub fn is_of(&self, namespace: &str, policy: &str) -> bool {
        match &self.spec.policy_ref {
            Some(named) => named.is(namespace, policy, namespace),
            None => self.metadata.label(&format!("{GROUP}/config")) == Some(policy),
        }
    }

    /// The incident that it was made for, if this policy made it.
    pub fn incident(&self) -> Option<&str> {
        self.metadata.annotations.get(INCIDENT).map(String::as_str)
    }

    /// Whether it is one of several that are taken at the same moment.
    pub fn is_grouped(&self) -> bool {
        let group = self.spec.source.as_ref().and_then(|source| source.get("group"));
        group.is_some_and(|group| !group.is_null())
    }

    /// The id of kopia's snapshot, where it has made one.
    pub fn kopia_id(&self) -> Option<&str> {
        self.status.snapshot.as_ref()?.get("kopiaSnapshotID")?.as_str().filter(|id| !id.is_empty())
    }

    /// The Job that does it.
    pub fn job(&self) -> &str {
        if self.status.job.name.is_empty() { &self.metadata.name } else { &self.status.job.name }
    }

    /// A condition of it that has this status.
    pub fn condition(&self, name: &str, status: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.name == name && condition.status == status)
    }

    /// When it ended, as well as that is told.
    pub fn ended(&self) -> Option<Time> {
        let ready = self.status.conditions.iter().find(|condition| condition.name == "Ready");
        let told = self.status.timing.end_time.or_else(|| ready?.last_transition_time);
        told.or(self.metadata.creation_timestamp)
    }

    /// The end of what it said: kopia's own words, or the mover's log.
    pub fn last_words(&self) -> Option<String> {
        let kopia = self.status.failure.as_ref().map_or("", |failure| &failure.stderr_tail);
        let said = if kopia.trim().is_empty() { &self.status.log_tail } else { kopia };
        Some(text::last_lines(said, LAST.0, LAST.1)).filter(|said| !said.is_empty())
    }

    /// Its namespace and name.
    pub fn shown(&self) -> String {
        format!("{}/{}", self.metadata.namespace.as_deref().unwrap_or_default(), self.metadata.name)
    }

    /// The command that shows all that there is to see of it.
    pub fn describe(&self) -> String {
        let namespace = self.metadata.namespace.as_deref().unwrap_or_default();
        format!("kubectl -n {namespace} describe snapshots.{GROUP} {}", self.metadata.name)
    }
}

/// A condition in the operator's words.
pub fn told(condition: &Condition) -> String {
    let message = text::one_line(&condition.message);
    let (reason, message) = (text::start(&condition.reason, 63), text::start(&message, SHOWN));
    match (reason, message) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

/// Somebody's message, short and on one line.
pub fn shown(message: &str) -> String {
    text::start(&text::one_line(message), SHOWN).to_owned()
}
