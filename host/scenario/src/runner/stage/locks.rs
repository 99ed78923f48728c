//! Who else holds locks.

use std::convert::Infallible;

use suture_core::clock::later;
use suture_core::{Clock, Timestamp};
use suture_engine::locks::Held;

use super::Stage;

impl Stage<'_> {
    /// The locks that the scenario says others hold, each with its end.
    pub(super) fn locks_of_others(&self) -> Vec<(Held, Option<Timestamp>)> {
        let policy = &self.ready.program.manifest().name;
        let (locks, now) = (self.locks.lock(), self.clock.now());
        let held = self.ready.scenario.locks.iter().filter_map(|lock| {
            let held = locks.try_acquire(format!("{policy}/{}", lock.name))?;
            Some((held, lock.held_for.map(|held_for| later(now, held_for.get()))))
        });
        held.collect()
    }

    /// Let go of locks when their time has come.
    pub(super) async fn let_go(&self, mut held: Vec<(Held, Option<Timestamp>)>) -> Infallible {
        while let Some(next) = held.iter().filter_map(|(_, end)| *end).min() {
            self.clock.sleep_until(next).await;
            held.retain(|(_, end)| end.is_none_or(|end| end > next));
        }
        futures::future::pending().await
    }

    /// Locks that are never let go.
    pub(super) fn hold_locks(&self) -> Vec<Held> {
        let names = self.trouble.as_ref().map(|trouble| trouble.locks_held()).unwrap_or_default();
        let policy = &self.ready.program.manifest().name;
        let locks = self.locks.lock();
        names.iter().filter_map(|name| locks.try_acquire(format!("{policy}/{name}"))).collect()
    }
}
