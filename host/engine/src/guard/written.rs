//! What a change would leave of an object, and what of it the change touches.

use std::sync::Arc;

use serde_json::{Value, json};
use suture_core::effect::Patch;
use suture_core::grant::fields::{self, Path};
use suture_core::grant::{NamedField, named_fields};
use suture_core::object::{self, Kind};
use suture_core::{Fault, Mutation, patch};

use super::templates;

/// An object before and after a change.
pub(super) struct Written {
    /// None where it is made.
    pub before: Option<Arc<Value>>,
    /// None where it is deleted.
    pub after: Option<Value>,
    /// The fields that an apply sets, whether they change or not.
    pub set: Vec<Path>,
    /// The fields that it touches and that a grant must spell.
    pub named: Vec<NamedField>,
}

/// Fields of `metadata` that the API server writes itself.
const SERVER_OWNED: [&str; 6] =
    ["managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink"];
/// How the annotations begin in which the host marks what it applied.
pub(super) const MARK: &str = "run.suture.dev/";

impl Written {
    /// What a change of an object of this kind leaves.
    pub fn new(kind: &Kind, before: Option<Arc<Value>>, after: Option<Value>, set: Vec<Path>) -> Self {
        let named = named_fields(kind, templates::place(kind), before.as_deref(), after.as_ref());
        Self { before, after, set, named }
    }

    /// What a patch that takes it back leaves of it; none where that can't be told before it is done.
    pub fn undone(&self, undo: &Mutation) -> Option<Self> {
        let (Mutation::Patch(change), Some(after)) = (undo, &self.after) else { return None };
        let undone = patch::apply(after, change).ok()?;
        let kind = &undo.reference().kind;
        Some(Self::new(kind, Some(Arc::new(after.clone())), Some(undone), Vec::new()))
    }

    /// The fields that a change touches: those that differ, and those that an apply sets.
    pub fn touched(&self) -> Vec<Path> {
        let nothing = json!({});
        let before = self.before.as_deref().unwrap_or(&nothing);
        let Some(after) = &self.after else { return Vec::new() };
        let mut touched = fields::changed(before, after);
        touched.extend(self.set.iter().cloned());
        touched.retain(|path| !is_the_servers(path, self.before.is_none()));
        touched
    }
}

fn is_the_servers(path: &[String], is_new: bool) -> bool {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    match words[..] {
        // What it is, it was before; and of what is made, the request has said it.
        ["apiVersion" | "kind"] | ["metadata", "name" | "namespace"] => true,
        ["metadata", field, ..] if SERVER_OWNED.contains(&field) => true,
        ["metadata", "generateName"] | ["metadata", "annotations", object::RUN_ANNOTATION] => is_new,
        ["metadata", "annotations", name] => name.starts_with(MARK),
        ["status", ..] => is_new,
        _ => false,
    }
}

/// The object as a patch leaves it.
///
/// # Errors
/// Where it does not apply to the object that it is pinned to.
pub(super) fn after_patch(before: &Value, change: &Patch) -> Result<Value, Fault> {
    Ok(patch::apply(before, change)?)
}
