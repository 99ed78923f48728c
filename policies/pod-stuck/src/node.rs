//! The node that a pod is on.

use serde::Deserialize;
use suture_policy::kube::{Condition, Metadata, Ref};
use suture_policy::{Time, resource};

/// A node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Node {
    pub metadata: Metadata,
    status: Status,
}

resource!("v1", Node);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    conditions: Vec<Condition>,
}

/// How a pod's node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// The pod has none.
    None,
    /// It answers.
    Ready,
    /// It says that it is not ready, or says nothing any more; why, and since when.
    Down { why: String, since: Option<Time> },
    /// There is no such node.
    Gone,
    /// That can't be seen, and why.
    Unknown(String),
}

impl Health {
    pub fn of(node: Option<&str>) -> Self {
        let Some(name) = node else { return Self::None };
        let node = match Ref::<Node>::cluster(name).find() {
            Ok(Some(node)) => node,
            Ok(None) => return Self::Gone,
            Err(error) => return Self::Unknown(error.to_string()),
        };
        match node.status.conditions.iter().find(|condition| condition.name == "Ready") {
            Some(ready) if ready.is_true() => Self::Ready,
            Some(ready) => Self::Down {
                why: format!("{}: {}", ready.reason, ready.message),
                since: ready.last_transition_time,
            },
            None => Self::Down { why: "it has never said that it is ready".to_owned(), since: None },
        }
    }

    /// Whether its kubelet does what is asked of it.
    pub fn answers(&self) -> bool {
        matches!(self, Self::Ready)
    }

    /// What is wrong with a node, for people.
    pub fn trouble(&self, node: &str) -> Option<String> {
        match self {
            Self::None | Self::Ready => None,
            Self::Gone => Some(format!("there is no node {node} any more")),
            Self::Unknown(error) => Some(format!("whether node {node} answers can't be seen: {error}")),
            Self::Down { why, since } => {
                let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
                Some(format!("node {node} does not answer{since} ({why})"))
            }
        }
    }
}
