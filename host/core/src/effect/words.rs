//! What an effect asks for, in words for people.

mod differ;
mod until;

use std::time::Duration;

use serde_json::Value;

use super::{Effect, Mutation, Patch, PatchType, Propagation, Target};
use crate::HumanDuration;

/// The longest value that is shown in full.
const VALUE: usize = 60;
/// The most changed fields that are listed.
const CHANGES: usize = 6;

/// What an effect is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The object, or whatever else is asked of: `Pod media/plex`.
    pub subject: String,
    /// What a change changes: `spec.trigger.manual = "now"`. Values in a Secret are not told.
    pub change: Option<String>,
}

impl Effect {
    /// What it is about.
    pub fn about(&self) -> About {
        let change = match self {
            Self::Mutate { mutation, .. } => change(mutation),
            _ => None,
        };
        About { subject: subject(self), change }
    }
}

fn subject(effect: &Effect) -> String {
    match effect {
        Effect::Get { target } | Effect::Wait { target, .. } => object(target),
        Effect::List(query) => {
            let mut text = match &query.namespace {
                Some(namespace) => format!("{} in {namespace}", query.kind.kind),
                None => format!("{} in all namespaces", query.kind.kind),
            };
            let selectors = [&query.labels, &query.fields];
            let selectors: Vec<_> = selectors.iter().filter(|text| !text.is_empty()).collect();
            for (index, selector) in selectors.into_iter().enumerate() {
                text += &format!("{} {selector}", if index == 0 { " where" } else { " and" });
            }
            text
        }
        Effect::Mutate { mutation, .. } => changed(mutation),
        Effect::Logs { pod, container, .. } if container.is_empty() => object(pod),
        Effect::Logs { pod, container, .. } => format!("{} ({container})", object(pod)),
        Effect::Exclusive { name, .. } => format!("`{name}`"),
        Effect::Query { expression } | Effect::QueryRange { expression, .. } => cut(expression, 2 * VALUE),
        Effect::Alerts => "of Prometheus".to_owned(),
        Effect::Settle { step, run_undo: true } => format!("undo step {step} now"),
        Effect::Settle { step, run_undo: false } => format!("the change of step {step} stays"),
        Effect::Sleep { duration_ms } => lasting(*duration_ms),
        Effect::Now | Effect::Log { .. } | Effect::Step { .. } => String::new(),
    }
}

fn lasting(millis: u64) -> String {
    let whole = if millis < 1000 { millis } else { millis - millis % 1000 };
    HumanDuration::from(Duration::from_millis(whole)).to_string()
}

fn changed(mutation: &Mutation) -> String {
    let reference = mutation.reference();
    let mut text = reference.kind.kind.clone();
    let name = match mutation {
        Mutation::Create(create) if reference.name.is_empty() => {
            let prefix = create.object.pointer("/metadata/generateName").and_then(Value::as_str);
            format!("{}*", prefix.unwrap_or_default())
        }
        _ => reference.name.clone(),
    };
    text += &match &reference.namespace {
        Some(namespace) => format!(" {namespace}/{name}"),
        None => format!(" {name}"),
    };
    if let Some(subresource) = mutation.subresource() {
        text += &format!(" ({subresource})");
    }
    text
}

fn change(mutation: &Mutation) -> Option<String> {
    let changes = match mutation {
        Mutation::Create(_) => Vec::new(),
        Mutation::Patch(patch) => patch_changes(patch),
        Mutation::Apply(apply) => {
            let mut changes = Vec::new();
            flatten(&apply.object, &mut String::new(), &mut changes);
            changes
        }
        Mutation::Delete(delete) => {
            let propagation = match delete.propagation {
                Propagation::Background => return None,
                Propagation::Foreground => "what it owns first",
                Propagation::Orphan => "what it owns stays",
            };
            return Some(propagation.to_owned());
        }
    };
    if changes.is_empty() {
        return None;
    }
    let secret = mutation.kind().is_secret();
    let more = changes.len().saturating_sub(CHANGES);
    let mut texts: Vec<_> =
        changes.into_iter().take(CHANGES).map(|(path, value)| field(&path, value, secret)).collect();
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    Some(texts.join(", "))
}

/// A changed field; `None` was removed.
fn field(path: &str, value: Option<Value>, secret: bool) -> String {
    match value {
        None => format!("{path} removed"),
        Some(_) if secret => format!("{path} set"),
        Some(value) => format!("{path} = {}", cut(&value.to_string(), VALUE)),
    }
}

fn patch_changes(patch: &Patch) -> Vec<(String, Option<Value>)> {
    let mut changes = Vec::new();
    match patch.patch_type {
        PatchType::Merge => flatten(&patch.body, &mut String::new(), &mut changes),
        PatchType::Json => {
            for operation in patch.body.as_array().into_iter().flatten() {
                let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
                let path = dotted(text("path"));
                match text("op") {
                    // The host's and the policy's preconditions change nothing.
                    "test" => {}
                    "remove" => changes.push((path, None)),
                    "move" | "copy" => changes.push((path, Some(Value::from(dotted(text("from")))))),
                    _ => changes.push((path, operation.get("value").cloned())),
                }
            }
        }
    }
    changes
}

/// The leaves of a merge patch, with their paths.
fn flatten(value: &Value, path: &mut String, changes: &mut Vec<(String, Option<Value>)>) {
    // What identifies the object, or pins its version, is no change to it.
    const IDENTITY: [&str; 6] = [
        "apiVersion",
        "kind",
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "metadata.resourceVersion",
    ];
    match value {
        _ if IDENTITY.contains(&path.as_str()) => {}
        Value::Object(fields) if !fields.is_empty() || path.is_empty() => {
            for (name, value) in fields {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
                flatten(value, path, changes);
                path.truncate(length);
            }
        }
        Value::Null => changes.push((path.clone(), None)),
        value => changes.push((path.clone(), Some(value.clone()))),
    }
}

fn object(target: &Target) -> String {
    let mut text = match &target.namespace {
        Some(namespace) => format!("{} {namespace}/{}", target.kind.kind, target.name),
        None => format!("{} {}", target.kind.kind, target.name),
    };
    if let Some(subresource) = &target.subresource {
        text += &format!(" ({subresource})");
    }
    text
}

/// A JSON pointer as a path with dots.
fn dotted(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    parts.collect::<Vec<_>>().join(".")
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
