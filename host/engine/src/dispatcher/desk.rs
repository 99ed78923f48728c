//! The incidents that are in memory: those at work, and those that something has just happened
//! to. All others are rows of the journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use suture_core::IncidentId;
use suture_journal::{Change, IncidentRecord};

use super::Key;

/// Open incidents. What the journal does not have yet stays until it does, so that what is not
/// here stands in the journal as it is.
#[derive(Default)]
pub(super) struct Desk {
    open: BTreeMap<IncidentId, IncidentRecord>,
    by_key: HashMap<Key, BTreeSet<IncidentId>>,
    /// Those that are not in the journal as they are here.
    unsaved: BTreeSet<IncidentId>,
    /// Those that are over, and that the journal still has as open ones.
    closed: BTreeMap<IncidentId, IncidentRecord>,
    /// Those that may have to stay no longer.
    touched: BTreeSet<IncidentId>,
}

impl Desk {
    pub fn get(&self, id: &IncidentId) -> Option<&IncidentRecord> {
        self.open.get(id)
    }

    /// To change it; it is to be saved then.
    pub fn get_mut(&mut self, id: &IncidentId) -> Option<&mut IncidentRecord> {
        let incident = self.open.get_mut(id)?;
        self.touched.insert(id.clone());
        self.unsaved.insert(id.clone());
        Some(incident)
    }

    /// A new incident.
    pub fn add(&mut self, incident: IncidentRecord) {
        self.unsaved.insert(incident.id.clone());
        self.put(incident);
    }

    /// Incidents as the journal has them. What is known better stays.
    pub fn take_in(&mut self, incidents: impl IntoIterator<Item = IncidentRecord>) {
        for incident in incidents {
            let is_open = incident.closed_at.is_none() && !self.closed.contains_key(&incident.id);
            if is_open && !self.open.contains_key(&incident.id) {
                self.put(incident);
            }
        }
    }

    fn put(&mut self, incident: IncidentRecord) {
        let key = self.key_of(&incident);
        self.by_key.entry(key).or_default().insert(incident.id.clone());
        self.touched.insert(incident.id.clone());
        self.open.insert(incident.id.clone(), incident);
    }

    /// It is over. It leaves when that is saved.
    pub fn close(&mut self, id: &IncidentId) {
        if let Some(incident) = self.take(id) {
            self.closed.insert(id.clone(), incident);
        }
    }

    /// It is over, and the journal need not know of it.
    pub fn forget(&mut self, id: &IncidentId) {
        self.unsaved.remove(id);
        self.closed.remove(id);
    }

    fn take(&mut self, id: &IncidentId) -> Option<IncidentRecord> {
        let incident = self.open.remove(id)?;
        let key = (incident.policy.clone(), incident.key.clone());
        if let Some(ids) = self.by_key.get_mut(&key) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_key.remove(&key);
            }
        }
        Some(incident)
    }

    /// Those with a policy and a key, oldest first.
    pub fn of_key(&self, key: &(String, suture_core::Labels)) -> Vec<IncidentId> {
        self.by_key.get(key).into_iter().flatten().cloned().collect()
    }

    /// The key of an incident: the one that is there already, where there is one.
    pub fn key_of(&self, incident: &IncidentRecord) -> Key {
        let key = (incident.policy.clone(), incident.key.clone());
        let known = self.by_key.get_key_value(&key).map(|(known, _)| known.clone());
        known.unwrap_or_else(|| Arc::new(key))
    }

    /// What is to be written.
    pub fn changes(&self) -> impl Iterator<Item = Change> {
        let changed = self.unsaved.iter().filter_map(|id| self.open.get(id).or_else(|| self.closed.get(id)));
        changed.cloned().map(Change::Incident)
    }

    pub fn is_saved(&self) -> bool {
        self.unsaved.is_empty()
    }

    /// All of it is written.
    pub fn saved(&mut self) {
        self.unsaved.clear();
        self.closed.clear();
    }

    /// One may have to stay no longer.
    pub fn touch(&mut self, ids: impl IntoIterator<Item = IncidentId>) {
        self.touched.extend(ids);
    }

    /// Let go of those that something happened to and that need not stay.
    pub fn clear(&mut self, stays: impl Fn(&IncidentRecord) -> bool) {
        let (unsaved, open) = (&self.unsaved, &self.open);
        let (later, now): (BTreeSet<_>, BTreeSet<_>) =
            std::mem::take(&mut self.touched).into_iter().partition(|id| unsaved.contains(id));
        let goes = |id: &IncidentId| open.get(id).is_some_and(|incident| !stays(incident));
        let gone: Vec<IncidentId> = now.into_iter().filter(goes).collect();
        self.touched = later;
        for id in gone {
            self.take(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use suture_journal::IncidentState;

    use super::*;

    fn incident(id: &str, state: IncidentState) -> IncidentRecord {
        let at = "2026-11-22T04:10:00Z";
        serde_json::from_value(json!({"id": id, "policy": "p", "key": {"obj_name": "x"}, "fingerprint": "f",
            "startsAt": at, "state": state, "openedAt": at, "closedAt": null, "runs": [], "attempts": 0,
            "due": null, "summary": "", "alert": {"status": "firing", "labels": {}, "startsAt": at}}))
        .unwrap()
    }

    fn of_key(desk: &Desk) -> Vec<String> {
        desk.of_key(&("p".to_owned(), incident("1", IncidentState::Queued).key))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_rests_leaves_memory_once_it_is_saved_and_not_before() {
        let mut desk = Desk::default();
        desk.add(incident("2", IncidentState::Planned));
        desk.take_in([incident("1", IncidentState::Planned), incident("3", IncidentState::Running)]);
        let is_running = |incident: &IncidentRecord| incident.state == IncidentState::Running;
        desk.clear(is_running);
        assert_eq!(of_key(&desk), ["2", "3"]);
        desk.saved();
        desk.clear(is_running);
        assert_eq!(of_key(&desk), ["3"]);
    }

    #[test]
    fn what_is_over_is_not_taken_in_again_as_the_journal_still_has_it() {
        let mut desk = Desk::default();
        let id = IncidentId::new("1");
        desk.take_in([incident("1", IncidentState::Planned)]);
        desk.get_mut(&id).unwrap().summary = "over".into();
        desk.close(&id);
        desk.take_in([incident("1", IncidentState::Planned)]);
        assert!(desk.get(&id).is_none() && !desk.is_saved());
        assert_eq!(desk.changes().count(), 1);
        desk.saved();
        assert_eq!(desk.changes().count(), 0);
    }
}
