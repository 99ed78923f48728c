//! The changes that are expected, brought to those that happened.

use super::{Edit, Fate, Page, UpdateError, list};
use crate::expect::{Change, is_met};
use crate::export::Expectation;
use crate::format::{Expected, Located};
use crate::yaml::Yaml;

/// The most pairs of an expectation and a change that are looked at.
const MOST_PAIRS: usize = 200_000;

pub(super) fn edits(
    page: Page<'_>,
    expected: &[Located<Expected>],
    changes: &[Change],
) -> Result<Vec<Edit>, UpdateError> {
    if expected.len().saturating_mul(changes.len()) > MOST_PAIRS {
        return Err(UpdateError::TooMany);
    }
    list(page, "effects", &fates(expected, changes))
}

/// What holds stays as it is written; what does not gives way to what happened in its place, or goes.
/// Changes that nobody expected stay unexpected.
fn fates(expected: &[Located<Expected>], changes: &[Change]) -> Vec<Fate> {
    let kept = common(expected, changes);
    let mut fates = Vec::new();
    let mut taken = vec![false; changes.len()];
    for change in kept.iter().flatten() {
        taken[*change] = true;
    }
    let mut from = 0;
    for (index, wanted) in expected.iter().enumerate() {
        if let Some(change) = kept[index] {
            from = change + 1;
            fates.push(Fate::Stays);
            continue;
        }
        let until = kept[index..].iter().flatten().next().copied().unwrap_or(changes.len());
        let free = |at: &usize| !taken[*at];
        let similar = |at: &usize| {
            let change = &changes[*at];
            (change.mutation == wanted.value.mutation)
                && Some(&change.object.kind) == wanted.value.object.kind()
        };
        let same = |at: &usize| {
            changes[*at].mutation == wanted.value.mutation
                && wanted.value.object.matches(&changes[*at].object)
        };
        let place =
            (from..until).filter(free).find(same).or_else(|| (from..until).filter(free).find(similar));
        fates.push(match place {
            None => Fate::Goes,
            Some(at) => {
                taken[at] = true;
                from = at + 1;
                written(&changes[at], wanted.value.condition.is_some())
            }
        });
    }
    fates
}

fn written(change: &Change, has_condition: bool) -> Fate {
    let before = (!change.before.is_null()).then_some(&*change.before);
    let values = has_condition.then_some((before, &*change.after));
    let expectation = Expectation::of(change.mutation, change.object.clone(), values).written();
    let Yaml::Map(fields) = &expectation else { return Fate::Goes };
    let lines = fields.iter().map(|(key, value)| format!("{key}: {}", value.on_one_line())).collect();
    Fate::Becomes(expectation.on_one_line(), lines)
}

/// The longest part of what is expected that happened in this order: for each expectation the change that
/// meets it, where one does.
fn common(expected: &[Located<Expected>], changes: &[Change]) -> Vec<Option<usize>> {
    let meets: Vec<Vec<bool>> = expected
        .iter()
        .map(|wanted| changes.iter().map(|change| is_met(&wanted.value, change)).collect())
        .collect();
    let mut best = vec![vec![0_usize; changes.len() + 1]; expected.len() + 1];
    for wanted in (0..expected.len()).rev() {
        for change in (0..changes.len()).rev() {
            let both = if meets[wanted][change] { best[wanted + 1][change + 1] + 1 } else { 0 };
            best[wanted][change] = both.max(best[wanted + 1][change]).max(best[wanted][change + 1]);
        }
    }
    let mut kept = vec![None; expected.len()];
    let mut change = 0;
    for (wanted, kept) in kept.iter_mut().enumerate() {
        let rest = best[wanted][change];
        if best[wanted + 1][change] == rest {
            continue;
        }
        while change < changes.len() && best[wanted][change + 1] == rest {
            change += 1;
        }
        *kept = Some(change);
        change += 1;
    }
    kept
}
