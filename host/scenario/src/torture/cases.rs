//! Everything that can go wrong in a scenario, mechanically; and several of it at once.

use std::collections::BTreeSet;

use suture_core::{Effect, HumanDuration, ObjectRef};

use super::perturbation::{Meddling, Perturbation, Place};
use super::reference::Reference;
use super::request::{Request, failures};

/// How long a host is away: not at all, for a while, and longer than most deadlines.
const DOWN: [u64; 3] = [0, 600, 3 * 3600];
/// How long requests take that take long.
const DELAYS: [u64; 3] = [3, 120, 2 * 3600];
/// How long into a wait somebody else acts.
const INTO_A_WAIT: u64 = 7;
/// The most perturbations that come together.
const MOST_AT_ONCE: usize = 4;

/// Every single perturbation of a scenario.
pub(crate) fn singles(reference: &Reference) -> Vec<Perturbation> {
    let mut all = Vec::new();
    let requests = || (1..).zip(&reference.requests);
    for number in 1..=reference.entries {
        kills(Place::BeforeEntry(number), &mut all);
        kills(Place::AfterEntry(number), &mut all);
    }
    for (number, _) in requests() {
        kills(Place::BeforeRequest(number), &mut all);
        kills(Place::AfterRequest(number), &mut all);
    }
    for (request, asked) in requests() {
        for (reason, done) in failures(asked.phase, &asked.effect) {
            for always in [false, true] {
                all.push(Perturbation::Fail { request, reason: reason.to_owned(), done, always });
            }
        }
        for (by, answer) in DELAYS.into_iter().flat_map(|by| [(by, false), (by, true)]) {
            all.push(Perturbation::Delay { request, by: HumanDuration::from_secs(by), answer });
        }
        all.push(Perturbation::Clear { request });
    }
    let mut known = BTreeSet::new();
    for (request, asked) in requests() {
        known.extend(asked.objects.iter().cloned());
        for object in &known {
            meddlings(request, asked, object, &mut all);
        }
    }
    all.extend(reference.locks.iter().map(|name| Perturbation::Lock { name: name.clone() }));
    for notification in 1..=reference.notifications {
        all.push(Perturbation::Lose { notification });
        all.push(Perturbation::Repeat { notification });
        all.push(Perturbation::Late { notification, by: HumanDuration::from_secs(60) });
    }
    all.push(Perturbation::Again);
    all
}

fn kills(at: Place, all: &mut Vec<Perturbation>) {
    for power in [false, true] {
        for down in DOWN {
            all.push(Perturbation::Kill { at, down: HumanDuration::from_secs(down), power, module: false });
        }
    }
    all.push(Perturbation::Kill { at, down: HumanDuration::from_secs(0), power: false, module: true });
}

fn meddlings(request: u32, asked: &Request, object: &ObjectRef, all: &mut Vec<Perturbation>) {
    for how in [Meddling::Touch, Meddling::Delete, Meddling::Recreate, Meddling::Revert] {
        let mut add = |after| {
            let after = HumanDuration::from_secs(after);
            all.push(Perturbation::Meddle { request, after, object: object.clone(), how });
        };
        add(0);
        if matches!(asked.effect, Effect::Wait { .. }) {
            add(INTO_A_WAIT);
        }
    }
}

/// Several perturbations at once, chosen by dice. The same dice throw the same.
pub(crate) fn several(singles: &[Perturbation], dice: &mut fastrand::Rng) -> Vec<Perturbation> {
    let count = dice.usize(2..=MOST_AT_ONCE);
    (0..count).filter_map(|_| dice.choice(singles).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_dice_throw_the_same() {
        let singles: Vec<_> = (1..100).map(|request| Perturbation::Clear { request }).collect();
        let throw = |seed| {
            let mut dice = fastrand::Rng::with_seed(seed);
            (0..5).map(|_| several(&singles, &mut dice)).collect::<Vec<_>>()
        };
        assert_eq!(throw(7), throw(7));
        assert_ne!(throw(7), throw(8));
        assert!(throw(7).iter().all(|case| (2..=MOST_AT_ONCE).contains(&case.len())));
    }
}
