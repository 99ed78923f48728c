//! Who else holds locks.

use std::convert::Infallible;

use suture_core::Clock;
use suture_core::clock::later;

use super::Environment;
use crate::format::HeldLock;

impl Environment<'_> {
    /// Let others hold their locks, each to its end: those of the scenario, and those that
    /// are trouble and never let go.
    pub(super) fn let_others_hold(&self) {
        let policy = &self.ready.program.manifest().name;
        let (locks, now) = (self.locks.lock(), self.clock.now());
        let end = |lock: &HeldLock| lock.held_for.map(|held_for| later(self.start, held_for.get()));
        let of_scenario = self.ready.scenario.locks.iter().map(|lock| (lock.name.clone(), end(lock)));
        let in_trouble = self.trouble.iter().flat_map(|trouble| trouble.locks_held());
        let all = of_scenario.chain(in_trouble.map(|name| (name, None)));
        let still = all.filter(|(_, end)| end.is_none_or(|end| end > now));
        let held =
            still.filter_map(|(name, end)| Some((locks.try_acquire(format!("{policy}/{name}"))?, end)));
        *self.others.lock() = held.collect();
    }

    /// Let go of locks when their time has come.
    pub(super) async fn release(&self) -> Infallible {
        loop {
            let next = self.others.lock().iter().filter_map(|(_, end)| *end).min();
            let Some(next) = next else { break };
            self.clock.sleep_until(next).await;
            self.others.lock().retain(|(_, end)| end.is_none_or(|end| end > next));
        }
        futures::future::pending().await
    }
}
