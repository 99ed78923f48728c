//! Undos, as far as the host completes and judges them.

use serde_json::Value;
use suture_core::effect::{Patch, PatchType};
use suture_core::object::{self, ObjectRef};
use suture_core::{Effect, Error, Mutation, Prepared, Reason};

/// Give the undo of an effect the name of the object that the effect is about, as far
/// as it is known: an undo without a name means that object.
pub(crate) fn name(effect: &mut Effect) {
    if let Effect::Mutate { mutation, undo: Some(undo) } = effect {
        let made = mutation.reference();
        name_after(undo, &made);
    }
}

/// Complete the undo of an effect that was prepared: name it, and pin it to the uid of
/// the object that is changed. What is made gets its uid only with the reply.
pub(crate) fn complete(asked: &Effect, prepared: &mut Prepared) {
    let before = prepared.before.as_deref().and_then(object::uid).map(str::to_owned);
    let (Effect::Mutate { undo: Some(asked), .. }, Effect::Mutate { mutation, undo }) =
        (asked, &mut prepared.effect)
    else {
        return;
    };
    let made = mutation.reference();
    let uid = mutation.target_mut().and_then(|target| target.uid.clone()).or(before);
    let mut completed = asked.clone();
    name_after(&mut completed, &made);
    if let Some(uid) = uid {
        pin(&mut completed, &made, &uid);
    }
    *undo = Some(completed);
}

/// Pin an undo to the object that its change brought.
pub(crate) fn pin_to_reply(undo: &mut Mutation, made: &ObjectRef, reply: &Value) {
    if ObjectRef::of(reply).as_ref() == Some(made)
        && let Some(uid) = object::uid(reply)
    {
        pin(undo, made, uid);
    }
}

fn name_after(undo: &mut Mutation, made: &ObjectRef) {
    if let Some(target) = undo.target_mut()
        && target.name.is_empty()
        && target.kind == made.kind
    {
        target.name.clone_from(&made.name);
        target.namespace.clone_from(&made.namespace);
    }
}

fn pin(undo: &mut Mutation, made: &ObjectRef, uid: &str) {
    if undo.reference() == *made
        && let Some(target) = undo.target_mut()
        && target.uid.is_none()
    {
        target.uid = Some(uid.to_owned());
    }
}

/// Whether an undo that failed has nothing left to take back, and why. `refused` says
/// that the error came before anything was tried; `before` is the object that it was
/// tried on.
pub(crate) fn is_moot(
    undo: &Mutation,
    error: &Error,
    refused: bool,
    before: Option<&Value>,
) -> Option<String> {
    let is_create = matches!(undo, Mutation::Create(_));
    if error.is_absence() && !is_create {
        return Some(format!("nothing to undo: {} is gone", undo.reference()));
    }
    // An undo that names no version can meet one conflict only before it is tried: the
    // uid is another.
    if error.reason == Reason::CONFLICT && refused && has_uid(undo) && undo.resource_version().is_none() {
        return Some(format!("nothing to undo: another object is called {} now", undo.reference()));
    }
    // A webhook or a schema may refuse it too: then there still is something to undo.
    // Before anything was tried, it was the guard that found that the patch does not apply.
    let fails = |before: &Value| fails_its_test(undo, before);
    if error.reason == Reason::INVALID && (refused && has_test(undo) || before.is_some_and(fails)) {
        return Some(format!(
            "nothing to undo: {} is not as the undo expects it ({})",
            undo.reference(),
            error.message
        ));
    }
    None
}

fn has_uid(mutation: &Mutation) -> bool {
    mutation.target().is_some_and(|target| target.uid.is_some())
}

/// Whether a mutation is a JSON patch that tests what it changes.
fn has_test(mutation: &Mutation) -> bool {
    let Mutation::Patch(Patch { patch_type: PatchType::Json, body, .. }) = mutation else { return false };
    let is_test = |operation: &Value| operation.get("op").and_then(Value::as_str) == Some("test");
    body.as_array().is_some_and(|operations| operations.iter().any(is_test))
}

/// Whether an object is not as a JSON patch that tests it expects it.
fn fails_its_test(mutation: &Mutation, before: &Value) -> bool {
    let Mutation::Patch(patch) = mutation else { return false };
    has_test(mutation) && suture_core::patch::apply(before, patch).is_err()
}
