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
use suture_core::effect::{Delete, Mutation, Patch, Target};
use suture_core::expression::ObjectLookup;
use suture_core::object::{Kind, Object};
use suture_core::{Error, ObjectRef, Reason};

use super::state::{Complaints, State};
use super::store::{Change, Store};
use crate::fixture::{Action, Later, Reaction, Reference, Trigger};

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
#[derive(Clone)]
pub struct Reactions {
    reactions: Arc<[Reaction]>,
    /// What happens by itself.
    later: Arc<[Later]>,
    /// What of that comes before a step of a run, by the step; the first last.
    before_steps: Vec<(u32, usize)>,
    /// How often each still fires.
    left: Vec<Option<u32>>,
    queue: BTreeMap<(Timestamp, u64), Due>,
    queued: u64,
}

/// A reaction that is to come.
#[derive(Clone)]
struct Due {
    what: What,
    /// The object that set it off; none of what happens by itself.
    by: Option<ObjectRef>,
    object: Object,
    link: u32,
}

/// Which of a fixture's reactions, or of what happens later.
#[derive(Clone, Copy)]
enum What {
    Reaction(usize),
    Later(usize),
}

impl Reactions {
    pub fn new(reactions: Vec<Reaction>, later: Vec<Later>, now: Timestamp) -> Self {
        let left = reactions.iter().map(|reaction| reaction.times).collect();
        let steps = later.iter().enumerate().filter_map(|(index, later)| Some((later.step?, index)));
        let mut before_steps: Vec<_> = steps.collect();
        before_steps.sort_by_key(|(step, index)| std::cmp::Reverse((*step, *index)));
        let mut all = Self {
            reactions: reactions.into(),
            later: later.into(),
            before_steps,
            left,
            queue: BTreeMap::new(),
            queued: 0,
        };
        for (index, later) in all.later.clone().iter().enumerate() {
            if let Some(after) = later.after {
                all.enqueue(self::later(now, after.get()), Due::by_itself(index));
            }
        }
        all
    }

    fn enqueue(&mut self, at: Timestamp, due: Due) {
        self.queued += 1;
        self.queue.insert((at, self.queued), due);
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
            let (what, by) = (What::Reaction(index), Some(change.reference.clone()));
            self.enqueue(later(at, after), Due { what, by, object: change.shown.clone(), link });
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
        objects.get(&reference).cloned()
    })
}

impl State {
    /// Do what is due. Says whether there was anything.
    pub fn catch_up(&mut self, now: Timestamp) -> bool {
        let mut acted = false;
        while let Some((at, due)) = self.reactions.take_due(now) {
            acted = true;
            self.act_all(&due, at);
        }
        acted
    }

    /// A run is about to do something: what comes before that happens now.
    pub fn reach(&mut self, step: u32, now: Timestamp) {
        while let Some((_, index)) = self.reactions.before_steps.pop_if(|(before, _)| *before <= step) {
            self.act_all(&Due::by_itself(index), now);
        }
    }

    /// Whether anything comes before a step of a run.
    pub fn awaits(&self, step: u32) -> bool {
        self.reactions.before_steps.last().is_some_and(|(before, _)| *before <= step)
    }

    fn act_all(&mut self, due: &Due, at: Timestamp) {
        let (reactions, later) = (self.reactions.reactions.clone(), self.reactions.later.clone());
        let (list, index, actions) = match due.what {
            What::Reaction(index) => ("reactions", index, reactions.get(index).map(|it| &it.actions)),
            What::Later(index) => ("later", index, later.get(index).map(|it| &it.actions)),
        };
        for (number, action) in actions.into_iter().flatten().enumerate() {
            match self.act(action, due, at) {
                // The object is gone, as objects of controllers sometimes are.
                Err(error) if error.reason == Reason::NOT_FOUND => {}
                Err(error) => {
                    let by = due.by.as_ref().map(|by| format!(" (for {by})")).unwrap_or_default();
                    let place = format!("{list}[{index}].do[{number}]");
                    self.complaints.add(format!("{place}{by}: {}", error.message));
                }
                Ok(()) => {}
            }
            self.settle(at, due.link);
        }
    }

    fn act(&mut self, action: &Action, due: &Due, at: Timestamp) -> Result<(), Error> {
        let now = Value::from(kubernetes_time(at));
        let variables = [("object", &*due.object), ("now", &now)];
        let invalid = |message: String| Error::new(Reason::INVALID, message);
        match action {
            Action::Patch(patch) => {
                let manager = patch.manager.clone();
                let target = target(filled(&patch.target, due), patch.subresource.clone());
                let body = patch.body.render(&variables).map_err(invalid)?;
                let patch = Patch { target, patch_type: patch.patch_type, body, resource_version: None };
                let manager = manager.as_deref().unwrap_or(CONTROLLER);
                self.store.mutate(&Mutation::Patch(patch), manager, at).map(|_| ())
            }
            Action::Delete(delete) => {
                let target = target(filled(&delete.target, due), None);
                let delete = Delete::of(target);
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
                let pod = due.by.as_ref().map_or_else(|| log.pod.clone(), |by| log.pod.filled(by));
                self.write_log(&pod, &log.container, &text)
            }
        }
    }
}

impl Due {
    fn by_itself(later: usize) -> Self {
        Self { what: What::Later(later), by: None, object: Arc::new(Value::Null), link: 0 }
    }
}

fn filled(target: &Reference, due: &Due) -> ObjectRef {
    due.by.as_ref().map_or_else(|| target.0.clone(), |by| target.filled(by))
}

fn target(reference: ObjectRef, subresource: Option<String>) -> Target {
    let ObjectRef { kind, namespace, name } = reference;
    Target { kind, namespace, name, uid: None, subresource }
}
