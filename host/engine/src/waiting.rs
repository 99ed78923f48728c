//! What waits, for what, and since when: for the API, the metrics, and whoever asks whether a host
//! is stuck. None of it costs a look at all that is open.

use serde::{Deserialize, Serialize};
use suture_core::Timestamp;
use suture_journal::ListedIncident;

use crate::engine::Engine;

/// Why something waits.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Notifications are accepted, and not routed yet.
    Inbox,
    /// Prometheus has yet to say whether the alert fires, or is over.
    Unconfirmed,
    /// Somebody paused the host, or the policy.
    Paused,
    /// The host is being drained, or was.
    Drained,
    /// The host is shutting down.
    Stopping,
    /// The journal can't be written.
    Journal,
    /// The journal is full.
    JournalFull,
    /// The API server can't be reached since the host's start.
    Unreachable,
    /// Alertmanager can't say what is silenced.
    Alertmanager,
    /// People silenced the alert, or another one inhibits it.
    Silenced,
    /// People are yet to approve the plan.
    Approval,
    /// The policy's module can't be loaded.
    NotLoaded,
    /// The host lacks a right.
    Right,
    /// Too many incidents of the policy came at once.
    Storm,
    /// The policy has started as many runs as it may in an hour.
    Budget,
    /// As many runs are at work as there may be at once.
    Places,
    /// Another incident with the same key is being handled.
    Key,
    /// Another run holds a lock.
    Lock,
    /// It is tried again after a pause.
    Backoff,
    /// The policy of the run waits for a change in the cluster.
    Cluster,
    /// The policy of the run waits for a time to pass.
    Sleep,
    /// The repair is done, and the alert has yet to clear.
    Alert,
}

impl Reason {
    /// As the API and the metrics write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Unconfirmed => "unconfirmed",
            Self::Paused => "paused",
            Self::Drained => "drained",
            Self::Stopping => "stopping",
            Self::Journal => "journal",
            Self::JournalFull => "journalFull",
            Self::Unreachable => "unreachable",
            Self::Alertmanager => "alertmanager",
            Self::Silenced => "silenced",
            Self::Approval => "approval",
            Self::NotLoaded => "notLoaded",
            Self::Right => "right",
            Self::Storm => "storm",
            Self::Budget => "budget",
            Self::Places => "places",
            Self::Key => "key",
            Self::Lock => "lock",
            Self::Backoff => "backoff",
            Self::Cluster => "cluster",
            Self::Sleep => "sleep",
            Self::Alert => "alert",
        }
    }

    /// Whether work is kept waiting by it that could go on otherwise. What a policy itself waits
    /// for is its work.
    pub fn is_obstacle(self) -> bool {
        match self {
            Self::Cluster | Self::Sleep | Self::Alert => false,
            Self::Inbox
            | Self::Unconfirmed
            | Self::Paused
            | Self::Drained
            | Self::Stopping
            | Self::Journal
            | Self::JournalFull
            | Self::Unreachable
            | Self::Alertmanager
            | Self::Silenced
            | Self::Approval
            | Self::NotLoaded
            | Self::Right
            | Self::Storm
            | Self::Budget
            | Self::Places
            | Self::Key
            | Self::Lock
            | Self::Backoff => true,
        }
    }
}

/// Why an incident waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingFor {
    /// For what.
    pub reason: Reason,
    /// A sentence for people.
    pub message: String,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// When that is over by itself, where that is known.
    pub until: Option<Timestamp>,
}

/// What of one policy waits for the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The policy; empty where notifications are not routed to any yet.
    pub policy: String,
    /// For what.
    pub reason: Reason,
    /// A sentence for people.
    pub message: String,
    /// How many incidents, runs, or notifications.
    pub count: usize,
    /// Since when the first of them waits, where that is known.
    pub since: Option<Timestamp>,
}

/// An incident, and what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownIncident {
    /// The incident, and what it is about.
    #[serde(flatten)]
    pub listed: ListedIncident,
    /// What it waits for; none where it is being worked on, or needs nothing of the host.
    pub waiting_for: Option<WaitingFor>,
}

impl ShownIncident {
    /// An incident of an engine.
    pub fn of(engine: &Engine, listed: ListedIncident) -> Self {
        Self { waiting_for: engine.waiting_for(&listed.incident), listed }
    }
}
