//! All that a simulated cluster knows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use suture_core::clock::Timestamp;
use suture_core::effect::{ActiveAlert, MutationType};
use suture_core::object::Object;
use suture_core::{Error, Labels, Mutation, ObjectRef, Step};

use super::faults::Faults;
use super::list::Snapshots;
use super::logs::Logs;
use super::reactions::Reactions;
use super::store::{Change, Store};
use crate::fixture::{AlertState, Fixture, FixtureError, QueryAnswer};

/// The most changes that are remembered: more than any test makes, and an end for a
/// cluster that lives for long.
const MOST_PERFORMED: usize = 100_000;

/// A change that a policy made, or would have made.
#[derive(Clone, Debug, PartialEq)]
pub struct Performed {
    /// When.
    pub at: Timestamp,
    /// The step of the run that made it.
    pub step: Option<Step>,
    /// What was done.
    pub mutation: MutationType,
    /// The object.
    pub object: ObjectRef,
    /// The subresource by which it was changed.
    pub subresource: Option<String>,
    /// The object before; none of a create.
    pub before: Option<Object>,
    /// The object after; none where it is gone.
    pub after: Option<Object>,
    /// What changed, as a merge patch, whatever the patch was written as; of a create,
    /// the whole object. `resourceVersion`, `generation` and `managedFields` are left
    /// out. None where nothing changed.
    pub patch: Option<Value>,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// All objects as they were when it was made, before it.
    pub objects: Arc<BTreeMap<ObjectRef, Object>>,
}

/// All that a simulated cluster knows.
#[derive(Clone)]
pub struct State {
    pub store: Store,
    pub reactions: Reactions,
    pub logs: Logs,
    pub snapshots: Snapshots,
    pub queries: Vec<QueryAnswer>,
    pub alerts: BTreeMap<Labels, ActiveAlert>,
    pub faults: Faults,
    pub performed: VecDeque<Performed>,
    pub complaints: Complaints,
}

impl State {
    /// The state at the time of a fixture.
    pub fn new(fixture: Fixture) -> Result<Self, FixtureError> {
        fixture.validate()?;
        let store = Store::new(&fixture)?;
        let alerts = fixture.alerts.into_iter().map(|alert| {
            let known = ActiveAlert {
                labels: alert.labels.clone(),
                annotations: alert.annotations,
                firing: alert.state == AlertState::Firing,
                active_at: alert.active_at.unwrap_or(fixture.now),
                kept_firing_since: (alert.state == AlertState::KeptFiring).then_some(fixture.now),
            };
            (alert.labels, known)
        });
        Ok(Self {
            store,
            reactions: Reactions::new(fixture.reactions, fixture.later, fixture.now),
            logs: Logs::new(fixture.logs),
            snapshots: Snapshots::default(),
            queries: fixture.prometheus,
            alerts: alerts.collect(),
            faults: Faults::new(fixture.faults),
            performed: VecDeque::new(),
            complaints: Complaints::default(),
        })
    }

    /// Perform a policy's mutation, under its field manager.
    pub fn perform(
        &mut self,
        mutation: &Mutation,
        step: &Step,
        manager: &str,
        at: Timestamp,
        dry_run: bool,
    ) -> Result<Object, Error> {
        let objects = self.store.objects.clone();
        let change = if dry_run {
            self.store.clone().mutate(mutation, manager, at)?
        } else {
            let change = self.store.mutate(mutation, manager, at)?;
            self.settle(at, 0);
            change
        };
        if self.performed.len() == MOST_PERFORMED {
            self.performed.pop_front();
        }
        self.performed.push_back(Performed {
            at,
            step: Some(step.clone()),
            mutation: mutation.mutation_type(),
            object: change.reference,
            subresource: change.subresource,
            patch: difference(change.before.as_deref(), change.after.as_deref()),
            before: change.before,
            after: change.after,
            dry_run,
            objects,
        });
        Ok(change.shown)
    }

    /// Let what was changed set off reactions. `link` is the place in a chain of them.
    pub fn settle(&mut self, at: Timestamp, link: u32) {
        for change in std::mem::take(&mut self.store.changes) {
            self.forget_logs(&change);
            self.reactions.trigger(&change, &self.store, at, link, &mut self.complaints);
        }
    }

    fn forget_logs(&mut self, change: &Change) {
        if change.after.is_none() && change.reference.kind.kind == "Pod" {
            self.logs.forget(&change.reference);
        }
    }
}

fn difference(before: Option<&Value>, after: Option<&Value>) -> Option<Value> {
    let bare = |object: &Value| {
        let mut object = object.clone();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in ["resourceVersion", "generation", "managedFields"] {
                metadata.remove(field);
            }
        }
        object
    };
    match (before, after) {
        (None, Some(after)) => Some(bare(after)),
        (Some(before), Some(after)) => suture_core::patch::difference(&bare(before), &bare(after)),
        (_, None) => None,
    }
}

/// What went wrong in the cluster itself: for whoever wrote the fixture.
#[derive(Clone, Debug, Default)]
pub struct Complaints(Vec<String>);

impl Complaints {
    /// The most that are kept: one that comes again and again says nothing new.
    const MOST: usize = 100;

    /// Keep one, unless the same is there.
    pub fn add(&mut self, complaint: String) {
        if self.0.len() < Self::MOST && !self.0.contains(&complaint) {
            tracing::debug!(%complaint, "the simulated cluster complains");
            self.0.push(complaint);
        }
    }

    /// All, oldest first.
    pub fn all(&self) -> &[String] {
        &self.0
    }
}
