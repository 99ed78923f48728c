//! What must hold whatever goes wrong.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use suture_core::object::{Object, redact, uid};
use suture_core::{Ending, Halt};
use suture_journal::Ledger;

use super::disturbance::Seen;
use super::perturbation::Perturbation;
use super::reference::{Reference, endings, performed};
use crate::expect::{Change, Difference, Lookup, finally, forbidden, unmet};
use crate::format::{Scenario, Then};
use crate::report::PlayedRun;
use crate::runner::Play;

/// Everything that must hold and does not; the most telling first.
pub(crate) fn judge(
    scenario: &Scenario,
    reference: &Reference,
    plan: &[Perturbation],
    play: &Play,
    seen: &Seen,
) -> Vec<Difference> {
    let then = &scenario.then;
    let mut all = Vec::new();
    if let Some(failure) = &play.failure {
        all.push(difference("end", 0, failure.clone(), None));
    }
    all.extend(play.runs.iter().enumerate().filter_map(|(index, run)| ended(index, run)));
    let changes = changes(scenario, play);
    all.extend(then.never.iter().enumerate().filter_map(|(index, never)| forbidden(index, never, &changes)));
    all.extend(twice(&changes));
    // What nobody was told of is judged; of a doubt a person was told.
    all.extend(play.runs.iter().enumerate().flat_map(|(index, run)| not_undone(index, run)));
    if play.failure.is_none() && play.runs.iter().all(|run| run.doubts.is_empty()) {
        all.extend(at_the_end(then, play, seen));
        if plan.iter().all(Perturbation::changes_nothing) {
            all.extend(the_same(reference, play));
        }
    }
    all
}

fn difference(expectation: &str, line: u64, message: String, at: Option<(usize, u32)>) -> Difference {
    Difference { expectation: expectation.to_owned(), line, message, at }
}

/// A run may fail, but not break.
fn ended(index: usize, run: &PlayedRun) -> Option<Difference> {
    let message = match run.ending.as_ref()? {
        Ending::Trapped(message) => format!("the policy trapped: {message}"),
        Ending::Halted(halt @ (Halt::Nondeterminism { .. } | Halt::Journal(_) | Halt::Suspended)) => {
            format!("the run broke: {halt}")
        }
        _ => return None,
    };
    let last = run.entries.last().map(|entry| (index, entry.step));
    Some(difference("end", 0, message, last))
}

/// What was done to the cluster, by the cluster's own account.
fn changes(scenario: &Scenario, play: &Play) -> Vec<Change> {
    let shown = |object: Option<Object>| object.map_or_else(Arc::default, redact);
    let done = play.cluster.mutations().into_iter().filter(|change| !change.dry_run);
    done.map(|change| {
        let step = change.step.as_ref();
        let run = step.and_then(|step| scenario.run.index_of(&step.run));
        Change {
            mutation: change.mutation,
            object: change.object,
            at: change.at,
            step: (run.unwrap_or_default(), step.map_or(0, |step| step.number)),
            after: shown(change.after.or_else(|| change.before.clone())),
            before: shown(change.before),
            objects: change.objects,
        }
    })
    .collect()
}

/// A step changes an object once at most. (One that was made anew is another.)
fn twice(changes: &[Change]) -> Option<Difference> {
    let mut done = BTreeSet::new();
    let again = changes.iter().find(|change| !done.insert((change.step, uid(&change.after))))?;
    Some(difference("once", 0, format!("{again}: it was done twice"), Some(again.step)))
}

/// Every undo was run, or found to have nothing left to undo, or a person was told.
fn not_undone(index: usize, run: &PlayedRun) -> Vec<Difference> {
    let ledger = Ledger::of(&run.entries);
    let told = |change: u32| run.doubts.iter().any(|doubt| doubt.contains(&format!("step {change} ")));
    let missing = ledger.open().iter().filter(|undo| !undo.dry_run && !told(undo.change));
    let missing = missing.map(|undo| {
        let (act, object) = (undo.mutation.mutation_type(), undo.mutation.reference());
        let message =
            format!("the undo of step {} ({act} {object}) was not run, and nobody was told", undo.change);
        difference("undo", 0, message, Some((index, undo.change)))
    });
    missing.collect()
}

/// `finally`, but of what somebody else deleted or put back.
fn at_the_end(then: &Then, play: &Play, seen: &Seen) -> Vec<Difference> {
    let cluster = play.cluster.clone();
    let lookup: Lookup = Arc::new(move |reference| cluster.object(reference));
    let tests = then.finally.iter().enumerate();
    tests
        .filter(|(_, test)| {
            unmet(test, &lookup).is_some_and(|unmet| {
                !unmet.seen.iter().any(|(reference, _)| seen.meddled.contains(reference))
            })
        })
        .filter_map(|(index, test)| finally(index, test, &lookup))
        .collect()
}

/// A host that died and came back at once did what it would have done.
fn the_same(reference: &Reference, play: &Play) -> Option<Difference> {
    let done = performed(&play.cluster);
    if done != reference.changes {
        let expected =
            reference.changes.iter().map(|change| format!("{} {}", change.mutation, change.object));
        let was = done.iter().map(|change| format!("{} {}", change.mutation, change.object));
        let lines = |acts: &mut dyn Iterator<Item = String>| acts.collect::<Vec<_>>().join(", ");
        let (expected, was) = (lines(&mut { expected }), lines(&mut { was }));
        let message = if expected == was {
            let pairs = reference.changes.iter().zip(&done);
            let other = pairs.filter(|(expected, was)| expected != was).map(|(expected, was)| {
                let text = |patch: &Option<Value>| patch.as_ref().map(Value::to_string).unwrap_or_default();
                format!(
                    "{} {}: {} instead of {}",
                    was.mutation,
                    was.object,
                    text(&was.patch),
                    text(&expected.patch)
                )
            });
            other.collect::<Vec<_>>().join("\n")
        } else {
            format!("without the host's death it did: {expected}\nnow it did: {was}")
        };
        return Some(difference("same", 0, message, None));
    }
    let ended = endings(play);
    if ended == reference.endings {
        return None;
    }
    let (expected, was) = (reference.endings.join(", "), ended.join(", "));
    let message = format!("without the host's death it ended `{expected}`, now `{was}`");
    Some(difference("same", 0, message, None))
}
