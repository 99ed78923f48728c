//! Alerts that go round for a try: posted to Alertmanager, and waited for at the webhook.
//! Nothing is ever done about one.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde::Serialize;
use suture_core::alert::Read;
use suture_core::{Labels, Timestamp};

/// What such an alert is called. Its name alone keeps it from any policy.
pub(crate) const ALERT_NAME: &str = "SutureDrill";
/// The label that tells one drill from another.
pub(crate) const LABEL: &str = "drill";
/// Drills that are remembered.
const MOST: usize = 32;

/// One that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Drill {
    /// Its id.
    pub id: String,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The labels that it was sent with.
    pub labels: Labels,
    /// When it came, by which receiver and path; none while it has not.
    pub arrived: Option<Arrival>,
}

/// How one came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Arrival {
    /// When.
    pub at: Timestamp,
    /// The receiver in Alertmanager.
    pub receiver: String,
    /// The policy of `/hooks/POLICY`; none where it was `/hooks`.
    pub policy: Option<String>,
}

/// The last of them.
#[derive(Default)]
pub(crate) struct Drills(Mutex<VecDeque<Drill>>);

/// Which drill an alert is.
pub(crate) fn drill_of(alert: &Read) -> Option<String> {
    let Read::Whole(alert) = alert else { return None };
    let is_drill = alert.labels.get("alertname").is_some_and(|name| name == ALERT_NAME);
    is_drill.then(|| alert.labels.get(LABEL).cloned()).flatten()
}

impl Drills {
    /// One is being sent.
    pub fn begin(&self, drill: Drill) {
        let mut drills = self.0.lock();
        if drills.len() == MOST {
            drills.pop_front();
        }
        drills.push_back(drill);
    }

    /// One came back; the first time counts.
    pub fn arrive(&self, id: &str, arrival: Arrival) {
        let mut drills = self.0.lock();
        if let Some(drill) = drills.iter_mut().find(|drill| drill.id == id && drill.arrived.is_none()) {
            tracing::info!(drill = id, receiver = arrival.receiver, "a drill came back");
            drill.arrived = Some(arrival);
        }
    }

    /// One of them.
    pub fn find(&self, id: &str) -> Option<Drill> {
        self.0.lock().iter().find(|drill| drill.id == id).cloned()
    }
}
