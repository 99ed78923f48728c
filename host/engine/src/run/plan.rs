//! What a run that only plans would have done.

use suture_core::Effect;
use suture_journal::{Call, Entry};

/// The most changes that a plan lists.
const LISTED: usize = 5;

/// A sentence for people, from the record of a run that ended because what follows depends on
/// changes that were not made.
pub(super) fn summary(entries: &[Entry]) -> Option<String> {
    let calls = Call::all(entries);
    let own = || calls.iter().filter(|call| call.undo_of.is_none());
    let planned = own().filter(|call| call.effect().is_mutation() && call.reply().is_some());
    let mut changes: Vec<_> = planned.map(|call| said(call.effect())).collect();
    // What has no reply is what the run could not go on without.
    let wait = own().find_map(|call| match call.effect() {
        Effect::Wait { target, until, .. } if call.answer.is_none() => {
            Some(format!("wait until {until} ({} {})", target.kind.kind, target.name))
        }
        _ => None,
    });
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
