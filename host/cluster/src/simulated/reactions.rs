//! The controllers of a simulated cluster.
//!
//! Nothing runs on its own: a change that matches puts its reaction into a queue, and
//! whoever looks at the cluster next first does what is due, in the order of time and
//! as if it had been done in time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use suture_core::clock::{Timestamp, kubernetes_time, later};
use suture_core::effect::{Delete, Mutation, Patch, Propagation, Target};
use suture_core::expression::ObjectLookup;
use suture_core::object::{Kind, Object};
use suture_core::{Error, ObjectRef, Reason};

use super::state::{Complaints, State};
use super::store::{Change, Store};
use crate::fixture::{Action, Reaction, Trigger};

/// How many reactions may follow one from another without a second of time between
/// them. More is a loop.
const LONGEST_CHAIN: u32 = 1000;
/// Reactions this far apart do not count as one chain: time that passes has its own end.
const CHAIN_PAUSE: Duration = Duration::from_secs(1);
/// The field manager of what reactions write.
const CONTROLLER: &str = "reaction";
/// The most reactions that wait for their time. More is a loop that branches.
const LONGEST_QUEUE: usize = 100_000;

/// The reactions of a cluster, and those that are to come.
pub struct Reactions {
    reactions: Arc<[Reaction]>,
    /// How often each still fires.
    left: Vec<Option<u32>>,
    queue: BTreeMap<(Timestamp, u64), Due>,
    queued: u64,
}

/// A reaction that is to come.
struct Due {
    reaction: usize,
    /// The object that set it off.
    by: ObjectRef,
    object: Object,
    link: u32,
}

impl Reactions {
    pub fn new(reactions: Vec<Reaction>) -> Self {
        let left = reactions.iter().map(|reaction| reaction.times).collect();
        Self { reactions: reactions.into(), left, queue: BTreeMap::new(), queued: 0 }
    }

    /// When the next one is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Queue the reactions that a change sets off.
    pub fn trigger(
        &mut self,
        change: &Change,
        store: &Store,
        at: Timestamp,
        link: u32,
        complaints: &mut Complaints,
    ) {
        let reactions = self.reactions.clone();
        for (index, reaction) in reactions.iter().enumerate() {
            if self.left.get(index) == Some(&Some(0)) || !fits(&reaction.when, change) {
                continue;
            }
            match holds(&reaction.when, change, store, at) {
                Ok(false) => continue,
                Ok(true) => {}
                Err(error) => {
                    complaints.add(format!("reactions[{index}].when.where ({}): {error}", change.reference));
                    continue;
                }
            }
            if link >= LONGEST_CHAIN || self.queue.len() >= LONGEST_QUEUE {
                complaints.add(format!(
                    "reactions[{index}]: reactions set off reactions without end (the last change was of {}); \
                     narrow `when.where` so that its own change does not match",
                    change.reference
                ));
                continue;
            }
            if let Some(Some(left)) = self.left.get_mut(index) {
                *left -= 1;
            }
            let after = reaction.after.get();
            let link = if after < CHAIN_PAUSE { link + 1 } else { 0 };
            let due =
                Due { reaction: index, by: change.reference.clone(), object: change.shown.clone(), link };
            self.queued += 1;
            self.queue.insert((later(at, after), self.queued), due);
        }
    }

    fn take_due(&mut self, now: Timestamp) -> Option<(Timestamp, Due)> {
        let entry = self.queue.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), due) = entry.remove_entry();
        Some((at, due))
    }
}

fn fits(trigger: &Trigger, change: &Change) -> bool {
    let ObjectRef { kind, namespace, name } = &change.reference;
    trigger.verb == change.verb
        && trigger.kind == kind.kind
        && trigger.api_version.as_ref().is_none_or(|version| *version == kind.api_version)
        && trigger.subresource == change.subresource
        && trigger.name.as_ref().is_none_or(|wanted| wanted.matches(name))
        && trigger
            .namespace
            .as_ref()
            .is_none_or(|wanted| wanted.matches(namespace.as_deref().unwrap_or_default()))
}

fn holds(trigger: &Trigger, change: &Change, store: &Store, at: Timestamp) -> Result<bool, String> {
    let Some(condition) = &trigger.condition else { return Ok(true) };
    let now = Value::from(kubernetes_time(at));
    let before = change.before.as_deref().unwrap_or(&Value::Null);
    let variables = [("object", &*change.shown), ("oldObject", before), ("now", &now)];
    condition.test_with(&variables, Some(lookup(store))).map_err(|error| error.to_string())
}

/// The function `object()` over the objects as they are now.
fn lookup(store: &Store) -> ObjectLookup {
    let objects = store.objects.clone();
    Arc::new(move |api_version, kind, namespace, name| {
        let namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
        let reference = ObjectRef { kind: Kind::new(api_version, kind), namespace, name: name.to_owned() };
        objects.get(&reference).map_or(Value::Null, |object| Value::clone(object))
    })
}

impl State {
    /// Do what is due. Says whether there was anything.
    pub fn catch_up(&mut self, now: Timestamp) -> bool {
        let mut acted = false;
        while let Some((at, due)) = self.reactions.take_due(now) {
            acted = true;
            let reactions = self.reactions.reactions.clone();
            let Some(reaction) = reactions.get(due.reaction) else { continue };
            for (number, action) in reaction.actions.iter().enumerate() {
                match self.act(action, &due, at) {
                    // The object is gone, as objects of controllers sometimes are.
                    Err(error) if error.reason == Reason::NOT_FOUND => {}
                    Err(error) => {
                        let place = format!("reactions[{}].do[{number}]", due.reaction);
                        self.complaints.add(format!("{place} (for {}): {}", due.by, error.message));
                    }
                    Ok(()) => {}
                }
                self.settle(at, due.link);
            }
        }
        acted
    }

    fn act(&mut self, action: &Action, due: &Due, at: Timestamp) -> Result<(), Error> {
        let now = Value::from(kubernetes_time(at));
        let variables = [("object", &*due.object), ("now", &now)];
        let invalid = |message: String| Error::new(Reason::INVALID, message);
        match action {
            Action::Patch(patch) => {
                let target = target(patch.target.filled(&due.by), patch.subresource.clone());
                let body = patch.body.render(&variables).map_err(invalid)?;
                let patch = Patch { target, patch_type: patch.patch_type, body, resource_version: None };
                self.store.mutate(&Mutation::Patch(patch), CONTROLLER, at).map(|_| ())
            }
            Action::Delete(delete) => {
                let target = target(delete.target.filled(&due.by), None);
                let delete = Delete { target, propagation: Propagation::Background, resource_version: None };
                self.store.mutate(&Mutation::Delete(delete), CONTROLLER, at).map(|_| ())
            }
            Action::Create(create) => {
                let object = create.object.render(&variables).map_err(invalid)?;
                self.store.create_whole(object, at).map(|_| ())
            }
            Action::Log(log) => {
                let text = match log.text.render(&variables).map_err(invalid)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                self.write_log(&log.pod.filled(&due.by), &log.container, &text)
            }
        }
    }
}

fn target(reference: ObjectRef, subresource: Option<String>) -> Target {
    let ObjectRef { kind, namespace, name } = reference;
    Target { kind, namespace, name, uid: None, subresource }
}
