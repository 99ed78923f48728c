//! Who else holds locks.

use std::convert::Infallible;

use suture_core::clock::later;
use suture_core::{Clock, Timestamp};
use suture_engine::locks::Held;

use super::Stage;
use crate::format::HeldLock;

impl Stage<'_> {
    /// The locks that others hold, each with its end: those of the scenario, and those that
    /// are trouble and never let go.
    pub(super) fn locks_of_others(&self) -> Vec<(Held, Option<Timestamp>)> {
        let policy = &self.ready.program.manifest().name;
        let (locks, now) = (self.locks.lock(), self.clock.now());
        let end = |lock: &HeldLock| lock.held_for.map(|held_for| later(now, held_for.get()));
        let of_scenario = self.ready.scenario.locks.iter().map(|lock| (lock.name.clone(), end(lock)));
        let in_trouble = self.trouble.iter().flat_map(|trouble| trouble.locks_held());
        let all = of_scenario.chain(in_trouble.map(|name| (name, None)));
        all.filter_map(|(name, end)| Some((locks.try_acquire(format!("{policy}/{name}"))?, end))).collect()
    }

    /// Let go of locks when their time has come.
    pub(super) async fn let_go(&self, mut held: Vec<(Held, Option<Timestamp>)>) -> Infallible {
        while let Some(next) = held.iter().filter_map(|(_, end)| *end).min() {
            self.clock.sleep_until(next).await;
            held.retain(|(_, end)| end.is_none_or(|end| end > next));
        }
        futures::future::pending().await
    }
}
