//! The record of what a run did, effect by effect.

use serde::{Deserialize, Serialize};
use suture_core::clock::Timestamp;
use suture_core::{Effect, Ending, Error, Mutation, Prepared, Reply};

use crate::ledger::Ledger;

/// One line of a run's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The step it belongs to: the number of the effect in the run, from 1.
    pub step: u32,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Body {
    /// An effect that changed nothing outside, with its answer: a read, a log line, or
    /// anything that was refused before it could happen.
    Call {
        /// What was asked.
        effect: Effect,
        /// What came back.
        answer: Answer,
        /// The step whose undo this is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo_of: Option<u32>,
    },
    /// What is about to be done (a mutation) or awaited (a wait, a sleep, a lock). On
    /// disk before it begins. A conflict is prepared anew: then a step has several.
    Intent {
        /// The definite act.
        prepared: Prepared,
        /// The step whose undo this is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo_of: Option<u32>,
    },
    /// What the step's last intent brought.
    Reply {
        /// It.
        answer: Answer,
    },
    /// The undo of a step is settled without being run.
    Kept {
        /// The step that made the change.
        change: u32,
        /// Why: the policy keeps the change, or there was nothing left to undo.
        reason: String,
    },
    /// The policy is done, or was ended. Undos may follow.
    Ended {
        /// How.
        ending: Ending,
    },
}

/// What an effect brought: a reply, or an error that the policy saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The reply.
    Ok(Reply),
    /// The error.
    Error(Error),
}

impl From<Result<Reply, Error>> for Answer {
    fn from(result: Result<Reply, Error>) -> Self {
        match result {
            Ok(reply) => Self::Ok(reply),
            Err(error) => Self::Error(error),
        }
    }
}

impl From<Answer> for Result<Reply, Error> {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Ok(reply) => Ok(reply),
            Answer::Error(error) => Err(error),
        }
    }
}

/// The undos that a record leaves open, oldest first, each with the step whose change
/// it takes back.
pub fn unsettled(entries: &[Entry]) -> Vec<(u32, Mutation)> {
    let ledger = Ledger::of(entries);
    ledger.open().iter().map(|undo| (undo.change, undo.mutation.clone())).collect()
}
