//! Waiting for an object to be as described.

use futures::future::{Either, select};
use suture_core::clock::Timestamp;
use suture_core::effect::{Predicate, Target, Waited};
use suture_core::object;

use super::SimulatedCluster;
use super::state::State;

impl SimulatedCluster {
    /// Wait until an object is as described, or gone, or the deadline. Level-triggered:
    /// only how things are counts, so a wait can be taken up again at any time.
    pub(super) async fn wait(&self, target: &Target, until: &Predicate, deadline: Timestamp) -> Waited {
        loop {
            // Before looking, so that no change falls in between.
            let mut changes = self.changed.subscribe();
            let (outcome, next, now) =
                self.read(|state, now| (outcome(state, target, until), state.reactions.next(), now));
            if let Some(outcome) = outcome {
                return outcome;
            }
            if now >= deadline {
                return Waited::Timeout;
            }
            let wake = next.map_or(deadline, |next| next.min(deadline));
            let change = std::pin::pin!(changes.changed());
            match select(change, self.clock.sleep_until(wake)).await {
                Either::Left(_) | Either::Right(_) => {}
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
