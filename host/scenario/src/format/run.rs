//! What surrounds the run of a scenario: what it is called, and who is in its way.

use serde::Deserialize;
use suture_core::{HumanDuration, IncidentId, RunId};

/// What the first run of a scenario is called; the others are counted. Policies see the
/// incident and the attempt, objects that a run makes carry its id, and generated names depend
/// on it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RunIdentity {
    /// The run.
    pub id: RunId,
    /// Its incident.
    pub incident: IncidentId,
    /// Which attempt of its incident it is, from 1.
    pub attempt: u32,
}

impl Default for RunIdentity {
    fn default() -> Self {
        Self::counted(0)
    }
}

impl RunIdentity {
    /// The n-th run of a scenario, from 0, where nothing else is said.
    pub fn counted(index: usize) -> Self {
        let number = index + 1;
        Self {
            id: RunId::new(format!("run-{number}")),
            incident: IncidentId::new(format!("incident-{number}")),
            attempt: 1,
        }
    }

    /// Which run, from 0, an id belongs to, in a scenario whose first is this one.
    pub fn index_of(&self, run: &RunId) -> Option<usize> {
        if *run == self.id {
            return Some(0);
        }
        run.as_str().strip_prefix("run-")?.parse::<usize>().ok()?.checked_sub(1)
    }
}

/// A lock that another run holds from the start.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeldLock {
    /// Its name, as policies ask for it.
    pub name: String,
    /// For how long; without it, to the end.
    #[serde(default, rename = "for")]
    pub held_for: Option<HumanDuration>,
}

/// Time that passes between two steps of the first run. In a scenario effects take no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pause {
    /// It passes before this step.
    pub step: u32,
    /// How much.
    #[serde(rename = "for")]
    pub held_for: HumanDuration,
}
