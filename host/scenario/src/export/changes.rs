//! What must have happened to an object between two looks at it.

use serde_json::{Value, json};
use suture_core::object::{self, Kind};
use suture_core::{ObjectRef, patch};

use super::clean::{self, as_made, comparable, linger};
use super::outside_events;

/// An object as the record shows it, and how much of it.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub object: &'a Value,
    pub only_metadata: bool,
}

/// What leads from an object as it is to how it was seen. Empty where it is the same.
pub(super) fn between(
    reference: &ObjectRef,
    now: Option<&Value>,
    shown: Option<Shown<'_>>,
    is_replaced: bool,
    has_status: bool,
) -> Vec<Value> {
    match (now, shown) {
        (None, None) => Vec::new(),
        (Some(now), None) => gone(reference, now),
        (None, Some(shown)) => appeared(reference, shown.object),
        (Some(now), Some(shown)) => {
            let revived = object::is_terminating(now) && !object::is_terminating(shown.object);
            if is_replaced || revived {
                return [gone(reference, now), appeared(reference, shown.object)].concat();
            }
            changed(reference, now, shown, has_status)
        }
    }
}

fn gone(reference: &ObjectRef, now: &Value) -> Vec<Value> {
    let has_finalizers =
        now.pointer("/metadata/finalizers").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    let release = || outside_events::patch(reference, json!({"metadata": {"finalizers": null}}), false);
    match (object::is_terminating(now), has_finalizers) {
        // Without its finalizers it goes by itself.
        (true, _) => vec![release()],
        (false, true) => vec![release(), outside_events::delete(reference)],
        (false, false) => vec![outside_events::delete(reference)],
    }
}

fn appeared(reference: &ObjectRef, shown: &Value) -> Vec<Value> {
    let mut actions = vec![outside_events::create(as_made(shown))];
    if object::is_terminating(shown) {
        actions.push(outside_events::delete(reference));
    }
    actions
}

fn changed(reference: &ObjectRef, now: &Value, shown: Shown<'_>, has_status: bool) -> Vec<Value> {
    let Shown { object: wanted, only_metadata } = shown;
    let mut actions = Vec::new();
    let mut difference =
        patch::difference(&comparable(now, only_metadata), &comparable(wanted, only_metadata));
    // Who has changed it is shown where it is read alone, and only then.
    if let Some(managers) = clean::managers(wanted)
        && clean::timeless(Some(managers.clone())) != clean::timeless(clean::managers(now))
    {
        difference.get_or_insert_with(|| json!({}))["metadata"]["managedFields"] = managers.into();
    }
    if let Some(mut difference) = difference {
        let fields = difference.as_object_mut();
        let status = fields.filter(|_| has_status).and_then(|fields| fields.remove("status"));
        if difference.as_object().is_some_and(|fields| !fields.is_empty()) {
            actions.push(outside_events::patch(reference, difference, false));
        }
        if let Some(status) = status {
            actions.push(outside_events::patch(reference, json!({"status": status}), true));
        }
    }
    if object::is_terminating(wanted) && !object::is_terminating(now) {
        let mut held = wanted.clone();
        linger(&mut held);
        let finalizers = held.pointer("/metadata/finalizers").cloned().unwrap_or_default();
        if now.pointer("/metadata/finalizers") != Some(&finalizers) {
            actions.push(outside_events::patch(
                reference,
                json!({"metadata": {"finalizers": finalizers}}),
                false,
            ));
        }
        actions.push(outside_events::delete(reference));
    }
    actions
}

/// A definition of a kind of which there is no object yet, so that a cluster knows it.
pub(super) fn definition(kind: &Kind, plural: &str, is_namespaced: bool) -> Value {
    let scope = if is_namespaced { "Namespaced" } else { "Cluster" };
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{}", kind.group())},
        "spec": {"group": kind.group(), "scope": scope, "names": {"kind": kind.kind, "plural": plural},
            "versions": [{"name": kind.version(), "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})
}
