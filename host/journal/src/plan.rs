//! What a run changes, or would: each object before and after, field by field. Read off the run's
//! record, for a plan as for what was done.

mod canonical;
mod change;
mod mask;
mod owners;
mod progress;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use suture_core::effect::{Level, Nature};
use suture_core::{Digest, Effect, Grant, Labels, RunId};

use crate::call::Call;
use crate::entry::Entry;
use crate::record::{RunHeader, RunRecord};
pub use change::{FieldDiff, PlannedChange, Written};
pub use mask::Mask;
pub use progress::Progress;

/// The most changes that a summary lists.
const LISTED: usize = 5;
/// The most reads and notes that a plan quotes.
const QUOTED: usize = 100;
/// The longest note that is quoted whole, in characters.
const NOTE: usize = 500;
/// The most bytes of values that a plan shows.
const SHOWN: usize = 256 * 1024;

/// Under what a plan was made. Another module, other settings or grants make another plan.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The digest of the policy's module.
    pub module: &'a str,
    /// The policy's settings, defaults filled in.
    pub settings: &'a Value,
    /// What the policy is allowed.
    pub grants: &'a [Grant],
    /// The incident's key.
    pub key: &'a Labels,
}

impl<'a> Basis<'a> {
    /// That of a recorded run.
    pub fn of(run: &'a RunRecord, header: &'a RunHeader) -> Self {
        let incident = &header.incident;
        Self { module: &run.digest, settings: &incident.settings, grants: &header.grants, key: &incident.key }
    }

    /// What identifies it.
    pub fn digest(&self) -> Digest {
        let Self { module, settings, grants, key } = self;
        let all = json!({"module": module, "settings": settings, "grants": grants, "key": key});
        canonical::digest(&all, &Mask::default())
    }
}

/// What a run changes, or would change, and how it came to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Identifies the basis and all changes that are not undos: equal plans have equal ones.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// Each change, in order. Undos that the host ran, or would run, come with the step that they undo.
    pub changes: Vec<PlannedChange>,
    /// What the run could not go on without, where what follows depends on changes that were not made.
    pub reaches_to: Option<String>,
    /// What the run read, in order: a sentence each.
    pub reads: Vec<String>,
    /// What the policy noted: the lines that it matched, what it concluded.
    pub notes: Vec<String>,
}

impl Plan {
    /// What a record says that its run changed, or would have.
    pub fn of(run: &RunId, basis: &Basis<'_>, entries: &[Entry]) -> Self {
        let calls = Call::all(entries);
        let mut mask = Mask::of_run(run);
        mask.see_times(entries);
        let mut room = SHOWN;
        let mut changes = Vec::new();
        for call in &calls {
            if let Some((written, manager)) = Written::of(call) {
                // An undo is no part of the digest, and what it makes counts for nothing.
                let digest = match call.undo_of {
                    None => written.digest(&mut mask),
                    Some(_) => written.digest(&mut mask.clone()),
                };
                changes.push(PlannedChange::of(call, &written, manager, digest, &mut room));
            }
        }
        let own: Vec<&PlannedChange> = changes.iter().filter(|change| change.undo_of.is_none()).collect();
        let digest = digest(basis, own.iter().map(|change| change.digest));
        let reads = calls.iter().filter(|call| call.asked.nature() == Nature::Read && call.reply().is_some());
        let mut reads: Vec<_> = reads.map(|call| said(&call.asked)).collect();
        reads.dedup();
        reads.truncate(QUOTED);
        let mut notes: Vec<_> = calls.iter().filter_map(note).collect();
        notes.drain(..notes.len().saturating_sub(QUOTED));
        Self { digest, changes, reaches_to: reaches_to(&calls), reads, notes }
    }

    /// Whether a change is only planned.
    pub fn is_unfinished(&self) -> bool {
        self.own().any(|change| !change.performed)
    }

    /// Whether it has no change that is more than an undo.
    pub fn is_empty(&self) -> bool {
        self.own().next().is_none()
    }

    /// A sentence for people: what it would do; none where that is nothing.
    pub fn summary(&self) -> Option<String> {
        let mut parts: Vec<_> = self.own().map(|change| change.summary.clone()).collect();
        let more = parts.len().saturating_sub(LISTED);
        parts.truncate(LISTED);
        if more > 0 {
            parts.push(format!("make {more} more changes"));
        }
        parts.extend(self.reaches_to.clone());
        (!parts.is_empty()).then(|| format!("would {}", parts.join("; then ")))
    }

    fn own(&self) -> impl Iterator<Item = &PlannedChange> {
        self.changes.iter().filter(|change| change.undo_of.is_none())
    }
}

/// What identifies a basis and changes.
fn digest(basis: &Basis<'_>, changes: impl Iterator<Item = Digest>) -> Digest {
    let all = json!({"basis": basis.digest(), "changes": changes.collect::<Vec<_>>()});
    canonical::digest(&all, &Mask::default())
}

/// The wait that the run ended in: what it waited for depends on what it did not do.
fn reaches_to(calls: &[Call]) -> Option<String> {
    calls.iter().filter(|call| call.undo_of.is_none()).find_map(|call| match call.effect() {
        Effect::Wait { target, until, .. } if call.answer.is_none() => {
            Some(format!("wait until {until} ({} {})", target.kind.kind, target.name))
        }
        _ => None,
    })
}

fn note(call: &Call) -> Option<String> {
    match &call.asked {
        Effect::Log { level: Level::Info | Level::Warn | Level::Error, message } => {
            Some(message.chars().take(NOTE).collect())
        }
        _ => None,
    }
}

fn said(effect: &Effect) -> String {
    let about = effect.about();
    let what = format!("{} {}", effect.verb(), about.subject);
    match about.change {
        Some(change) => format!("{what}: {change}"),
        None => what,
    }
}

#[cfg(test)]
mod tests;
