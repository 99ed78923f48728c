//! What people are asked to approve, and what they said.

use serde::{Deserialize, Serialize};
use suture_core::{Digest, RunId, Timestamp};

use crate::plan::Plan;

/// That an incident's run asks for approval of its plan, and what became of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRecord {
    /// The run that made the plan.
    pub run: RunId,
    /// The plan's digest.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// That of the module, settings, grants and key that it was made under.
    #[schemars(with = "String")]
    pub basis: Digest,
    /// The plan's changes, in order.
    pub changes: Vec<ApprovalChange>,
    /// When people were asked.
    pub asked_at: Timestamp,
    /// Until when they may answer, and the approved run may begin.
    pub expires_at: Timestamp,
    /// How many people must approve it.
    pub needed: u32,
    /// How many different plans were asked for in a row, from 1.
    pub asked: u32,
    /// In what it differs from the plan before, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
    /// Who has approved it.
    #[serde(default)]
    pub given: Vec<Given>,
    /// Where it stands.
    pub stage: ApprovalStage,
}

/// A change that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalChange {
    /// Identifies it.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// What it does.
    pub summary: String,
}

/// One person's approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Given {
    /// The person, by the name that the host or the API server knows them by.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Whether also what the run does after these changes is approved, within its grants.
    pub rest: bool,
}

/// Where an approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ApprovalStage {
    /// People are asked.
    Asked,
    /// It is approved; a plan of several changes is yet to be made once more.
    Approved,
    /// It is approved, and the plan was the same again: the run that acts may begin.
    Confirmed,
    /// The run that acts has begun: it is used up.
    Used,
}

/// What a run that acts was approved to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approved {
    /// The run that asked.
    pub run: RunId,
    /// The changes, in order.
    pub changes: Vec<Digest>,
    /// Whether also what comes after them.
    pub rest: bool,
    /// Who approved it.
    pub by: Vec<String>,
}

impl ApprovalRecord {
    /// Whether people said yes and the run that acts has not begun.
    pub fn is_open(&self) -> bool {
        matches!(self.stage, ApprovalStage::Approved | ApprovalStage::Confirmed)
    }

    /// Whether the plan must be made once more as a whole before anything is done.
    pub fn is_to_be_confirmed(&self) -> bool {
        self.stage == ApprovalStage::Approved && self.changes.len() > 1
    }

    /// What the run that acts may do. All who approved it must have said so of the rest.
    pub fn approved(&self) -> Approved {
        Approved {
            run: self.run.clone(),
            changes: self.changes.iter().map(|change| change.digest).collect(),
            rest: !self.given.is_empty() && self.given.iter().all(|given| given.rest),
            by: self.given.iter().map(|given| given.who.clone()).collect(),
        }
    }
}

impl ApprovalChange {
    /// Those that a plan asks for.
    pub fn all(plan: &Plan) -> Vec<Self> {
        let own = plan.changes.iter().filter(|change| change.undo_of.is_none() && !change.performed);
        own.map(|change| Self { digest: change.digest, summary: change.summary.clone() }).collect()
    }

    /// In what changes differ from those that were asked for before, a sentence each.
    pub fn differences(before: &[Self], now: &[Self]) -> Vec<String> {
        let lacks = |all: &[Self], one: &Self| all.iter().all(|other| other.digest != one.digest);
        let gone = before.iter().filter(|change| lacks(now, change));
        let new = now.iter().filter(|change| lacks(before, change));
        let gone = gone.map(|change| format!("no longer: {}", change.summary));
        gone.chain(new.map(|change| format!("now: {}", change.summary))).collect()
    }
}
