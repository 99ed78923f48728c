//! Waiting for an object to be as described: level-triggered, so a wait can be taken up
//! again at any time.

use std::time::Duration;

use futures::future::{Either, select};
use serde_json::Value;
use suture_core::clock::Timestamp;
use suture_core::effect::{Predicate, Target, Waited};
use suture_core::object::{self, Object};
use suture_core::{Error, Reason};

use super::LiveCluster;
use super::path;
use super::tries::short_backoff;
use super::watch::{Scope, Seen};

/// Between two looks at an object that can't be watched.
const POLL: Duration = Duration::from_secs(5);
/// A watch may be silent without being right: an object that is waited for is looked at
/// this often whatever happens.
const LOOK_ANYWAY: Duration = Duration::from_secs(300);

impl LiveCluster {
    /// Wait until an object is as described, or gone, or the deadline. Once it has passed,
    /// the object is still looked at.
    pub(super) async fn wait(
        &self,
        target: &Target,
        until: &Predicate,
        deadline: Timestamp,
    ) -> Result<Waited, Error> {
        let resource = self.find(&target.kind).await?;
        // From here on the wait itself asks again, until its deadline.
        let cluster = self.asking_once();
        let mut backoff = short_backoff(&self.wire);
        let objects = path::of_kind(&target.kind, &resource, target.namespace.as_deref())?;
        let scopes = [None, Some(target.name.clone())].map(|name| Scope { path: objects.clone(), name });
        let looked_at = Target { uid: None, subresource: None, ..target.clone() };
        let mut narrower = scopes.iter();
        let mut scope = narrower.next();
        loop {
            let waiter = scope
                .map(|scope| self.watches.wait(&self.wire, scope, target.namespace.as_deref(), &target.name));
            let now = match cluster.get(&looked_at).await {
                Ok(object) => Some(object),
                Err(error) if error.reason == Reason::NOT_FOUND => None,
                // A wait outlives an API server that is away.
                Err(error) if error.is_transient() && self.wire.clock.now() < deadline => {
                    tracing::warn!(%error, about = %target.reference(), "waiting goes on");
                    let pause = backoff.next(error.retry_after());
                    self.wire.clock.sleep_until(self.wire.clock.after(pause).min(deadline)).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            backoff.reset();
            if let Some(waited) = outcome(target, until, now.clone()) {
                return Ok(waited);
            }
            if self.wire.clock.now() >= deadline {
                return Ok(Waited::Timeout);
            }
            let Some(waiter) = waiter else {
                self.wire.clock.sleep_until(self.wire.clock.after(POLL).min(deadline)).await;
                continue;
            };
            let read = now.as_deref().and_then(version);
            let look_at = self.wire.clock.after(LOOK_ANYWAY).min(deadline);
            loop {
                let next = std::pin::pin!(waiter.next());
                let seen = match select(next, self.wire.clock.sleep_until(look_at)).await {
                    Either::Left((seen, _)) => seen,
                    Either::Right(_) => break,
                };
                let now = match seen {
                    // The watch may lag behind what was read.
                    Seen::Object(object) | Seen::Gone(object) if version(&object) < read => continue,
                    Seen::Object(object) => Some(object),
                    Seen::Gone(_) => None,
                    Seen::LookAgain => break,
                    Seen::Refused(error) => {
                        tracing::debug!(%error, %objects, "can't be watched as wide as this");
                        scope = narrower.next();
                        break;
                    }
                };
                if let Some(waited) = outcome(target, until, now) {
                    return Ok(waited);
                }
            }
        }
    }
}

/// The place of an object's state among those of its resource (the versions of a resource
/// are numbers that grow, since Kubernetes 1.35 by contract).
fn version(object: &Value) -> Option<u64> {
    object::resource_version(object)?.parse().ok()
}

/// How the wait ends, if it does, given the object as it is.
fn outcome(target: &Target, until: &Predicate, object: Option<Object>) -> Option<Waited> {
    // With a uid, another object of the name is not the one that was meant.
    let object = object.filter(|object| target.uid.is_none() || target.uid.as_deref() == object::uid(object));
    match object {
        Some(object) => until.holds(&object).then_some(Waited::Met(object)),
        None => (target.uid.is_some() || *until == Predicate::Deleted).then_some(Waited::Deleted),
    }
}
