//! The run's own changes, made once more.

use serde_json::Value;
use suture_core::effect::OnObject;
use suture_core::object::Object;
use suture_core::{Effect, Error, Mutation, ObjectRef, Reason, Reply, object};
use suture_journal::Answer;

use super::super::cel;
use super::super::changes::Shown;
use super::super::outside_events::Made;
use super::super::then::{Expectation, patch_of};
use super::Reconstruction;
use suture_journal::Call;

impl Reconstruction {
    /// A change, or an undo: made here too where it took place.
    pub(super) fn mutate(&mut self, index: usize, call: &Call, mutation: &Mutation) {
        // The run was cut off in the middle of it.
        let Some(answer) = &call.answer else { return self.doubt(call, "nobody knows what became of it") };
        match answer {
            Answer::Error(error) if error.reason == Reason::UNKNOWN => {
                self.doubt(call, "it was never known whether it took place");
            }
            Answer::Error(error) => {
                if error.is_absence() && mutation.on_object() != OnObject::Creates {
                    self.reconcile(index, call, &mutation.reference(), None);
                }
                let effect = Effect::Mutate { mutation: self.translated(mutation), undo: None };
                self.fail(call, &effect, error);
            }
            Answer::Ok(Reply::Mutated(shown)) => self.change(index, call, mutation, shown),
            Answer::Ok(_) => self.doubt(call, "its answer is that of another effect"),
        }
    }

    fn change(&mut self, index: usize, call: &Call, mutation: &Mutation, shown: &Object) {
        let (done, dry_run) = (mutation.mutation_type(), call.is_dry_run());
        let reference = ObjectRef::of(shown).unwrap_or_else(|| mutation.reference());
        if dry_run && self.planned.contains(&reference) {
            self.expectations.push(Expectation::of(done, reference, None));
            return;
        }
        // What it could be made of must have been there, or not.
        match (mutation.on_object(), self.cluster.object(&reference)) {
            (OnObject::Creates, Some(_)) => self.reconcile(index, call, &reference, None),
            (OnObject::Changes | OnObject::Deletes, None) => {
                let shown = Shown { object: shown, only_metadata: false };
                self.reconcile(index, call, &reference, Some(shown));
            }
            (OnObject::Creates, None)
            | (OnObject::Changes | OnObject::Deletes, Some(_))
            | (OnObject::CreatesOrChanges, _) => {}
        }
        let effect = Effect::Mutate { mutation: self.translated(mutation), undo: None };
        let named = effect_named(&effect, call);
        if call.conflicts() > 0 {
            let conflict = Error::new(Reason::CONFLICT, "the object was changed in between");
            self.faults.strike(&named, &conflict, call.conflicts());
        }
        let (after, before) = match self.perform(&self.cluster, &effect, dry_run).1 {
            Ok((Reply::Mutated(after), before)) => (after, before),
            Ok(_) => return self.doubt(call, "the simulated cluster answers something else"),
            Err(error) => return self.doubt(call, &format!("the simulated cluster refuses it: {error}")),
        };
        self.faults.pass(&named, 1);
        let change = (before.as_ref(), &*after);
        self.expectations.push(Expectation::of(done, reference.clone(), Some(change)));
        self.identify(&reference, Some(shown));
        if dry_run {
            self.planned.insert(reference);
            return;
        }
        let is_delete = mutation.on_object() == OnObject::Deletes;
        // A change of nothing sets off nothing, and what a subresource changes is seen by
        // reactions to that alone.
        if mutation.subresource().is_none() && (is_delete || before.as_ref() != Some(&*after)) {
            let (verb, condition, uid) = match &before {
                _ if is_delete => ("delete", None, None),
                None => ("create", None, object::uid(shown).map(str::to_owned)),
                Some(before) => ("patch", distinct(&reference, before, &after), None),
            };
            let at = self.now();
            self.outside_events.made.push(Made { call: index, at, verb, reference, condition, uid });
        }
    }

    /// A change that names uids and versions of the record, with those of this cluster. What is
    /// not known here is left out: the host had filled it in.
    fn translated(&self, mutation: &Mutation) -> Mutation {
        let reference = mutation.reference();
        let version = |theirs: &str| self.versions.get(&(reference.clone(), theirs.to_owned())).cloned();
        let mut mutation = mutation.clone();
        if let Some(target) = mutation.target_mut()
            && self.is_uid(&reference, target.uid.as_deref())
        {
            target.uid = None;
        }
        match &mut mutation {
            Mutation::Patch(patch) => {
                patch.resource_version = patch.resource_version.as_deref().and_then(version);
                if let Some(operations) = patch.body.as_array_mut() {
                    operations.retain(|operation| !is_pin(operation));
                }
            }
            Mutation::Delete(delete) => {
                delete.resource_version = delete.resource_version.as_deref().and_then(version);
            }
            Mutation::Apply(apply) => {
                if let Some(metadata) = apply.object.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.remove("resourceVersion");
                    metadata.remove("uid");
                }
            }
            Mutation::Create(_) => {}
        }
        mutation
    }
}

/// A change with the name that its object has got.
pub(super) fn effect_named(effect: &Effect, call: &Call) -> Effect {
    match call.effect() {
        Effect::Mutate { mutation, .. } => Effect::Mutate { mutation: mutation.clone(), undo: None },
        _ => effect.clone(),
    }
}

/// What tells a change from others of the same object.
fn distinct(reference: &ObjectRef, before: &Value, after: &Value) -> Option<String> {
    if reference.kind.is_secret() {
        return None;
    }
    let patch = patch_of(before, after);
    let leaves = cel::leaves(&patch);
    let spec = leaves.iter().find(|leaf| leaf.is_in("spec"));
    spec.or(leaves.first()).map(cel::Leaf::transition)
}

/// Whether an operation of a JSON patch only makes sure of uid or version.
fn is_pin(operation: &Value) -> bool {
    let text = |field: &str| operation.get(field).and_then(Value::as_str);
    text("op") == Some("test") && matches!(text("path"), Some("/metadata/resourceVersion" | "/metadata/uid"))
}
