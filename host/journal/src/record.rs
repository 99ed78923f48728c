//! Incidents and runs, as they are stored and as the API shows them.

use std::sync::Arc;

use crate::approval::{ApprovalRecord, Approved};
use serde::{Deserialize, Serialize};
use suture_core::clock::Timestamp;
use suture_core::{
    Alert, ContractVersion, Grant, Incident, IncidentId, Labels, Limits, Mode, Permission, RunId,
};

/// A notification that was accepted and is not routed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxRecord {
    /// When it came.
    pub received_at: Timestamp,
    /// The policy it was addressed to (`/hooks/{policy}`); none where matchers decide.
    pub policy: Option<String>,
    /// Whether it waits for that policy to be loaded: it holds what may be for it then.
    pub waits: bool,
    /// The request's body, byte for byte.
    pub body: Vec<u8>,
}

impl InboxRecord {
    /// Follows the name of a policy for which a notification waits, in its stored address. No
    /// policy's name has a blank.
    pub(crate) const WAITS: &str = " (waits)";

    /// To whom it is addressed, as it is stored.
    pub(crate) fn address(&self) -> Option<String> {
        let waits = if self.waits { Self::WAITS } else { "" };
        self.policy.as_ref().map(|policy| format!("{policy}{waits}"))
    }

    /// The policy that an address names, and whether it is waited for.
    pub(crate) fn addressee(address: &str) -> (&str, bool) {
        address.strip_suffix(Self::WAITS).map_or((address, false), |policy| (policy, true))
    }
}

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum IncidentState {
    /// The alert is stored; Prometheus has yet to say that it fires.
    Received,
    /// It waits for its turn.
    Queued,
    /// The host lacks a right in the namespace that it is about.
    Held,
    /// A run is at work.
    Running,
    /// A run is at work, and waits for something in the cluster.
    Waiting,
    /// A run has made a plan, which people are yet to approve.
    AwaitingApproval,
    /// A run says that it repaired; the alert has yet to clear.
    Verifying,
    /// The alert cleared.
    Resolved,
    /// There was nothing to repair.
    Unnecessary,
    /// Observe mode: the plan stands in the timeline.
    Planned,
    /// Another attempt comes.
    Retrying,
    /// Its alert is silenced or inhibited in Alertmanager: it is left alone until that is over.
    Silenced,
    /// A person must look, and is told until it is over.
    Escalated,
    /// It can't be handled, and no person could be told: of earlier versions, which gave up. Nothing
    /// becomes so any more.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Prometheus never said that the alert fires: nothing was done.
    Unconfirmed,
}

impl IncidentState {
    /// All there are.
    pub const ALL: [Self; 16] = [
        Self::Received,
        Self::Queued,
        Self::Held,
        Self::Running,
        Self::Waiting,
        Self::AwaitingApproval,
        Self::Verifying,
        Self::Resolved,
        Self::Unnecessary,
        Self::Planned,
        Self::Retrying,
        Self::Silenced,
        Self::Escalated,
        Self::Failed,
        Self::Cancelled,
        Self::Unconfirmed,
    ];

    /// The state of which [`as_str`](Self::as_str) says this.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::AwaitingApproval => "awaitingApproval",
            Self::Verifying => "verifying",
            Self::Resolved => "resolved",
            Self::Unnecessary => "unnecessary",
            Self::Planned => "planned",
            Self::Retrying => "retrying",
            Self::Silenced => "silenced",
            Self::Escalated => "escalated",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    /// Whether nothing is done for it before its alert clears, fires anew, or is silenced no more, or
    /// people approve it.
    pub fn rests(self) -> bool {
        !self.is_active() || matches!(self, Self::Silenced | Self::AwaitingApproval)
    }

    /// Whether the host has something left to do for it.
    pub fn is_active(self) -> bool {
        matches!(
            self,
            Self::Received
                | Self::Queued
                | Self::Held
                | Self::Running
                | Self::Waiting
                | Self::AwaitingApproval
                | Self::Verifying
                | Self::Retrying
                | Self::Silenced
        )
    }
}

/// One policy and one key, from the first firing alert until it is resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentRecord {
    /// Its id.
    pub id: IncidentId,
    /// The policy's name in the configuration.
    pub policy: String,
    /// The key labels.
    pub key: Labels,
    /// The alert's fingerprint.
    pub fingerprint: String,
    /// Since when the alert fires.
    pub starts_at: Timestamp,
    /// Where it stands.
    pub state: IncidentState,
    /// Since when; none where it is closed, or an older version wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The namespace in which the host lacks a right, where that holds it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_in: Option<String>,
    /// When the alert was received.
    pub opened_at: Timestamp,
    /// When it was over: the alert cleared, or nothing fires any more. An incident
    /// that is escalated, planned, … stays open until then.
    pub closed_at: Option<Timestamp>,
    /// Its runs, oldest first.
    pub runs: Vec<RunId>,
    /// The alert, in its latest form.
    pub alert: Arc<Alert>,
    /// How many runs counted as attempts.
    pub attempts: u32,
    /// When the host next has something to do for it (retry, end of settling).
    pub due: Option<Timestamp>,
    /// Why it stands where it stands, for people.
    pub summary: String,
    /// Whether it was started by hand: then no alert closes it.
    #[serde(default)]
    pub by_hand: bool,
    /// Who started it by hand, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// Whether it was started by hand and without confirmation by Prometheus.
    #[serde(default)]
    pub forced: bool,
    /// Whether a notification said that the alert is resolved, and Prometheus has yet to
    /// say so, too.
    #[serde(default)]
    pub said_resolved: bool,
    /// Who cancelled it, in words that go on a sentence; then it is not tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<String>,
    /// What people are asked to approve, or have approved, for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Box<ApprovalRecord>>,
    /// Who had it tried anew by hand, the last of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retried_by: Vec<String>,
    /// Whether people were told that it is escalated.
    #[serde(default)]
    pub paged: bool,
    /// The end of what its last run noted, a line each, for people who are told of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// The policy is at work.
    Running,
    /// It waits for something.
    Waiting,
    /// It is over, undos included.
    Ended,
}

impl RunState {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Running, Self::Waiting, Self::Ended];

    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Ended => "ended",
        }
    }
}

/// One execution of a policy for an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// The incident it works on.
    pub incident: IncidentId,
    /// The policy's name in the configuration.
    pub policy: String,
    /// What identifies the policy's code: `sha256:…`.
    pub digest: String,
    /// Whether mutations are performed.
    pub mode: Mode,
    /// From 1.
    pub attempt: u32,
    /// Where it stands.
    pub state: RunState,
    /// `remediated`, `unnecessary`, `retry`, `escalate`, `failed`, `planned`, `unapproved`,
    /// `cancelled` or `interrupted`, once it has ended.
    pub outcome: Option<String>,
    /// A sentence for people, once it has ended.
    pub summary: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Under what a run began. It never goes on under anything else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunHeader {
    /// The format of the entries: [`RunHeader::FORMAT`].
    pub format: u32,
    /// The version of the contract that its module was built for: `suture:policy@0.2.0`.
    pub world: String,
    /// The incident, settings included, byte for byte as the policy received it.
    pub incident: Incident,
    /// What the run may use.
    pub limits: Limits,
    /// What its policy's manifest requested under the settings.
    #[serde(default)]
    pub requested: Vec<Permission>,
    /// What the operator granted it. A change was allowed by these, and so is taking it back
    /// where the policy is no longer in the configuration: what is granted today is granted to
    /// others.
    #[serde(default)]
    pub grants: Arc<[Grant]>,
    /// In mode `approve`, what it was approved to do; none of a run that only plans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approved>,
    /// Identifies the cluster: the uid of its `kube-system` namespace.
    pub cluster: String,
}

impl RunHeader {
    /// The format of entries that this version writes.
    pub const FORMAT: u32 = 3;
    /// The newest contract that this version serves.
    pub const WORLD: &'static str = ContractVersion::NEWEST.package();

    /// The contract that its module was built for.
    ///
    /// # Errors
    /// That this version does not serve it, in a sentence.
    pub fn contract(&self) -> Result<ContractVersion, String> {
        ContractVersion::of_package(&self.world).ok_or_else(|| {
            let known: Vec<_> = ContractVersion::ALL.iter().map(|one| format!("`{one}`")).collect();
            format!(
                "it ran under the contract `{}`, and this version serves {}",
                self.world,
                known.join(" and ")
            )
        })
    }
}
