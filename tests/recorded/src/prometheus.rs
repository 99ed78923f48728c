//! What a rule of Prometheus found at each evaluation, and what became of it.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// One sequence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PrometheusTrace {
    /// What it shows, in a sentence.
    pub shows: String,
    /// The rule.
    pub rule: Rule,
    /// How many milliseconds of a second had passed when it began.
    pub start_of_second: Millis,
    /// Its evaluations, in order.
    pub evaluations: Vec<Evaluation>,
}

/// The rule, and the flags that matter to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// `for`.
    pub hold: u64,
    /// `keep_firing_for`.
    pub keep_firing_for: u64,
    /// How often it is evaluated.
    pub interval: u64,
    /// `--rules.alert.resend-delay`.
    pub resend_delay: u64,
    /// `--rules.alert.for-grace-period`.
    pub for_grace_period: u64,
}

/// One evaluation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evaluation {
    /// When.
    pub at: Millis,
    /// Whether it is the first after a restart.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restarted: bool,
    /// The label `name` of the series for which the expression held.
    pub holds: Vec<String>,
    /// What the API listed after it; none where it was not asked before the next one.
    pub listed: Option<Vec<Listed>>,
    /// Whether it knew no Alertmanager yet to post to, as in the first seconds after a start.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
    /// What was posted after it.
    pub sent: Vec<Sent>,
}

/// An alert in the list of the API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listed {
    /// Its label `name`.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// `activeAt`.
    pub active: Millis,
}

/// How an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// `pending`.
    Pending,
    /// `firing`.
    Firing,
    /// `firing`, with this as `keepFiringSince`.
    Kept(Millis),
}

/// An alert as it is posted to Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sent {
    /// Its label `name`.
    pub name: String,
    /// `startsAt`.
    pub starts: Millis,
    /// `endsAt`.
    pub ends: Millis,
}
