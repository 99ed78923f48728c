//! What an effect was about, and what came of it, in one line.

use std::time::Duration;

use serde_json::Value;
use suture_core::effect::{Patch, PatchType, Propagation, Target, Waited};
use suture_core::object::Kind;
use suture_core::{Effect, Error, Mutation, Prepared, Reason, Reply};
use suture_journal::Answer;

use super::layout::{Line, Tone};
use super::predicate::{GONE, dotted, predicate};
use super::{error_tone, shown};

/// The longest value that is shown in full.
pub(super) const VALUE: usize = 60;
/// The most changed fields that are listed.
const CHANGES: usize = 6;

/// An effect that was answered at once.
pub(super) fn called(line: &mut Line, effect: &Effect, answer: &Answer) {
    subject(line, effect);
    match answer {
        Answer::Ok(reply) => result(line, effect, reply, Duration::ZERO),
        Answer::Error(error) => failure(line, effect, error, Duration::ZERO),
    }
}

/// An effect with an intent: a change, a wait, a pause, a lock.
pub(super) fn performed(line: &mut Line, prepared: &Prepared, answer: &Answer, took: Duration) {
    answered(line, &prepared.effect, answer, took);
}

/// An effect that was answered after a while.
pub(super) fn answered(line: &mut Line, effect: &Effect, answer: &Answer, took: Duration) {
    // What took less than a second took no time, as people see it.
    let took = if took < Duration::from_secs(1) { Duration::ZERO } else { took };
    subject(line, effect);
    match answer {
        Answer::Ok(reply) => result(line, effect, reply, took),
        Answer::Error(error) => failure(line, effect, error, took),
    }
}

/// An effect whose reply is not there yet.
pub(super) fn in_flight(line: &mut Line, prepared: &Prepared) {
    subject(line, &prepared.effect);
    let what = match &prepared.effect {
        Effect::Wait { until, .. } => format!("waiting until {}", predicate(until)),
        _ => "no reply yet".to_owned(),
    };
    colon(line);
    line.push(Tone::Warn, what);
}

/// An effect that was given up because the run ended.
pub(super) fn cut_off(line: &mut Line, prepared: &Prepared, took: Duration) {
    subject(line, &prepared.effect);
    colon(line);
    let what = match &prepared.effect {
        Effect::Wait { until, .. } => {
            format!("cut off after {}, waiting until {}", shown(took), predicate(until))
        }
        _ => format!("cut off after {}", shown(took)),
    };
    line.push(Tone::Warn, what);
}

fn colon(line: &mut Line) {
    line.attach(":");
}

/// What an effect is about, without what came of it.
pub(super) fn subject(line: &mut Line, effect: &Effect) {
    let text = match effect {
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
        Effect::Mutate { mutation, .. } => return change(line, mutation),
        Effect::Logs { pod, container, .. } if container.is_empty() => object(pod),
        Effect::Logs { pod, container, .. } => format!("{} ({container})", object(pod)),
        Effect::Exclusive { name, .. } => format!("`{name}`"),
        Effect::Query { expression } | Effect::QueryRange { expression, .. } => cut(expression, 2 * VALUE),
        Effect::Alerts => "of Prometheus".to_owned(),
        Effect::Settle { step, run_undo: true } => format!("undo step {step} now"),
        Effect::Settle { step, run_undo: false } => format!("the change of step {step} stays"),
        Effect::Sleep { duration_ms } => shown(Duration::from_millis(*duration_ms)),
        Effect::Now | Effect::Log { .. } | Effect::Step { .. } => String::new(),
    };
    line.push(Tone::Plain, text);
}

fn change(line: &mut Line, mutation: &Mutation) {
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
    line.push(Tone::Plain, text);
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
                Propagation::Background => return,
                Propagation::Foreground => "what it owns first",
                Propagation::Orphan => "what it owns stays",
            };
            colon(line);
            line.push(Tone::Plain, propagation.to_owned());
            return;
        }
    };
    if changes.is_empty() {
        return;
    }
    colon(line);
    let secret = reference.kind == Kind::new("v1", "Secret");
    let more = changes.len().saturating_sub(CHANGES);
    let mut texts: Vec<_> =
        changes.into_iter().take(CHANGES).map(|(path, value)| field(&path, value, secret)).collect();
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    line.push(Tone::Change, texts.join(", "));
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

fn result(line: &mut Line, effect: &Effect, reply: &Reply, took: Duration) {
    let text = match (effect, reply) {
        (_, Reply::Page(page)) => {
            let more = if page.next.is_some() { ", more to come" } else { "" };
            format!("{} found{more}", page.items.len())
        }
        (Effect::Wait { until, .. }, Reply::Waited(waited)) => {
            let until = predicate(until);
            let (tone, text) = match waited {
                Waited::Met(_) if took.is_zero() => (Tone::Plain, format!("already so: {until}")),
                Waited::Met(_) => (Tone::Plain, format!("waited {} until {until}", shown(took))),
                Waited::Deleted if until == GONE && took.is_zero() => (Tone::Plain, "gone".to_owned()),
                Waited::Deleted if until == GONE => (Tone::Plain, format!("gone after {}", shown(took))),
                Waited::Deleted => {
                    (Tone::Warn, format!("gone after {}, while waiting until {until}", shown(took)))
                }
                Waited::Timeout => {
                    (Tone::Warn, format!("gave up after {} waiting until {until}", shown(took)))
                }
            };
            colon(line);
            line.push(tone, text);
            return;
        }
        (_, Reply::Logs(text)) => match text.lines().count() {
            1 => "1 line".to_owned(),
            count => format!("{count} lines"),
        },
        (_, Reply::Held) if took.is_zero() => "held".to_owned(),
        (_, Reply::Held) => format!("held after {}", shown(took)),
        (_, Reply::Samples(samples)) => match samples.as_slice() {
            [] => "no samples".to_owned(),
            [sample] => sample.value.to_string(),
            samples => format!("{} samples", samples.len()),
        },
        (_, Reply::Series(series)) => format!("{} series", series.len()),
        (_, Reply::Alerts(alerts)) => {
            let firing = alerts.iter().filter(|alert| alert.firing).count();
            format!("{firing} firing, {} pending", alerts.len() - firing)
        }
        _ => return,
    };
    colon(line);
    line.push(Tone::Plain, text);
}

fn failure(line: &mut Line, effect: &Effect, error: &Error, took: Duration) {
    let text = match effect {
        // Often what the policy wanted to know.
        Effect::Get { .. } if error.reason == Reason::NOT_FOUND => {
            colon(line);
            return line.push(Tone::Plain, "does not exist".to_owned());
        }
        _ if took.is_zero() => error.to_string(),
        _ => format!("{error} (after {})", shown(took)),
    };
    colon(line);
    line.push(error_tone(error), text);
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

pub(super) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
