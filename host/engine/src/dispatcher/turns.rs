//! Whose run starts next.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use suture_core::IncidentId;

/// Queued incidents in the order in which their runs start, by how many runs each policy has at work. Policies take turns, the one with
/// the fewest runs at work first: one whose runs never end, or that has a hundred alerts, keeps
/// no other from its own. Within a policy the order stays.
pub(super) fn in_turn(
    running: HashMap<String, usize>,
    queued: impl Iterator<Item = (String, IncidentId)>,
) -> Vec<IncidentId> {
    let mut lines: Vec<(String, VecDeque<IncidentId>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (policy, id) in queued {
        let place = *places.entry(policy.clone()).or_insert(lines.len());
        match lines.get_mut(place) {
            Some((_, line)) => line.push_back(id),
            None => lines.push((policy, VecDeque::from([id]))),
        }
    }
    let count = |policy: &String| running.get(policy).copied().unwrap_or_default();
    let mut next: BinaryHeap<_> =
        lines.iter().enumerate().map(|(place, (policy, _))| Reverse((count(policy), place))).collect();
    let mut order = Vec::new();
    while let Some(Reverse((count, place))) = next.pop() {
        if let Some(id) = lines.get_mut(place).and_then(|(_, line)| line.pop_front()) {
            order.push(id);
            next.push(Reverse((count + 1, place)));
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(at_work: &[&str], queued: &[(&str, &str)]) -> Vec<String> {
        let queued = queued.iter().map(|(policy, id)| ((*policy).to_owned(), IncidentId::new(*id)));
        let mut running = HashMap::new();
        at_work.iter().for_each(|policy| *running.entry((*policy).to_owned()).or_default() += 1);
        in_turn(running, queued).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_policy_with_many_alerts_lets_one_with_a_few_go_first() {
        let queued = [("spin", "1"), ("spin", "2"), ("spin", "3"), ("mend", "4"), ("mend", "5")];
        assert_eq!(order(&[], &queued), ["1", "4", "2", "5", "3"]);
        assert_eq!(order(&["spin", "spin"], &queued), ["4", "5", "1", "2", "3"]);
    }

    #[test]
    fn within_a_policy_the_oldest_comes_first() {
        assert_eq!(order(&["a"], &[("a", "1"), ("a", "2"), ("a", "3")]), ["1", "2", "3"]);
    }
}
