//! One thing that goes wrong.

use std::fmt;

use serde::{Deserialize, Serialize};
use suture_core::{HumanDuration, ObjectRef};

/// One thing that goes wrong, and where. Places are the numbers, from 1, of the requests
/// that the host sends to the cluster and of the entries that it writes, in all runs of
/// the scenario: a run is deterministic, so they are the same each time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Perturbation {
    /// The host is killed, and comes back.
    Kill {
        /// Where.
        at: Place,
        /// How long it is away.
        #[serde(default, skip_serializing_if = "is_zero")]
        down: HumanDuration,
        /// The power goes too: what was not synced is lost.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        power: bool,
        /// The policy's module is not there when it is back: the run is undone, and
        /// another begins.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        module: bool,
    },
    /// A request fails.
    Fail {
        /// The number of the request, from 1.
        request: u32,
        /// The error.
        reason: String,
        /// What was asked for is done all the same: only the answer is lost.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        done: bool,
        /// All that are like it fail from then on.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        always: bool,
    },
    /// A request takes long: to arrive, or to be answered.
    Delay {
        /// The number of the request, from 1.
        request: u32,
        /// How long.
        by: HumanDuration,
        /// It is done at once, and the answer comes late.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        answer: bool,
    },
    /// Somebody else does something to an object before a request arrives.
    Meddle {
        /// Which request.
        request: u32,
        /// How long after it was sent, where it waits.
        #[serde(default, skip_serializing_if = "is_zero")]
        after: HumanDuration,
        /// The object.
        object: ObjectRef,
        /// What is done to it.
        how: Meddling,
    },
    /// The alert stops firing in Prometheus before a request arrives.
    Clear {
        /// Which request.
        request: u32,
    },
    /// Another run of this host holds a lock, and keeps it.
    Lock {
        /// The lock, as the policy names it.
        name: String,
    },
    /// A notification never arrives.
    Lose {
        /// Which of `when`, from 1.
        notification: u32,
    },
    /// A notification arrives twice.
    Repeat {
        /// Which of `when`, from 1.
        notification: u32,
    },
    /// A notification arrives late.
    Late {
        /// Which of `when`, from 1.
        notification: u32,
        /// How late.
        by: HumanDuration,
    },
    /// What still fires is told again when all runs are over.
    Again,
}

/// Where the host is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// Before a request is sent.
    BeforeRequest(u32),
    /// When a request is done, before its answer is there.
    AfterRequest(u32),
    /// Before an entry is written.
    BeforeEntry(u32),
    /// When an entry is written.
    AfterEntry(u32),
}

/// What somebody else does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Meddling {
    /// Writes an annotation: the version moves on.
    Touch,
    /// Deletes it.
    Delete,
    /// Deletes it, and makes another of the same name and content.
    Recreate,
    /// Makes it what it was at the start of the scenario.
    Revert,
}

fn is_zero(duration: &HumanDuration) -> bool {
    duration.get().is_zero()
}

impl Perturbation {
    /// Perturbations that do less of the same, the least first.
    pub(crate) fn simpler(&self) -> Vec<Self> {
        let mut all = Vec::new();
        match self {
            Self::Kill { at, down, power, module } => {
                let zero = HumanDuration::from_secs(0);
                for (down, power, module) in [
                    (zero, false, false),
                    (zero, *power, false),
                    (zero, *power, *module),
                    (*down, *power, false),
                ] {
                    all.push(Self::Kill { at: *at, down, power, module });
                }
            }
            Self::Fail { request, reason, done, always: true } => {
                all.push(Self::Fail { request: *request, reason: reason.clone(), done: *done, always: false })
            }
            _ => {}
        }
        all.retain(|simpler| simpler != self);
        all
    }

    /// Whether it is a death of the host alone: what comes of the run must be the same.
    pub(crate) fn changes_nothing(&self) -> bool {
        matches!(self, Self::Kill { down, module: false, .. } if down.get().is_zero())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeforeRequest(number) => write!(f, "before request {number} is sent"),
            Self::AfterRequest(number) => {
                write!(f, "when request {number} is done, before its answer is there")
            }
            Self::BeforeEntry(number) => write!(f, "before entry {number} is written"),
            Self::AfterEntry(number) => write!(f, "when entry {number} is written"),
        }
    }
}

impl fmt::Display for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { at, down, power, module } => {
                write!(f, "the host is killed {at}")?;
                if *power {
                    f.write_str("; what was not synced is lost")?;
                }
                if !is_zero(down) {
                    write!(f, "; it is back after {down}")?;
                }
                if *module {
                    f.write_str("; the policy's module is gone then")?;
                }
                Ok(())
            }
            Self::Fail { request, reason, done, always } => {
                let which = if *always { " and all like it" } else { "" };
                let done = if *done { ", though it was done" } else { "" };
                write!(f, "request {request}{which} fails with {reason}{done}")
            }
            Self::Delay { request, by, answer: false } => write!(f, "request {request} arrives after {by}"),
            Self::Delay { request, by, answer: true } => {
                write!(f, "request {request} is answered after {by}")
            }
            Self::Meddle { request, after, object, how } => {
                match how {
                    Meddling::Touch => write!(f, "somebody annotates {object}")?,
                    Meddling::Delete => write!(f, "somebody deletes {object}")?,
                    Meddling::Recreate => write!(f, "somebody deletes {object} and makes it anew")?,
                    Meddling::Revert => write!(f, "somebody makes {object} what it was at the start")?,
                }
                if is_zero(after) {
                    write!(f, " before request {request} arrives")
                } else {
                    write!(f, " {after} into request {request}")
                }
            }
            Self::Clear { request } => write!(f, "the alert clears before request {request} arrives"),
            Self::Lock { name } => write!(f, "another run holds the lock `{name}`"),
            Self::Lose { notification } => write!(f, "notification {notification} never arrives"),
            Self::Repeat { notification } => write!(f, "notification {notification} arrives twice"),
            Self::Late { notification, by } => write!(f, "notification {notification} arrives {by} late"),
            Self::Again => f.write_str("the alert is told again when all is over"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perturbation_reads_back_as_the_command_line_has_it() {
        let object: ObjectRef = "v1 Pod media/plex".parse().unwrap();
        let (hour, zero) = (HumanDuration::from_secs(3600), HumanDuration::from_secs(0));
        let all = [
            Perturbation::Kill { at: Place::AfterRequest(7), down: hour, power: true, module: true },
            Perturbation::Kill { at: Place::BeforeEntry(1), down: zero, power: false, module: false },
            Perturbation::Fail { request: 3, reason: "Conflict".to_owned(), done: true, always: true },
            Perturbation::Delay { request: 3, by: hour, answer: true },
            Perturbation::Meddle { request: 3, after: hour, object, how: Meddling::Recreate },
            Perturbation::Clear { request: 2 },
            Perturbation::Lock { name: "restic".to_owned() },
            Perturbation::Lose { notification: 1 },
            Perturbation::Again,
        ];
        for perturbation in all {
            let text = serde_json::to_string(&perturbation).unwrap();
            assert_eq!(serde_json::from_str::<Perturbation>(&text).unwrap(), perturbation, "{text}");
        }
        let short = r#"{"kill":{"at":{"afterRequest":7}}}"#;
        assert!(serde_json::from_str::<Perturbation>(short).is_ok());
        assert!(
            serde_json::from_str::<Perturbation>(r#"{"kill":{"at":{"afterRequest":7},"wait":1}}"#).is_err()
        );
    }

    #[test]
    fn what_is_simpler_does_less() {
        let down = HumanDuration::from_secs(3600);
        let kill = Perturbation::Kill { at: Place::AfterEntry(1), down, power: true, module: true };
        let simpler = kill.simpler();
        assert!(simpler[0].changes_nothing() && !simpler.contains(&kill));
        assert!(simpler[0].simpler().is_empty());
    }
}
