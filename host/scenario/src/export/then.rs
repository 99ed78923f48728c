//! What is expected: what the run did.

use std::sync::Arc;

use serde_json::Value;
use suture_core::effect::{MutationType, OnObject};
use suture_core::{Expression, ObjectRef, Timestamp};

use super::cel;
use crate::expect::Change;
use crate::yaml::Yaml;

/// The most fields that a condition compares.
const MOST: usize = 6;

/// A change that the run made.
pub(crate) struct Expectation {
    mutation: MutationType,
    object: ObjectRef,
    condition: Option<String>,
}

impl Expectation {
    /// A change, and the object before and after it where they are known.
    pub fn of(mutation: MutationType, object: ObjectRef, change: Option<(Option<&Value>, &Value)>) -> Self {
        let condition = change
            .filter(|_| !object.kind.is_secret())
            .and_then(|(before, after)| condition(mutation, &object, before, after));
        Self { mutation, object, condition }
    }

    pub fn mutation(&self) -> MutationType {
        self.mutation
    }

    pub fn written(&self) -> Yaml {
        let mut fields = vec![(self.mutation.to_string(), Yaml::from(self.object.to_string()))];
        fields.extend(self.condition.clone().map(|condition| ("where".to_owned(), condition.into())));
        Yaml::Map(fields)
    }
}

/// What changed, as conditions see it.
pub(super) fn patch_of(before: &Value, after: &Value) -> Value {
    changed(MutationType::Patch, &unnamed(), Some(before), after).patch()
}

fn unnamed() -> ObjectRef {
    ObjectRef { kind: suture_core::object::Kind::new("", ""), namespace: None, name: String::new() }
}

fn changed(mutation: MutationType, object: &ObjectRef, before: Option<&Value>, after: &Value) -> Change {
    Change {
        mutation,
        object: object.clone(),
        at: Timestamp::UNIX_EPOCH,
        step: (0, 0),
        before: Arc::new(before.cloned().unwrap_or_default()),
        after: Arc::new(after.clone()),
        objects: Arc::default(),
    }
}

/// What holds for this change: each of its fields, as far as that can be said.
fn condition(
    mutation: MutationType,
    object: &ObjectRef,
    before: Option<&Value>,
    after: &Value,
) -> Option<String> {
    let change = changed(mutation, object, before, after);
    let (root, value) = match mutation.on_object() {
        OnObject::Deletes => return None,
        OnObject::Creates => ("object", super::clean::comparable(after, false)),
        OnObject::Changes | OnObject::CreatesOrChanges => ("patch", change.patch()),
    };
    let leaves = cel::leaves(&value);
    let is_chosen = |leaf: &&cel::Leaf| root == "patch" || leaf.is_in("spec") || leaf.is_in("data");
    let mut all = String::new();
    let mut taken = 0;
    for leaf in leaves.iter().filter(is_chosen) {
        let one = leaf.condition(root);
        let longer = if all.is_empty() { one.clone() } else { format!("{all} && {one}") };
        // What can't be said, or is too long to be said, is left out.
        let holds = |source: &str| {
            Expression::compile(source).is_ok_and(|compiled| change.test(&compiled) == Ok(true))
        };
        if taken < MOST && holds(&one) && holds(&longer) {
            all = longer;
            taken += 1;
        }
    }
    (!all.is_empty()).then_some(all)
}
