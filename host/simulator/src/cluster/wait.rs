//! Waiting for an object to be as described.

use std::collections::HashMap;

use futures::future::{Either, select};
use parking_lot::Mutex;
use suture_core::ObjectRef;
use suture_core::clock::Timestamp;
use suture_core::effect::{Predicate, Target, Waited};
use suture_core::object;
use tokio::sync::watch;

use super::SimulatedCluster;
use super::state::State;

/// Those who wait, by what they wait for: a change wakes only those that it is about.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    objects: Mutex<HashMap<ObjectRef, watch::Sender<()>>>,
    /// When the next reaction is due. It may be about any object.
    next: watch::Sender<Option<Timestamp>>,
    /// For who looks at all objects.
    any: watch::Sender<()>,
}

impl Waiters {
    fn subscribe(&self, object: ObjectRef) -> Subscription<'_> {
        let told = self.objects.lock().entry(object.clone()).or_default().subscribe();
        Subscription { waiters: self, object, told, next: self.next.subscribe() }
    }

    /// Tell those who wait for one of these objects, and all where a reaction is due earlier
    /// than they know.
    pub fn tell(&self, changed: &[ObjectRef], next: Option<Timestamp>) {
        if !changed.is_empty() {
            let objects = self.objects.lock();
            changed.iter().filter_map(|object| objects.get(object)).for_each(|waiting| {
                waiting.send_replace(());
            });
        }
        if !changed.is_empty() {
            self.any.send_replace(());
        }
        self.next.send_if_modified(|known| {
            let is_earlier = next.is_some_and(|next| known.is_none_or(|known| next < known));
            *known = next;
            is_earlier
        });
    }
}

/// One who waits.
struct Subscription<'a> {
    waiters: &'a Waiters,
    object: ObjectRef,
    told: watch::Receiver<()>,
    next: watch::Receiver<Option<Timestamp>>,
}

impl Subscription<'_> {
    async fn changed(&mut self) {
        let (told, next) = (std::pin::pin!(self.told.changed()), std::pin::pin!(self.next.changed()));
        select(told, next).await;
    }
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        let mut objects = self.waiters.objects.lock();
        // This one still counts.
        if objects.get(&self.object).is_some_and(|waiting| waiting.receiver_count() <= 1) {
            objects.remove(&self.object);
        }
    }
}

impl SimulatedCluster {
    /// Wait until an object is as described, or gone, or the deadline. Level-triggered:
    /// only how things are counts, so a wait can be taken up again at any time.
    pub(super) async fn wait(&self, target: &Target, until: &Predicate, deadline: Timestamp) -> Waited {
        // Before looking, so that no change falls in between.
        let mut changes = self.waiters.subscribe(target.reference());
        // One timer for all of the wait: a clock that is set back makes it no longer.
        let mut timeout = self.clock.sleep_until(deadline);
        loop {
            let (ended, next, now) =
                self.read(|state, now| (outcome(state, target, until), state.reactions.next(), now));
            if let Some(ended) = ended {
                return ended;
            }
            if now >= deadline {
                return Waited::Timeout;
            }
            let change = Box::pin(changes.changed());
            match next.filter(|next| *next < deadline) {
                Some(next) => {
                    select(change, self.clock.sleep_until(next)).await;
                }
                None => {
                    if let Either::Right(_) = select(change, &mut timeout).await {
                        // What became of it in the last moment still counts.
                        let ended = self.read(|state, _| outcome(state, target, until));
                        return ended.unwrap_or(Waited::Timeout);
                    }
                }
            }
        }
    }
}

impl SimulatedCluster {
    /// Wait until objects are changed, if they are as they were at a
    /// [version](Self::version); then the version they have.
    pub async fn changed_since(&self, version: u64) -> u64 {
        // Before looking, so that no change falls in between.
        let (mut changes, mut reactions) = (self.waiters.any.subscribe(), self.waiters.next.subscribe());
        loop {
            let (now, next) = self.read(|state, _| (state.store.version_number(), state.reactions.next()));
            if now != version {
                return now;
            }
            let told = select(Box::pin(changes.changed()), Box::pin(reactions.changed()));
            match next {
                Some(next) => drop(select(told, self.clock.sleep_until(next)).await),
                None => drop(told.await),
            }
        }
    }
}

fn outcome(state: &State, target: &Target, until: &Predicate) -> Option<Waited> {
    let object = state.store.find(&target.reference());
    // With a uid, another object of the name is not the one that was meant.
    let object = object.filter(|object| target.uid.is_none() || target.uid.as_deref() == object::uid(object));
    match object {
        Some(object) => until.holds(&object).then_some(Waited::Met(object)),
        None => (target.uid.is_some() || *until == Predicate::Deleted).then_some(Waited::Deleted),
    }
}
