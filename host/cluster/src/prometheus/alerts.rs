//! The list of alerts, as Prometheus and those who speak its API say it.

use serde::{Deserialize, Deserializer};
use suture_core::effect::ActiveAlert;
use suture_core::{Labels, Timestamp};

/// The `data` of the list of alerts.
#[derive(Debug, Deserialize)]
pub struct AlertList {
    /// Thanos writes it otherwise, and `null` where there is none.
    #[serde(alias = "Alerts", deserialize_with = "or_null")]
    alerts: Vec<ListedAlert>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedAlert {
    labels: Labels,
    #[serde(default)]
    annotations: Labels,
    state: String,
    active_at: Option<Timestamp>,
    /// Since 2.42, where the rule has `keep_firing_for`. The zero time is none.
    keep_firing_since: Option<Timestamp>,
    /// What vmalert says in its place.
    #[serde(default)]
    stabilizing: bool,
}

/// How an alert stands.
enum Standing {
    Firing,
    /// Its expression holds no more since then; the Unix epoch where that is not told.
    Kept(Timestamp),
    Pending,
    /// Nothing is wrong.
    Over,
}

impl AlertList {
    /// Those that are pending or firing.
    pub fn active(self) -> Vec<ActiveAlert> {
        self.alerts.into_iter().filter_map(ListedAlert::active).collect()
    }
}

impl ListedAlert {
    fn active(self) -> Option<ActiveAlert> {
        let (firing, kept_firing_since) = match self.standing() {
            Standing::Firing => (true, None),
            Standing::Kept(since) => (false, Some(since)),
            Standing::Pending => (false, None),
            Standing::Over => return None,
        };
        Some(ActiveAlert {
            firing,
            kept_firing_since,
            labels: self.labels,
            annotations: self.annotations,
            active_at: self.active_at.unwrap_or(Timestamp::UNIX_EPOCH),
        })
    }

    /// Prometheus says `firing`, Grafana `Alerting`, `Recovering` or `Normal`, and in parentheses why
    /// that is so although nothing was measured. What is not known to hold is neither confirmed nor over.
    fn standing(&self) -> Standing {
        let (state, why) = self.state.split_once(' ').unwrap_or((&self.state, ""));
        let kept = self.keep_firing_since.filter(|since| *since > Timestamp::UNIX_EPOCH);
        let kept = kept.or(self.stabilizing.then_some(Timestamp::UNIX_EPOCH));
        match (state, kept) {
            ("inactive" | "Normal", _) => Standing::Over,
            _ if !why.is_empty() => Standing::Pending,
            ("firing", Some(since)) => Standing::Kept(since),
            ("Recovering", _) => Standing::Kept(Timestamp::UNIX_EPOCH),
            ("firing" | "Alerting", _) => Standing::Firing,
            // `pending`; and what a later version may say.
            _ => Standing::Pending,
        }
    }
}

/// A list, which is there, and may be `null`: some write an empty one so.
pub(super) fn or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}
