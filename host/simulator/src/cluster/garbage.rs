//! What goes because something else went: dependents, and the contents of namespaces.
//!
//! In a real cluster controllers do this a moment later; here it is done at once. An
//! owner that never existed is not noticed.

use serde_json::{Value, json};
use suture_core::ObjectRef;
use suture_core::clock::Timestamp;
use suture_core::effect::Propagation;
use suture_core::object::{self, Object};

use super::rules;
use super::store::{Store, namespace_kind};

/// The finalizer that holds an owner until its dependents are gone.
pub const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer that holds an owner until its dependents have no owner any more.
pub const ORPHAN: &str = "orphan";

impl Store {
    /// Do all that follows from objects that went or are to go.
    pub fn collect(&mut self, at: Timestamp) {
        loop {
            let mut progressed = false;
            while let Some(uid) = self.gone.pop() {
                self.release_dependents(&uid, at);
                progressed = true;
            }
            progressed |= self.orphan_dependents_first();
            progressed |= self.delete_dependents_first(at);
            progressed |= self.empty_namespaces(at);
            if !progressed && self.gone.is_empty() {
                return;
            }
        }
    }

    /// Objects that terminate while a finalizer of the garbage collector holds them.
    fn held_by(&self, finalizer: &str) -> Vec<(ObjectRef, Object)> {
        let is_held = |object: &Object| {
            object::is_terminating(object) && rules::finalizers(object).contains(&finalizer)
        };
        let held = self.objects.iter().filter(|(_, object)| is_held(object));
        held.map(|(reference, object)| (reference.clone(), object.clone())).collect()
    }

    /// Let an object go as far as a finalizer of the garbage collector is concerned.
    fn release(&mut self, reference: ObjectRef, finalizer: &str) -> bool {
        // What was just done may have changed the object itself.
        let Some(object) = self.find(&reference) else { return false };
        let Ok(info) = self.info(&reference.kind) else { return false };
        let left: Vec<&str> =
            rules::finalizers(&object).into_iter().filter(|one| *one != finalizer).collect();
        let mut value = Value::clone(&object);
        rules::set(&mut value, "finalizers", (!left.is_empty()).then(|| json!(left)));
        self.replace(reference, &object, value, &info, None);
        true
    }

    /// Cut the ties between owners and their dependents, which are to stay.
    fn orphan_dependents_first(&mut self) -> bool {
        let mut progressed = false;
        for (reference, owner) in self.held_by(ORPHAN) {
            let uid = object::uid(&owner).unwrap_or_default();
            for (dependent, object) in self.dependents(uid) {
                self.disown(dependent, &object, uid);
            }
            progressed |= self.release(reference, ORPHAN);
        }
        progressed
    }

    fn dependents(&self, uid: &str) -> Vec<(ObjectRef, Object)> {
        let owned = |object: &Object| rules::owners(object).iter().any(|owner| is(owner, uid));
        let dependents = self.objects.iter().filter(|(_, object)| owned(object));
        dependents.map(|(reference, object)| (reference.clone(), object.clone())).collect()
    }

    fn disown(&mut self, reference: ObjectRef, object: &Object, uid: &str) {
        let left: Vec<&Value> = rules::owners(object).iter().filter(|owner| !is(owner, uid)).collect();
        let left = (!left.is_empty()).then(|| json!(left));
        let mut value = Value::clone(object);
        rules::set(&mut value, "ownerReferences", left);
        if let Ok(info) = self.info(&reference.kind) {
            self.replace(reference, object, value, &info, None);
        }
    }

    /// An owner is gone: what nobody else owns goes too.
    fn release_dependents(&mut self, uid: &str, at: Timestamp) {
        for (reference, object) in self.dependents(uid) {
            let others = rules::owners(&object).iter().filter(|owner| !is(owner, uid));
            let has_another = others.into_iter().any(|owner| self.exists(owner));
            if has_another {
                self.disown(reference, &object, uid);
            } else if !object::is_terminating(&object) {
                self.begin_delete(&reference, &object, Propagation::Background, at);
            }
        }
    }

    fn exists(&self, owner: &Value) -> bool {
        self.objects.values().any(|object| object::uid(object).is_some_and(|uid| is(owner, uid)))
    }

    /// Owners that are deleted in the foreground go once nothing blocks them any more.
    fn delete_dependents_first(&mut self, at: Timestamp) -> bool {
        let mut progressed = false;
        for (reference, owner) in self.held_by(FOREGROUND) {
            let uid = object::uid(&owner).unwrap_or_default();
            for (dependent, object) in self.dependents(uid) {
                if object::is_terminating(&object) {
                    continue;
                }
                progressed = true;
                let another = |other: &&Value| !is(other, uid) && self.exists(other);
                if rules::owners(&object).iter().any(|other| another(&other)) {
                    self.disown(dependent, &object, uid);
                } else {
                    self.begin_delete(&dependent, &object, Propagation::Foreground, at);
                }
            }
            let blocks = |owner: &Value| {
                is(owner, uid) && owner.get("blockOwnerDeletion").and_then(Value::as_bool) == Some(true)
            };
            if self.dependents(uid).iter().any(|(_, object)| rules::owners(object).iter().any(blocks)) {
                continue;
            }
            progressed |= self.release(reference, FOREGROUND);
        }
        progressed
    }

    /// Namespaces that are being deleted take their objects with them, and go last.
    fn empty_namespaces(&mut self, at: Timestamp) -> bool {
        let namespaces: Vec<(ObjectRef, Object)> = self
            .objects
            .iter()
            .filter(|(reference, object)| {
                reference.kind == namespace_kind() && object::is_terminating(object)
            })
            .map(|(reference, object)| (reference.clone(), object.clone()))
            .collect();
        let mut progressed = false;
        for (namespace, object) in namespaces {
            let contents: Vec<(ObjectRef, Object)> = self
                .objects
                .iter()
                .filter(|(reference, _)| reference.namespace.as_deref() == Some(&namespace.name))
                .map(|(reference, object)| (reference.clone(), object.clone()))
                .collect();
            if contents.is_empty() && !rules::has_finalizers(&object) {
                self.remove(&namespace);
                progressed = true;
            }
            for (reference, object) in contents {
                if !object::is_terminating(&object) {
                    self.begin_delete(&reference, &object, Propagation::Background, at);
                    progressed = true;
                }
            }
        }
        progressed
    }
}

fn is(owner: &Value, uid: &str) -> bool {
    owner.get("uid").and_then(Value::as_str) == Some(uid)
}
