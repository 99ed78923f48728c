//! How a host stands: what is paused, what waits, what is open, and whether it takes alerts.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use suture_cluster::{Contact, Contacts};
use suture_core::Timestamp;
use suture_engine::{DrainStatus, Engine, PolicyStatus, Unreconciled, Waiting};
use suture_journal::PauseRecord;

use super::readiness::{age, not_ready};
use crate::failure::Failure;

/// How a host stands.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostStatus {
    /// The version of suture that it runs.
    pub version: String,
    /// What time it is to the host.
    pub time: Timestamp,
    /// Why it is not ready (what `/readyz` answers); null where it is.
    pub not_ready: Option<String>,
    /// Whether it is shutting down.
    pub stopping: bool,
    /// Whether somebody has paused the whole host.
    pub paused: bool,
    /// Who has paused what, and why.
    pub pauses: Vec<PauseRecord>,
    /// How far the host is drained; null where nobody drains it.
    pub drain: Option<DrainStatus>,
    /// How many runs are at work, those that wait included.
    pub at_work: usize,
    /// What waits for something that keeps it from going on.
    pub waiting: Vec<WaitingLine>,
    /// What of Alertmanager could not be read when it was asked for alerts that never arrived; null
    /// where all was.
    #[serde(default)]
    pub unreconciled: Option<Unreconciled>,
    /// Prometheus and the Alertmanagers, as they answered last: nobody is asked for this.
    #[serde(default)]
    pub upstreams: Vec<Upstream>,
    /// How many incidents are open, by state.
    pub incidents: BTreeMap<String, usize>,
    /// Each policy.
    pub policies: Vec<PolicyStanding>,
    /// Notifications that are stored and not looked at yet.
    pub inbox: Inbox,
    /// The journal.
    pub journal: JournalUse,
}

/// A server that the host asks.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upstream {
    /// Its URL, without credentials.
    pub url: String,
    /// When it answered last; null where it has not since the host started.
    pub answered_at: Option<Timestamp>,
    /// Since when it has not answered; null where the last request was answered, or none was sent.
    pub failing_since: Option<Timestamp>,
    /// When the last request that failed was sent; null where none has.
    pub failed_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Upstream {
    fn of((url, contact): (String, Contact)) -> Self {
        let Contact { answered_at, failing_since, error } = contact;
        let (failed_at, error) = error.unzip();
        Self { url, answered_at, failing_since, failed_at, error }
    }
}

/// What of one policy waits for the same.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingLine {
    /// What waits, for what, and why.
    #[serde(flatten)]
    pub waiting: Waiting,
    /// For how many seconds the first of them does.
    pub oldest_seconds: Option<i64>,
}

/// Notifications that are stored and not looked at yet.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Inbox {
    /// How many.
    pub notifications: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// What the journal takes.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalUse {
    /// Why it can't be written; null where it can.
    pub error: Option<String>,
    /// Bytes on disk.
    pub used_bytes: u64,
    /// How many there may be (`storage.maxSize`).
    pub max_bytes: Option<u64>,
    /// Whether it takes nothing new.
    pub is_full: bool,
    /// What of it was seen to be damaged since the host started: a sentence each, which names the row
    /// where it can.
    #[serde(default)]
    pub damage: Vec<String>,
}

/// How a policy stands.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStanding {
    /// The policy, as it is configured and loaded.
    #[serde(flatten)]
    pub status: PolicyStatus,
    /// How many of its incidents are open, by state.
    pub incidents: BTreeMap<String, usize>,
}

pub(super) async fn show(
    State(engine): State<Engine>,
    Extension(contacts): Extension<Contacts>,
) -> Result<Json<HostStatus>, Failure> {
    of(&engine, &contacts).await.map(Json)
}

/// How a host stands, as of now.
pub(crate) async fn of(engine: &Engine, contacts: &Contacts) -> Result<HostStatus, Failure> {
    let waiting = engine.waiting().await.map_err(|error| Failure::internal(error.to_string()))?;
    let drain = engine.drain_status().await.map_err(|error| Failure::internal(error.to_string()))?;
    let (now, journal) = (engine.now(), engine.journal());
    let room = journal.room();
    let of_policy = |status| PolicyStanding { status, incidents: BTreeMap::new() };
    let mut policies: Vec<_> = engine.policies().into_iter().map(of_policy).collect();
    let mut incidents = BTreeMap::new();
    for (policy, state, number) in journal.open_counts() {
        *incidents.entry(state.as_str().to_owned()).or_default() += number;
        if let Some(standing) = policies.iter_mut().find(|standing| standing.status.name == policy) {
            standing.incidents.insert(state.as_str().to_owned(), number);
        }
    }
    let line = |waiting: Waiting| WaitingLine {
        oldest_seconds: waiting.since.map(|since| age(since, now)),
        waiting,
    };
    Ok(HostStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        time: now,
        not_ready: not_ready(engine).await.err().map(|failure| failure.message),
        stopping: engine.is_stopping(),
        paused: engine.is_paused(),
        pauses: engine.pauses(),
        drain,
        at_work: engine.at_work(),
        waiting: waiting.into_iter().map(line).collect(),
        unreconciled: engine.unreconciled(),
        upstreams: contacts.all().into_iter().map(Upstream::of).collect(),
        incidents,
        policies,
        inbox: Inbox { notifications: journal.inbox_len(), bytes: journal.inbox_bytes() },
        journal: JournalUse {
            error: journal.health().and_then(|()| engine.keeps_up()).err().map(|error| error.to_string()),
            used_bytes: room.used,
            max_bytes: room.max,
            is_full: room.is_full_with(0),
            damage: journal.damage(),
        },
    })
}
