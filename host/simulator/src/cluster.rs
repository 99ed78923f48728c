//! An API server in memory, at the level of effects.
//!
//! It answers as a real one does, which `tests/conformance` holds it to: the same cases
//! run against it and against kube-apiserver, and compare replies and the reasons of
//! errors (the messages are its own). What policies use is there: get, list in pages,
//! create, patch, server-side apply with its owners of fields, delete in every way, the
//! subresources `status` and `scale`, logs, waits, dry runs, and users with few rights
//! ([`limited_to`](SimulatedCluster::limited_to)).
//!
//! What controllers do, the fixture's [reactions](crate::fixture::Reaction) play; only
//! dependents and the contents of namespaces are collected without.
//!
//! # What is left out
//! These are answered with `Unsupported`:
//! - subresources that are more than a part of the object, such as `pods/eviction`;
//! - applying a `scale`, and the `scale` of a custom resource;
//! - PromQL that the fixture does not answer.
//!
//! These it does not know, and answers as if there were no such thing:
//! - What only one kind of Kubernetes' own demands or defaults. The shape of these objects
//!   is checked (unknown fields, types), their values are not: a Job's template can be
//!   changed here, and a Pod without an image is made. Filled in are the status of a new
//!   Pod, Job, Namespace, PersistentVolume or PersistentVolumeClaim, a Namespace's label
//!   with its name, and a Secret's `type` and `stringData`; not filled in are all the
//!   defaults of Jobs, Pods and workloads (`backoffLimit`, `restartPolicy`, `replicas`, …).
//! - Of custom resources whose definition is not among the fixture's objects, anything but
//!   the metadata. Where it is, its schema is checked without its rules in CEL.
//! - Admission: no webhooks, quotas or limit ranges, and no default ServiceAccount.
//! - A kubelet: nothing runs, and a deleted pod goes at once.
//! - Controllers: a Deployment makes no pods, and a Job none either. Objects whose owner
//!   never existed stay.
//! - Of server-side apply: `managedFields` are kept of objects of the fixture that have them,
//!   and what an apply changes is not written into them; lists of custom resources without a definition are one piece, and so are
//!   those of Kubernetes' own kinds that are in no pod and no condition. The order in which
//!   a list is applied does not move what is there.
//! - That a list can be continued for as long as etcd keeps it: here it is five minutes.

mod answers;
mod applying;
pub(crate) mod builtin;
mod defaults;
mod faults;
mod fields;
mod garbage;
mod handler;
mod identity;
pub(crate) mod kinds;
mod list;
mod logs;
mod making;
mod managers;
mod ownership;
mod reactions;
mod rights;
pub(crate) mod rules;
mod scale;
mod schema;
mod shape;
mod state;
mod store;
mod typed;
mod validation;
mod verbs;
mod wait;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use suture_core::effect::{Delete, Mutation, Target};
use suture_core::object::Object;
use suture_core::{Alert, Clock, Error, ObjectRef, Timestamp};

pub use rights::Limited;
pub use state::Performed;
use state::State;
use wait::Waiters;

use crate::fixture::{Fixture, FixtureError, PodName};

/// A cluster in memory. Clones are the same cluster.
#[derive(Clone)]
pub struct SimulatedCluster {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    waiters: Arc<Waiters>,
}

impl fmt::Debug for SimulatedCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedCluster").finish_non_exhaustive()
    }
}

impl SimulatedCluster {
    /// A cluster that starts as a fixture says. The clock should show the fixture's
    /// `now`.
    ///
    /// # Errors
    /// What is wrong with the fixture, and where.
    pub fn new(fixture: Fixture, clock: Arc<dyn Clock>) -> Result<Self, FixtureError> {
        let state = Arc::new(Mutex::new(State::new(fixture)?));
        Ok(Self { state, clock, waiters: Arc::default() })
    }

    /// Another cluster that starts as this one is now, and lives by a clock of its own. Much
    /// cheaper than a fixture.
    pub fn fork(&self, clock: Arc<dyn Clock>) -> Self {
        let state = Arc::new(Mutex::new(self.state.lock().clone()));
        Self { state, clock, waiters: Arc::default() }
    }

    /// Look at the state, with all done that is due.
    fn read<T>(&self, look: impl FnOnce(&State, Timestamp) -> T) -> T {
        let mut state = self.state.lock();
        let now = self.clock.now();
        let acted = state.catch_up(now);
        let result = look(&state, now);
        if acted {
            self.tell(&mut state);
        }
        result
    }

    /// Change the state, with all done that was due before.
    fn write<T>(&self, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state = self.state.lock();
        let now = self.clock.now();
        state.catch_up(now);
        let result = change(&mut state, now);
        self.tell(&mut state);
        result
    }

    /// Tell those who wait, in the order in which things happen.
    fn tell(&self, state: &mut State) {
        self.waiters.tell(&std::mem::take(&mut state.store.touched), state.reactions.next());
    }

    /// The changes that policies made or, where `dry_run` says so, tried; oldest first.
    /// What failed is not among them, nor what reactions did. Of a cluster that lives long,
    /// the last hundred thousand.
    pub fn mutations(&self) -> Vec<Performed> {
        self.read(|state, _| state.performed.iter().cloned().collect())
    }

    /// One object.
    pub fn object(&self, reference: &ObjectRef) -> Option<Object> {
        self.read(|state, _| state.store.find(reference))
    }

    /// All objects, in the order of kind, namespace and name.
    pub fn objects(&self) -> Vec<Object> {
        self.read(|state, _| state.store.objects.values().cloned().collect())
    }

    /// What went wrong in the cluster itself, oldest first: a `where` that failed, a
    /// reaction that could not act, reactions without end. For whoever wrote the
    /// fixture.
    pub fn complaints(&self) -> Vec<String> {
        self.read(|state, _| state.complaints.all().to_vec())
    }

    /// How often objects were changed so far: two equal versions are the same objects.
    pub fn version(&self) -> u64 {
        self.read(|state, _| state.store.version_number())
    }

    /// When the next reaction is due.
    pub fn next_event(&self) -> Option<Timestamp> {
        self.read(|state, _| state.reactions.next())
    }

    /// Let the simulated Prometheus know of an alert that fires, or forget one that is
    /// resolved.
    pub fn set_alert(&self, alert: &Alert) {
        self.write(|state, _| state.set_alert(alert));
    }

    /// Let the simulated Prometheus forget all alerts: none fires any more.
    pub fn clear_alerts(&self) {
        self.write(|state, _| state.alerts.clear());
    }

    /// Change an object from outside, as a person with kubectl and every right would:
    /// the status too. Reactions to changes of the object itself follow. Says what the
    /// object is then, and nothing where that let it go.
    ///
    /// # Errors
    /// `NotFound` where it does not exist; `BadRequest` or `Invalid` where it would
    /// become another object, or none.
    pub fn edit(
        &self,
        reference: &ObjectRef,
        change: impl FnOnce(&mut Value),
    ) -> Result<Option<Object>, Error> {
        self.write(|state, now| {
            let before = state.store.get(reference)?;
            let info = state.store.info(&reference.kind)?;
            let mut wanted = Value::clone(&before);
            change(&mut wanted);
            rules::protect(&before, &mut wanted, reference)?;
            let change = state.store.replace(reference.clone(), &before, wanted, &info, None);
            state.store.collect(now);
            state.settle(now, 0);
            Ok(change.after)
        })
    }

    /// Make an object from outside, with its status. Reactions follow.
    ///
    /// # Errors
    /// As for a policy: `AlreadyExists`, `Invalid`, …
    pub fn create(&self, object: Value) -> Result<Object, Error> {
        self.write(|state, now| {
            let change = state.store.create_whole(object, now)?;
            state.settle(now, 0);
            Ok(change.shown)
        })
    }

    /// Delete an object from outside. Reactions follow.
    ///
    /// # Errors
    /// `NotFound` where it does not exist.
    pub fn delete(&self, reference: &ObjectRef) -> Result<(), Error> {
        let ObjectRef { kind, namespace, name } = reference.clone();
        let target = Target { kind, namespace, name, uid: None, subresource: None };
        let delete = Delete::of(target);
        self.write(|state, now| {
            state.store.mutate(&Mutation::Delete(delete), "kubectl", now)?;
            state.settle(now, 0);
            Ok(())
        })
    }

    /// Write to a container's log.
    ///
    /// # Errors
    /// `NotFound` where there is no such pod.
    pub fn write_log(&self, pod: &PodName, container: &str, text: &str) -> Result<(), Error> {
        self.write(|state, _| state.write_log(pod, container, text))
    }
}
