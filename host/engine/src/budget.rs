//! How much a host does at once: when too much breaks at once, the cause lies elsewhere,
//! and repairing every symptom makes it worse.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use suture_core::clock::later;
use suture_core::{HumanDuration, Timestamp};

/// Bounds on what all policies do together, and on each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Budgets {
    /// Runs at the same time.
    pub concurrent_runs: usize,
    /// Runs that a policy may start in an hour.
    pub runs_per_hour: usize,
    /// New incidents of a policy within `stormWindow` that make a storm: then
    /// it starts no more runs, and one page tells so.
    pub storm: usize,
    /// See `storm`.
    pub storm_window: HumanDuration,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            concurrent_runs: 16,
            runs_per_hour: 120,
            storm: 25,
            storm_window: HumanDuration::from_secs(600),
        }
    }
}

/// Counts what happened within a window of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window(VecDeque<Timestamp>);

impl Window {
    pub fn add(&mut self, at: Timestamp) {
        self.0.push_back(at);
    }

    /// How many within the window that ends now.
    pub fn count(&mut self, now: Timestamp, window: Duration) -> usize {
        while self.0.front().is_some_and(|at| later(*at, window) <= now) {
            self.0.pop_front();
        }
        self.0.len()
    }

    /// When the oldest leaves the window.
    pub fn next_change(&self, window: Duration) -> Option<Timestamp> {
        self.0.front().map(|at| later(*at, window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_forgets_what_is_older() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut window = Window::default();
        window.add(at(0));
        window.add(at(50));
        let minute = Duration::from_secs(60);
        assert_eq!(window.count(at(59), minute), 2);
        assert_eq!(window.next_change(minute), Some(at(60)));
        assert_eq!(window.count(at(60), minute), 1);
    }
}
