//! Alerts for policies that are configured and not loaded: they wait in the inbox, one
//! notification each, and are routed when the policy is loaded.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;
use suture_core::alert::{Read, fingerprint_of};
use suture_core::{Alert, AlertStatus, Envelope, Timestamp};
use suture_journal::{Change, InboxRecord, JournalError};

use super::Dispatcher;
use crate::policy::Policy;
use crate::unmatched::Why;

/// The part of the inbox's room that they may have.
const SHARE: usize = 4;

/// An alert that waits: its fingerprint, when it began to fire, whether it fires.
type Handle = (String, Timestamp, bool);

/// What waits, by policy.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<String, HashMap<Handle, Row>>);

/// Its notification in the inbox.
struct Row {
    bytes: usize,
    since: Timestamp,
}

fn handle(alert: &Alert) -> Handle {
    (fingerprint_of(&alert.labels), alert.starts_at, alert.status == AlertStatus::Firing)
}

impl Kept {
    /// How many notifications of the inbox wait for these policies.
    pub fn count(&self, policies: &[String]) -> usize {
        policies.iter().filter_map(|policy| self.0.get(policy)).map(HashMap::len).sum()
    }

    fn room(&self) -> (usize, usize) {
        let all = self.0.values().flat_map(HashMap::values);
        all.fold((0, 0), |(count, bytes), row| (count + 1, bytes + row.bytes))
    }
}

impl Dispatcher {
    /// The policies that are not loaded.
    pub(super) fn away(&self) -> Vec<String> {
        let policies = self.shared.table.all();
        let away = policies.iter().filter(|policy| policy.program.is_err());
        away.map(|policy| policy.config.name.clone()).collect()
    }

    /// Know again what waits since an earlier host.
    pub(super) async fn know_kept(&mut self) -> Result<(), JournalError> {
        let away = self.away();
        for (_, record) in self.shared.journal.inbox_waiting().await? {
            let Some(policy) = record.policy.filter(|policy| away.contains(policy)) else { continue };
            let mut alerts = Vec::new();
            // What can't be read is dropped when it is routed.
            let _ = Envelope::parse(&record.body, |alert| alerts.push(alert));
            for alert in alerts {
                let Read::Whole(alert) = alert else { continue };
                self.kept
                    .0
                    .entry(policy.clone())
                    .or_default()
                    .insert(handle(&alert), Row { bytes: record.body.len(), since: record.received_at });
                if alert.status == AlertStatus::Firing {
                    let why = Why::NotLoaded(&policy);
                    self.shared.unmatched.note(&alert, 1, &why, record.received_at, &self.shared.metrics);
                }
            }
            self.count_kept(&policy);
        }
        Ok(())
    }

    /// An alert may be for a policy that is not loaded: it waits for that. That it is resolved
    /// waits, too, where it waits itself.
    pub(super) fn keep(&mut self, policy: &Policy, alert: &Alert) {
        let (name, now) = (&policy.config.name, self.now());
        let of_policy = self.kept.0.entry(name.clone()).or_default();
        let handle = handle(alert);
        let (fingerprint, _, fires) = &handle;
        if !fires && !of_policy.keys().any(|(waits, _, fires)| waits == fingerprint && *fires) {
            return;
        }
        let is_new = !of_policy.contains_key(&handle);
        let body = json!({"receiver": "kept", "alerts": [alert]}).to_string().into_bytes();
        let (count, bytes) = self.kept.room();
        let most_bytes = usize::try_from(self.shared.max_pending_bytes).unwrap_or(usize::MAX) / SHARE;
        let has_room = count < self.shared.max_pending / SHARE && bytes + body.len() <= most_bytes;
        if *fires {
            let why = if is_new && !has_room { Why::NotKept(name) } else { Why::NotLoaded(name) };
            self.shared.unmatched.note(alert, 1, &why, now, &self.shared.metrics);
        }
        if is_new && has_room {
            self.kept
                .0
                .entry(name.clone())
                .or_default()
                .insert(handle, Row { bytes: body.len(), since: now });
            self.count_kept(name);
            let record = InboxRecord { received_at: now, policy: Some(name.clone()), waits: true, body };
            self.unsaved.push(Change::Accept(None, record));
        }
    }

    /// An alert that waited is routed: its policy is loaded, or gone.
    pub(super) fn unkeep(&mut self, policy: &str, alert: &Alert) {
        if let Some(of_policy) = self.kept.0.get_mut(policy) {
            of_policy.remove(&handle(alert));
        }
        self.count_kept(policy);
    }

    fn count_kept(&self, policy: &str) {
        let of_policy = self.kept.0.get(policy).into_iter().flat_map(HashMap::values);
        let (count, since) = (of_policy.clone().count(), of_policy.map(|row| row.since).min());
        self.shared.metrics.kept(policy, count);
        self.shared.obstacles.set_kept(policy, count, since);
    }
}
