//! When each of many is to be looked at next.

use std::collections::{BTreeSet, HashMap};

use suture_core::{IncidentId, Timestamp};

/// Incidents in the order of their times. Neither the next nor those that are due cost a look at
/// the others.
#[derive(Default)]
pub(super) struct Timetable {
    times: HashMap<IncidentId, Timestamp>,
    order: BTreeSet<(Timestamp, IncidentId)>,
}

impl Timetable {
    /// Look at an incident at a time, and no longer at the one before.
    pub fn set(&mut self, id: &IncidentId, at: Timestamp) {
        self.remove(id);
        self.times.insert(id.clone(), at);
        self.order.insert((at, id.clone()));
    }

    pub fn remove(&mut self, id: &IncidentId) {
        if let Some(at) = self.times.remove(id) {
            self.order.remove(&(at, id.clone()));
        }
    }

    /// When the first is to be looked at.
    pub fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Those whose time has come.
    pub fn due(&self, now: Timestamp) -> Vec<IncidentId> {
        self.order.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| id.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_by_its_time_and_what_was_moved_not_twice() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let id = IncidentId::new;
        let mut times = Timetable::default();
        times.set(&id("a"), at(3));
        times.set(&id("b"), at(1));
        times.set(&id("c"), at(2));
        times.set(&id("b"), at(4));
        assert_eq!(times.next(), Some(at(2)));
        assert_eq!(times.due(at(3)), [id("c"), id("a")]);
        times.remove(&id("c"));
        assert_eq!(times.due(at(9)), [id("a"), id("b")]);
    }
}
