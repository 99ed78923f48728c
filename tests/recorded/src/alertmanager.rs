//! What Alertmanager was given, and what it told a webhook.

use serde::{Deserialize, Serialize};
use suture_core::Labels;

use crate::Millis;

/// One sequence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AlertmanagerTrace {
    /// What it shows, in a sentence.
    pub shows: String,
    /// How it was configured.
    pub route: Route,
    /// When it was over.
    pub ended: Millis,
    /// What happened, in order.
    pub events: Vec<Timed>,
}

/// The one route, and what else is configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Route {
    /// `group_by`.
    pub group_by: Vec<String>,
    /// `group_wait`.
    pub group_wait: u64,
    /// `group_interval`.
    pub group_interval: u64,
    /// `repeat_interval`.
    pub repeat_interval: u64,
    /// `resolve_timeout`.
    pub resolve_timeout: u64,
    /// `max_alerts` of the webhook.
    pub max_alerts: usize,
    /// `inhibit_rules`.
    pub inhibit: Vec<Inhibition>,
}

/// One of `inhibit_rules`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inhibition {
    /// What the inhibiting alert has.
    pub source: Labels,
    /// What the inhibited alert has.
    pub target: Labels,
    /// What both have alike.
    pub equal: Vec<String>,
}

/// Something that happened at a time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Timed {
    /// When.
    pub at: Millis,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Event {
    /// An alert was posted.
    Post(Post),
    /// Alerts with these labels were silenced until then.
    Silence {
        /// The labels.
        labels: Labels,
        /// Until when.
        until: Millis,
    },
    /// The silence for these labels was ended.
    Unsilence {
        /// The labels.
        labels: Labels,
    },
    /// It was stopped.
    Stop {},
    /// It was there again.
    Start {},
    /// It notified of a group.
    #[serde(rename = "told")]
    Notified(Notified),
}

/// An alert as it is posted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Post {
    /// Its labels.
    pub labels: Labels,
    /// `startsAt`.
    pub starts: Millis,
    /// `endsAt`; none where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Millis>,
}

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// Its alerts, in their order.
    pub alerts: Vec<NotifiedAlert>,
    /// `truncatedAlerts`.
    #[serde(default)]
    pub truncated: u64,
}

/// An alert of a notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifiedAlert {
    /// Its labels.
    pub labels: Labels,
    /// `startsAt`.
    pub starts: Millis,
    /// `endsAt` of one that is resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Millis>,
}
