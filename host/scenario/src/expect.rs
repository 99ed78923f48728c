//! What was expected against what happened: the first difference, and why it is one.

mod doubts;
mod lookup;
mod possible;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use suture_core::clock::kubernetes_time;
use suture_core::effect::{MutationType, OnObject};
use suture_core::object::Object;
use suture_core::{Expression, ObjectRef, Timestamp};

use crate::format::{Expected, Located, Then};
use lookup::looking_up;

pub(crate) use doubts::check as check_doubts;
pub use lookup::Lookup;
pub(crate) use lookup::{finally, unmet};
pub(crate) use possible::check as check_possible;

/// One mutation that took place, as expectations see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What was done.
    pub mutation: MutationType,
    /// The object.
    pub object: ObjectRef,
    /// When it was made.
    pub at: Timestamp,
    /// Which run made it (from 0), and which of its steps.
    pub step: (usize, u32),
    /// The object before; null where there was none.
    pub before: Object,
    /// The object after; of a delete, as it was last.
    pub after: Object,
    /// All objects as they were just before.
    pub objects: Arc<BTreeMap<ObjectRef, Object>>,
}

impl Change {
    /// The merge difference between before and after, less what the API server writes by
    /// itself.
    pub fn patch(&self) -> Value {
        let difference = suture_core::patch::difference(&self.before, &self.after);
        without_bookkeeping(difference.unwrap_or_else(|| Value::Object(serde_json::Map::new())))
    }

    /// Whether a condition holds for it.
    pub(crate) fn test(&self, condition: &Expression) -> Result<bool, String> {
        let patch = if condition.reads("patch") { self.patch() } else { Value::Null };
        let now = Value::from(kubernetes_time(self.at));
        let (object, before, now) = (("object", &*self.after), ("before", &*self.before), ("now", &now));
        let patch = ("patch", &patch);
        let variables: &[(&str, &Value)] = match self.mutation.on_object() {
            OnObject::Creates => &[object, now],
            OnObject::Deletes => &[object, before, now],
            OnObject::Changes | OnObject::CreatesOrChanges => &[object, before, patch, now],
        };
        let objects = self.objects.clone();
        let lookup = looking_up(Arc::new(move |reference| objects.get(reference).cloned()), Arc::default());
        condition.test_with(variables, Some(lookup)).map_err(|error| error.to_string())
    }

    /// The part of it that a condition is about, for people.
    fn shown(&self) -> String {
        let (what, value) = match self.mutation.on_object() {
            OnObject::Changes | OnObject::CreatesOrChanges => ("patch", self.patch()),
            OnObject::Creates | OnObject::Deletes => {
                ("object", without_bookkeeping(Value::clone(&self.after)))
            }
        };
        format!("{what} = {}", cut(&value.to_string()))
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "step {}: {} {}", self.step.1, self.mutation, self.object)
    }
}

/// Without what the API server writes by itself, which no policy chose.
fn without_bookkeeping(mut value: Value) -> Value {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["resourceVersion", "generation", "managedFields", "uid", "creationTimestamp"] {
            metadata.remove(field);
        }
        if metadata.is_empty()
            && let Some(object) = value.as_object_mut()
        {
            object.remove("metadata");
        }
    }
    value
}

fn cut(text: &str) -> String {
    const LONGEST: usize = 400;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which part of `then`: `outcome`, `effects[1]`, `never[0]`, …; `run` where the run
    /// itself came to nothing.
    pub expectation: String,
    /// The line of the expectation; 0 where there is none.
    pub line: u64,
    /// What was expected, what happened instead, and what came closest.
    pub message: String,
    /// Where in the timeline: the run (from 0) and its step.
    pub at: Option<(usize, u32)>,
}

/// How a run ended, as expectations see it.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// `remediated`, `failed`, …
    pub outcome: &'a str,
    /// The sentence.
    pub summary: &'a str,
}

/// Everything that a scenario expects and that was not so; the most telling first.
pub fn differences(
    then: &Then,
    ended: &[Ended<'_>],
    changes: &[Change],
    timeline: &str,
    cluster: &Lookup,
) -> Vec<Difference> {
    let mut all = Vec::new();
    all.extend(outcome(then, ended));
    all.extend(effects(&then.effects, changes));
    all.extend(then.never.iter().enumerate().filter_map(|(index, never)| forbidden(index, never, changes)));
    all.extend(summary(then, ended));
    all.extend(then.finally.iter().enumerate().filter_map(|(index, test)| finally(index, test, cluster)));
    all.extend(in_timeline(then, timeline));
    all
}

fn outcome(then: &Then, ended: &[Ended<'_>]) -> Option<Difference> {
    let wanted = then.outcome.as_ref()?;
    let other = ended.iter().find(|ended| ended.outcome != wanted.value)?;
    Some(Difference {
        expectation: "outcome".to_owned(),
        line: wanted.line,
        message: format!("expected `{}`, was `{}`: {}", wanted.value, other.outcome, other.summary),
        at: None,
    })
}

fn summary(then: &Then, ended: &[Ended<'_>]) -> Option<Difference> {
    let wanted = then.summary.as_ref()?;
    let other = ended.iter().find(|ended| !wanted.value.is_in(ended.summary))?;
    Some(Difference {
        expectation: "summary".to_owned(),
        line: wanted.line,
        message: format!("{} is not in the summary: {}", wanted.value, other.summary),
        at: None,
    })
}

/// The expected mutations must be among those that took place, in their order. Taking
/// the earliest that matches each is enough: a later one never helps the next.
fn effects(expected: &[Located<Expected>], changes: &[Change]) -> Option<Difference> {
    let mut next = 0;
    for (index, wanted) in expected.iter().enumerate() {
        let found = changes.iter().skip(next).position(|change| meets(&wanted.value, change) == Meets::Yes);
        match found {
            Some(position) => next += position + 1,
            None => {
                let (message, at) = why_missing(&wanted.value, changes, next);
                return Some(Difference {
                    expectation: format!("effects[{index}]"),
                    line: wanted.line,
                    message: format!("expected {}\n{message}", wanted.value),
                    at,
                });
            }
        }
    }
    None
}

#[derive(Debug, PartialEq)]
enum Meets {
    Yes,
    /// Verb and object fit; the condition is false.
    False(String),
    /// Verb and object fit; the condition has no value.
    Error(String),
    /// Another verb, or another object.
    No,
}

/// Whether a change is one that was expected.
pub(crate) fn is_met(wanted: &Expected, change: &Change) -> bool {
    meets(wanted, change) == Meets::Yes
}

fn meets(wanted: &Expected, change: &Change) -> Meets {
    if wanted.mutation != change.mutation || !wanted.object.matches(&change.object) {
        return Meets::No;
    }
    match wanted.condition.as_ref().map(|condition| change.test(condition)) {
        None | Some(Ok(true)) => Meets::Yes,
        Some(Ok(false)) => Meets::False(format!("`where` is false; {}", change.shown())),
        Some(Err(error)) => Meets::Error(format!("`where` has no value: {error}; {}", change.shown())),
    }
}

type Place = Option<(usize, u32)>;

fn why_missing(wanted: &Expected, changes: &[Change], next: usize) -> (String, Place) {
    let (earlier, later) = changes.split_at(next.min(changes.len()));
    let almost = later.iter().find_map(|change| match meets(wanted, change) {
        Meets::False(why) | Meets::Error(why) => Some((change, why)),
        Meets::Yes | Meets::No => None,
    });
    if let Some((change, why)) = almost {
        return (format!("closest: {change}: {why}"), Some(change.step));
    }
    if let Some(change) = earlier.iter().rev().find(|change| meets(wanted, change) == Meets::Yes) {
        let message = format!("it happened too early: {change}; what is listed before it came after");
        return (message, Some(change.step));
    }
    let same_object = later.iter().find(|change| wanted.object.matches(&change.object));
    let same_kind = || {
        let kind = |change: &&Change| Some(&change.object.kind) == wanted.object.kind();
        later.iter().find(|change| kind(change) && change.mutation == wanted.mutation)
    };
    if let Some(change) = same_object.or_else(same_kind) {
        return (format!("closest: {change}"), Some(change.step));
    }
    match (changes.last(), earlier.last()) {
        (None, _) => ("nothing was changed at all".to_owned(), None),
        (Some(last), _) if later.is_empty() => (format!("nothing was changed after {last}"), Some(last.step)),
        (_, Some(last)) => (format!("nothing like it came after {last}"), Some(last.step)),
        (Some(last), None) => (format!("nothing like it was among the changes; the last was {last}"), None),
    }
}

/// The first change that an expectation forbids.
pub(crate) fn forbidden(index: usize, never: &Located<Expected>, changes: &[Change]) -> Option<Difference> {
    changes.iter().find_map(|change| {
        let message = match meets(&never.value, change) {
            Meets::No | Meets::False(_) => return None,
            Meets::Yes => format!("{change}: this must never happen ({})", never.value),
            // A condition without a value forbids nothing, and that would go unseen.
            Meets::Error(why) => format!("{change}: {why}"),
        };
        let expectation = format!("never[{index}]");
        Some(Difference { expectation, line: never.line, message, at: Some(change.step) })
    })
}

fn in_timeline(then: &Then, timeline: &str) -> Option<Difference> {
    let mut lines = timeline.lines();
    then.timeline.iter().enumerate().find_map(|(index, wanted)| {
        if lines.by_ref().any(|line| wanted.value.is_in(line)) {
            return None;
        }
        let place = if index == 0 { "the timeline" } else { "the rest of the timeline" };
        Some(Difference {
            expectation: format!("timeline[{index}]"),
            line: wanted.line,
            message: format!("{} is nowhere in {place}", wanted.value),
            at: None,
        })
    })
}

#[cfg(test)]
mod tests;
