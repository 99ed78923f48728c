//! How a host is, at a glance.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use suture_core::{Mode, Timestamp};
use suture_engine::{Engine, PolicyStatus};

use crate::api::not_ready;

/// How a host is.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostStatus {
    /// The version of suture that it runs.
    pub version: String,
    /// What time it is to the host.
    pub now: Timestamp,
    /// Why it is not ready (what `/readyz` answers); null where it is.
    pub not_ready: Option<String>,
    /// Whether no run starts, because somebody paused the host.
    pub paused: bool,
    /// Notifications that are stored and not looked at yet.
    pub inbox: Inbox,
    /// The journal.
    pub journal: JournalUse,
    /// How many incidents are open, by state.
    pub incidents: BTreeMap<String, usize>,
    /// Each policy.
    pub policies: Vec<PolicyStanding>,
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
    /// Bytes on disk.
    pub used: u64,
    /// How many there may be (`storage.maxSize`).
    pub max: Option<u64>,
}

/// How a policy is.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStanding {
    /// Its name in this host.
    pub name: String,
    /// `observe` or `enforce`.
    pub mode: Mode,
    /// The manifest's version, where it is loaded.
    pub version: Option<String>,
    /// Whether no run of it starts, because somebody paused it, or the host.
    pub paused: bool,
    /// Whether no run of it starts, because too much broke at once.
    pub storm: bool,
    /// Why no run of it starts, because the host lacks something that it needs.
    pub held_back: Option<String>,
    /// Why it is not loaded, or not the newest.
    pub error: Option<String>,
    /// How many of its incidents are open, by state.
    pub incidents: BTreeMap<String, usize>,
}

impl PolicyStanding {
    fn of(status: PolicyStatus) -> Self {
        let PolicyStatus { name, mode, version, paused, storm, held_back, error, .. } = status;
        let error = error.filter(|error| held_back.as_ref() != Some(error));
        Self { name, mode, version, paused, storm, held_back, error, incidents: BTreeMap::new() }
    }
}

pub(super) async fn status(State(engine): State<Engine>) -> Json<HostStatus> {
    let journal = engine.journal();
    let room = journal.room();
    let mut policies: Vec<_> = engine.policies().into_iter().map(PolicyStanding::of).collect();
    let mut incidents = BTreeMap::new();
    for (policy, state, number) in journal.open_counts() {
        *incidents.entry(state.as_str().to_owned()).or_default() += number;
        if let Some(standing) = policies.iter_mut().find(|standing| standing.name == policy) {
            standing.incidents.insert(state.as_str().to_owned(), number);
        }
    }
    Json(HostStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now: engine.now(),
        not_ready: not_ready(&engine).await.err().map(|failure| failure.message),
        paused: engine.is_paused(),
        inbox: Inbox { notifications: journal.inbox_len(), bytes: journal.inbox_bytes() },
        journal: JournalUse { used: room.used, max: room.max },
        incidents,
        policies,
    })
}
