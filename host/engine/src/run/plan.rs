//! What a run that only plans would have done.

use suture_core::Effect;
use suture_journal::{Answer, Body, Entry};

/// The most changes that a plan lists.
const LISTED: usize = 5;

/// A sentence for people, from the record of a run that ended because what follows depends on
/// changes that were not made.
pub(super) fn summary(entries: &[Entry]) -> Option<String> {
    let (mut changes, mut pending) = (Vec::new(), None);
    for entry in entries {
        match &entry.body {
            Body::Intent { prepared, undo_of: None, .. } => {
                pending = Some((entry.step, &prepared.effect));
            }
            // Undos have replies, too, of steps of their own.
            Body::Reply { answer } if pending.is_some_and(|(step, _)| step == entry.step) => {
                if let (Some((_, effect @ Effect::Mutate { .. })), Answer::Ok(_)) = (pending.take(), answer) {
                    changes.push(said(effect));
                }
            }
            Body::Reply { .. }
            | Body::Intent { .. }
            | Body::Call { .. }
            | Body::Kept { .. }
            | Body::Ended { .. } => {}
        }
    }
    // What has no reply is what the run could not go on without.
    let wait = match pending {
        Some((_, Effect::Wait { target, until, .. })) => {
            Some(format!("wait until {until} ({} {})", target.kind.kind, target.name))
        }
        _ => None,
    };
    let more = changes.len().saturating_sub(LISTED);
    changes.truncate(LISTED);
    if more > 0 {
        changes.push(format!("make {more} more changes"));
    }
    changes.extend(wait);
    (!changes.is_empty()).then(|| format!("would {}", changes.join("; then ")))
}

fn said(change: &Effect) -> String {
    let about = change.about();
    let what = format!("{} {}", change.verb(), about.subject);
    match about.change {
        Some(change) => format!("{what}: {change}"),
        None => what,
    }
}
