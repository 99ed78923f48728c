//! What changes in a cluster, and who did it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};
use suture_core::clock::kubernetes_time;
use suture_core::effect::{MutationType, OnObject};
use suture_core::object::{self, Object};
use suture_core::{ObjectRef, Step, Timestamp};
use suture_simulator::{Performed, SimulatedCluster};

use crate::output::{DIM, HEADING};

/// What is known of a cluster: the objects as they were looked at last.
pub struct Changes {
    version: u64,
    objects: BTreeMap<ObjectRef, Object>,
    /// The policies' last change that was seen.
    last: Option<(Timestamp, Option<Step>)>,
}

/// An object that was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    mutation: MutationType,
    object: ObjectRef,
    /// What is different, as a merge patch.
    difference: Option<Value>,
    /// The run that did it, and when; none where the cluster itself did.
    by: Option<(Step, Timestamp)>,
}

impl Changes {
    /// What changes from now on.
    pub fn from_now(cluster: &SimulatedCluster) -> Self {
        let version = cluster.version();
        let last = cluster.mutations().last().map(mark);
        Self { version, objects: objects(cluster), last }
    }

    /// The cluster's version when it was looked at last.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What was changed since it was asked last, in order as far as that is known: what the
    /// cluster did between two changes of policies stands before the later one, and what it
    /// did several times to an object is one change.
    pub fn since(&mut self, cluster: &SimulatedCluster) -> Vec<Change> {
        // Both of the same moment.
        let (all, objects) = loop {
            let version = cluster.version();
            let seen = (cluster.mutations(), objects(cluster));
            if cluster.version() == version {
                break seen;
            }
        };
        let seen = all.iter().rposition(|performed| Some(mark(performed)) == self.last);
        self.last = all.last().map(mark);
        let mut changes = Vec::new();
        for performed in
            all.into_iter().skip(seen.map_or(0, |seen| seen + 1)).filter(|performed| !performed.dry_run)
        {
            let Performed { at, step, mutation, object, before, after, patch, .. } = performed;
            changes.extend(self.note(&object, before));
            self.put(&object, after);
            let difference = if mutation.on_object() == OnObject::Creates { None } else { patch };
            changes.push(Change { mutation, object, difference, by: step.map(|step| (step, at)) });
        }
        let gone: Vec<_> =
            self.objects.keys().filter(|known| !objects.contains_key(known)).cloned().collect();
        changes.extend(gone.iter().filter_map(|object| self.note(object, None)));
        for (object, now) in objects {
            changes.extend(self.note(&object, Some(now)));
        }
        changes
    }

    /// An object is seen as it is.
    fn note(&mut self, object: &ObjectRef, now: Option<Object>) -> Option<Change> {
        let before = self.objects.get(object).cloned();
        let mutation = match (&before, &now) {
            (None, None) => return None,
            (None, Some(_)) => MutationType::Create,
            (Some(_), None) => MutationType::Delete,
            (Some(before), Some(now))
                if object::resource_version(before) == object::resource_version(now) =>
            {
                return None;
            }
            (Some(_), Some(_)) => MutationType::Patch,
        };
        let difference =
            before.as_deref().zip(now.as_deref()).and_then(|(before, now)| difference(before, now));
        self.put(object, now);
        Some(Change { mutation, object: object.clone(), difference, by: None })
    }

    fn put(&mut self, object: &ObjectRef, now: Option<Object>) {
        match now {
            Some(now) => self.objects.insert(object.clone(), now),
            None => self.objects.remove(object),
        };
    }
}

impl Change {
    /// For programs.
    pub fn json(&self) -> Value {
        let Self { mutation, object, difference, by } = self;
        let (step, at) = by.as_ref().map(|(step, at)| (step.to_string(), *at)).unzip();
        json!({"verb": mutation.as_str(), "object": object, "difference": difference, "step": step, "at": at})
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mutation, object, difference, by } = self;
        match by {
            Some((step, at)) => write!(
                f,
                "{HEADING}{mutation:<6}{HEADING:#} {object}  {DIM}{} by step {step}{DIM:#}",
                kubernetes_time(*at)
            )?,
            None => write!(f, "{mutation:<6} {object}  {DIM}by the cluster{DIM:#}")?,
        }
        difference.as_ref().map_or(Ok(()), |difference| write!(f, "\n       {difference}"))
    }
}

fn mark(performed: &Performed) -> (Timestamp, Option<Step>) {
    (performed.at, performed.step.clone())
}

fn objects(cluster: &SimulatedCluster) -> BTreeMap<ObjectRef, Object> {
    cluster.objects().into_iter().filter_map(|object| Some((ObjectRef::of(&object)?, object))).collect()
}

/// What is different, but for the counters that every change moves.
fn difference(before: &Value, now: &Value) -> Option<Value> {
    let mut difference = suture_core::patch::difference(before, now)?;
    let metadata = difference.get_mut("metadata").and_then(Value::as_object_mut);
    let is_empty = metadata.is_some_and(|metadata| {
        metadata.remove("resourceVersion");
        metadata.remove("generation");
        metadata.is_empty()
    });
    if is_empty && let Some(fields) = difference.as_object_mut() {
        fields.remove("metadata");
    }
    Some(difference)
}
