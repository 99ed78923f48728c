//! Finding out whether a mutation was done: the third of an effect's three steps.
//!
//! Pure functions over the object as it is now, which every cluster shares. What can't
//! be told is said to be unknown.

use std::sync::Arc;

use serde_json::Value;
use suture_core::effect::{Delete, Patch, PatchType};
use suture_core::handler::Resolution;
use suture_core::object::{self, Object};
use suture_core::{Mutation, Prepared, Reply, patch};

use crate::pin;

/// Whether a prepared mutation was done, by the object that it concerns: `current` as it
/// is now, none where it does not exist.
pub fn prepared(prepared: &Prepared, mutation: &Mutation, current: Option<Object>) -> Resolution {
    let Prepared { step, manager, .. } = prepared;
    match (mutation, current) {
        // Somebody else's, where it is not ours: performing says so.
        (Mutation::Create(_), Some(current)) if pin::made_by(&current, step) => {
            Resolution::Done(Reply::Mutated(current))
        }
        (Mutation::Apply(_), Some(current)) if pin::applied_by(&current, manager, step) => {
            Resolution::Done(Reply::Mutated(current))
        }
        (Mutation::Create(_) | Mutation::Apply(_), Some(_)) => Resolution::NotDone,
        // Nothing is there, so nothing can be done twice: performing says `NotFound`.
        (Mutation::Create(_) | Mutation::Patch(_) | Mutation::Apply(_), None) => Resolution::NotDone,
        (Mutation::Patch(patch), Some(current)) => patched(patch, current),
        (Mutation::Delete(delete), current) => deleted(delete, current),
    }
}

fn patched(change: &Patch, current: Object) -> Resolution {
    let reference = change.target.reference();
    if change.target.uid.is_some() && change.target.uid.as_deref() != object::uid(&current) {
        return Resolution::NotDone;
    }
    if change.resource_version.is_some()
        && change.resource_version.as_deref() == object::resource_version(&current)
    {
        return Resolution::NotDone;
    }
    let same = |patched: Value| {
        let (patched, current) = (without_version(&patched), without_version(&current));
        match change.target.subresource.as_deref() {
            Some(subresource) => patched.get(subresource) == current.get(subresource),
            None => patched == current,
        }
    };
    let asked = pin::unpinned(change);
    let is_left_so = || asked.patch_type == PatchType::Json && patch::is_left_by(&current, &asked.body);
    if patch::apply(&current, &asked).is_ok_and(same) || is_left_so() {
        // Whoever made it so: it is what the patch asked for.
        return Resolution::Done(Reply::Mutated(current));
    }
    Resolution::Unknown(format!(
        "{reference} was changed since the patch was prepared, and does not look as the patch leaves it: \
         whether it was patched before the host died can't be told"
    ))
}

fn without_version(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
    }
    object
}

fn deleted(delete: &Delete, current: Option<Object>) -> Resolution {
    let same =
        |object: &Object| delete.target.uid.is_none() || delete.target.uid.as_deref() == object::uid(object);
    match current.filter(same) {
        Some(current) if object::is_terminating(&current) => Resolution::Done(Reply::Mutated(current)),
        Some(_) => Resolution::NotDone,
        // It is gone, and its last state with it; which object it was is still known.
        None => Resolution::Done(Reply::Mutated(Arc::new(remnant(delete)))),
    }
}

/// What is left to say of an object that is gone.
pub(crate) fn remnant(delete: &Delete) -> Value {
    let target = &delete.target;
    let mut metadata = serde_json::Map::new();
    metadata.insert("name".to_owned(), target.name.clone().into());
    for (field, value) in [
        ("namespace", &target.namespace),
        ("uid", &target.uid),
        ("resourceVersion", &delete.resource_version),
    ] {
        if let Some(value) = value {
            metadata.insert(field.to_owned(), value.clone().into());
        }
    }
    serde_json::json!({"apiVersion": target.kind.api_version, "kind": target.kind.kind, "metadata": metadata})
}
