//! What was posted and Prometheus has yet to bear out, and how much of it is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use suture_core::{IncidentId, Labels, Timestamp};
use suture_journal::{IncidentRecord, IncidentState};

use super::timetable::Timetable;

/// Unconfirmed incidents that are kept, and the bytes that their alerts may have in all. Beyond
/// either those make room that Prometheus has contradicted, the oldest first.
const MOST: usize = 20_000;
const MOST_BYTES: usize = 32 << 20;

/// Something that Prometheus is asked about.
pub(super) struct Question {
    /// Since when it says otherwise than the notification; none before its first answer.
    pub contradicted: Option<Timestamp>,
    /// How large its incident is.
    size: usize,
}

/// What is not confirmed yet.
#[derive(Default)]
pub(super) struct Unconfirmed {
    pub questions: HashMap<IncidentId, Question>,
    /// When each is asked next.
    pub times: Timetable,
    /// About how many bytes they take.
    asked_bytes: usize,
    /// From this id on more incidents in the journal are said to be resolved than are asked about;
    /// none where there are no more.
    pub more: Option<IncidentId>,
    /// The incidents that are new, oldest first, and how large their alerts are.
    sizes: BTreeMap<IncidentId, usize>,
    bytes: usize,
    /// Prometheus is being asked.
    pub is_asking: bool,
    /// It could not be asked the last time.
    pub is_away: bool,
    /// Some were dropped since its last answer.
    pub is_dropping: bool,
    /// Not before this is it asked again.
    pub not_before: Option<Timestamp>,
    /// Closed ones that are still in the journal, oldest first.
    pub closed: VecDeque<IncidentId>,
    /// Those of the new ones that Prometheus has contradicted: they make room.
    pub contradicted: BTreeSet<IncidentId>,
}

impl Unconfirmed {
    /// Have Prometheus asked about an incident that is there.
    pub fn add(&mut self, incident: &IncidentRecord, now: Timestamp) {
        if incident.state == IncidentState::Received {
            self.keep(incident);
        }
        if self.questions.contains_key(&incident.id) {
            return;
        }
        let size = size(incident);
        self.asked_bytes += size;
        self.questions.insert(incident.id.clone(), Question { contradicted: None, size });
        self.times.set(&incident.id, now);
    }

    pub fn remove(&mut self, id: &IncidentId) {
        self.times.remove(id);
        self.contradicted.remove(id);
        let size = self.questions.remove(id).map(|question| question.size);
        self.asked_bytes -= size.unwrap_or_default();
    }

    /// Whether an incident that is said to be resolved can be asked about now. Otherwise it waits
    /// in the journal, however many there are.
    pub fn has_room(&self) -> bool {
        let count = self.questions.len().saturating_sub(self.sizes.len());
        count < MOST && self.asked_bytes.saturating_sub(self.bytes) < MOST_BYTES
    }

    /// One more in the journal is said to be resolved.
    pub fn look_again(&mut self, from: IncidentId) {
        self.more = Some(self.more.take().map_or(from.clone(), |more| more.min(from)));
    }

    /// Whether Prometheus is asked about it, so that it has to be in memory.
    pub fn asks(&self, id: &IncidentId) -> bool {
        self.questions.contains_key(id)
    }

    /// Count the room that a new incident takes.
    fn keep(&mut self, incident: &IncidentRecord) {
        let size = size(incident);
        self.bytes += size;
        self.bytes -= self.sizes.insert(incident.id.clone(), size).unwrap_or_default();
    }

    /// An incident changed: there may be nothing left to ask, or less to keep.
    pub fn changed(&mut self, incident: &IncidentRecord) {
        let is_open = incident.closed_at.is_none();
        let is_new = is_open && incident.state == IncidentState::Received;
        if is_new {
            self.keep(incident);
        } else if let Some(size) = self.sizes.remove(&incident.id) {
            self.bytes -= size;
        }
        if !(is_new || is_open && incident.said_resolved) {
            self.remove(&incident.id);
        }
    }

    /// Whether Prometheus was asked about it, and has not borne out what was posted.
    pub fn is_contradicted(&self, id: &IncidentId) -> bool {
        self.questions.get(id).is_some_and(|question| question.contradicted.is_some())
    }

    /// When Prometheus is to be asked next.
    pub fn next_change(&self) -> Option<Timestamp> {
        if self.is_asking {
            return None;
        }
        let next = self.times.next()?;
        Some(self.not_before.map_or(next, |at| at.max(next)))
    }

    /// Whether nothing that was posted can be taken in before Prometheus has answered: each of those
    /// that are waiting may be a real one.
    pub fn is_full(&self) -> bool {
        self.is_too_much() && self.contradicted.is_empty() && !self.is_away
    }

    fn is_too_much(&self) -> bool {
        self.sizes.len() > MOST || self.bytes > MOST_BYTES
    }

    /// The oldest that Prometheus has contradicted, where there are too many; just the oldest where it
    /// can't be asked.
    pub fn surplus(&self) -> Option<IncidentId> {
        let oldest = || self.is_away.then(|| self.sizes.keys().next()).flatten();
        self.is_too_much().then(|| self.contradicted.first().or_else(oldest).cloned()).flatten()
    }
}

/// About how many bytes an incident takes.
fn size(incident: &IncidentRecord) -> usize {
    let labels = |labels: &Labels| labels.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
    let parts: [usize; 3] = [&incident.key, &incident.alert.labels, &incident.alert.annotations].map(labels);
    parts.iter().sum::<usize>() + incident.alert.generator_url.len() + incident.alert.fingerprint.len() + 256
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn incident(number: usize) -> IncidentRecord {
        serde_json::from_value(
            json!({"id": format!("incident-{number:06}"), "policy": "p", "key": {"n": "1"},
            "state": "received", "alert": {"status": "firing", "startsAt": "2026-11-22T04:10:00Z",
            "labels": {"alertname": "A"}}, "fingerprint": "f", "startsAt": "2026-11-22T04:10:00Z",
            "openedAt": "2026-11-22T04:10:00Z", "closedAt": null, "attempts": 0, "due": null, "runs": [],
            "paged": false, "summary": ""}),
        )
        .unwrap()
    }

    #[test]
    fn of_too_many_the_oldest_goes_that_prometheus_has_contradicted_and_none_that_it_was_not_asked_about() {
        let mut unconfirmed = Unconfirmed::default();
        let now = Timestamp::UNIX_EPOCH;
        for number in 0..MOST {
            unconfirmed.add(&incident(number), now);
        }
        assert!(!unconfirmed.is_full() && unconfirmed.surplus().is_none());
        unconfirmed.add(&incident(MOST), now);
        assert!(unconfirmed.is_full() && unconfirmed.surplus().is_none(), "each of them may be a real one");
        let forged = incident(MOST / 2).id;
        unconfirmed.contradicted.insert(forged.clone());
        assert_eq!((unconfirmed.is_full(), unconfirmed.surplus()), (false, Some(forged.clone())));
        let mut closed = incident(MOST / 2);
        closed.closed_at = Some(now);
        unconfirmed.changed(&closed);
        assert!(unconfirmed.surplus().is_none() && unconfirmed.contradicted.is_empty());
        unconfirmed.add(&incident(MOST + 1), now);
        unconfirmed.is_away = true;
        assert_eq!((unconfirmed.is_full(), unconfirmed.surplus()), (false, Some(incident(0).id)));
    }
}
