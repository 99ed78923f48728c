//! Which incidents wait for a run. Of each policy the oldest are in memory; the others only in
//! the journal, whose index tells them in the same order.

use std::collections::{BTreeMap, BTreeSet};

use suture_core::IncidentId;

/// Those of one policy, oldest first.
#[derive(Default)]
struct Line {
    ready: BTreeSet<IncidentId>,
    /// Those that the journal's index passes over: somebody said that they are resolved, and
    /// Prometheus says otherwise.
    apart: BTreeSet<IncidentId>,
    /// From this id on what is ready stands only in the journal; none where it is all here.
    rest: Option<IncidentId>,
}

/// The lines of all policies.
#[derive(Default)]
pub(super) struct Queue(BTreeMap<String, Line>);

impl Queue {
    /// More of a policy than is known may be queued in the journal.
    pub fn look_again(&mut self, policy: &str) {
        self.0.entry(policy.to_owned()).or_default().rest = Some(IncidentId::new(""));
    }

    /// An incident waits.
    pub fn add(&mut self, policy: &str, id: &IncidentId) {
        let line = self.0.entry(policy.to_owned()).or_default();
        if line.rest.as_ref().is_none_or(|rest| id < rest) {
            line.ready.insert(id.clone());
        }
    }

    /// An incident waits although it is said to be resolved.
    pub fn add_apart(&mut self, policy: &str, id: &IncidentId) {
        self.0.entry(policy.to_owned()).or_default().apart.insert(id.clone());
    }

    /// An incident waits no longer.
    pub fn remove(&mut self, policy: &str, id: &IncidentId) {
        if let Some(line) = self.0.get_mut(policy) {
            line.ready.remove(id);
            line.apart.remove(id);
        }
    }

    /// Whether it has to be in memory.
    pub fn has(&self, policy: &str, id: &IncidentId) -> bool {
        self.0.get(policy).is_some_and(|line| line.ready.contains(id) || line.apart.contains(id))
    }

    /// The policies for which something may wait.
    pub fn policies(&self) -> Vec<String> {
        let waits = |line: &Line| !line.ready.is_empty() || !line.apart.is_empty() || line.rest.is_some();
        self.0.iter().filter(|(_, line)| waits(line)).map(|(policy, _)| policy.clone()).collect()
    }

    /// From where on more is to be read, where fewer than so many are here.
    pub fn lacks(&self, policy: &str, wanted: usize) -> Option<IncidentId> {
        let line = self.0.get(policy)?;
        line.rest.clone().filter(|_| line.ready.len() < wanted)
    }

    /// What the journal has from there on, and where that ends.
    pub fn extend(
        &mut self,
        policy: &str,
        ids: impl IntoIterator<Item = IncidentId>,
        rest: Option<IncidentId>,
    ) {
        let line = self.0.entry(policy.to_owned()).or_default();
        line.ready.extend(ids);
        line.rest = rest;
    }

    /// Keep no more than so many of each policy: those that leave, the youngest, stand in the journal.
    pub fn trim(&mut self, most: usize) -> Vec<IncidentId> {
        let mut gone = Vec::new();
        for line in self.0.values_mut() {
            while line.ready.len() > most {
                let Some(last) = line.ready.pop_last() else { break };
                line.rest = Some(last.clone());
                gone.push(last);
            }
        }
        gone
    }

    /// Those of a policy that are here.
    pub fn waiting(&self, policy: &str) -> impl Iterator<Item = &IncidentId> {
        let line = self.0.get(policy);
        line.into_iter().flat_map(|line| line.apart.iter().chain(&line.ready))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> IncidentId {
        IncidentId::new(format!("{number:03}"))
    }

    fn waiting(queue: &Queue) -> Vec<String> {
        queue.waiting("p").map(ToString::to_string).collect()
    }

    #[test]
    fn what_does_not_fit_is_the_youngest_and_comes_back_in_its_turn() {
        let mut queue = Queue::default();
        (1..=6).for_each(|number| queue.add("p", &id(number)));
        assert_eq!(queue.trim(4), [id(6), id(5)]);
        // A younger one stays behind those; one that waits again comes before them.
        queue.add("p", &id(7));
        queue.remove("p", &id(2));
        queue.add("p", &id(2));
        assert_eq!(waiting(&queue), ["001", "002", "003", "004"]);
        (1..=4).for_each(|number| queue.remove("p", &id(number)));
        assert_eq!(queue.lacks("p", 1), Some(id(5)));
        queue.extend("p", [id(5), id(6), id(7)], None);
        assert_eq!(queue.lacks("p", 9), None);
        queue.add("p", &id(8));
        assert_eq!(waiting(&queue), ["005", "006", "007", "008"]);
    }
}
