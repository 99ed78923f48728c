//! Many perturbed runs of many scenarios, on all cores.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use suture_core::{Clock, Program};

use super::cases::{several, singles};
use super::disturbance::Disturbance;
use super::failure::Failure;
use super::judge::judge;
use super::perturbation::Perturbation;
use super::reference::Reference;
use crate::expect::Difference;
use crate::format::Scenario;
use crate::report::Report;
use crate::runner::{Play, Ready, clock, run};

/// How many failing cases of one scenario are enough to stop with it.
const ENOUGH_FAILURES: usize = 40;
/// The most failures of one scenario that are told, each of another kind.
const MOST_KINDS: usize = 10;

/// A scenario, and the policy that is tortured with it.
pub struct Subject<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The policy.
    pub program: Arc<dyn Program>,
}

/// How much is to be tried.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// How many runs in all. Every single perturbation comes first; where there are more
    /// of them than this, dice choose.
    pub runs: usize,
    /// When to stop, if that comes before.
    pub time: Option<Duration>,
    /// What the dice are thrown with. The same seed tries the same.
    pub seed: u64,
    /// How many threads there are.
    pub threads: usize,
    /// Only these perturbations, together, in each scenario.
    pub only: Vec<Perturbation>,
}

/// How far a campaign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many runs there were.
    pub done: u64,
    /// How many there will be.
    pub total: u64,
    /// How many of them failed.
    pub failed: u64,
}

/// What came of a campaign.
#[derive(Debug)]
pub struct Summary {
    /// How many runs there were, without those that made a failure smaller.
    pub runs: u64,
    /// How many single perturbations there are in all scenarios.
    pub singles: u64,
    /// How many runs ended in a doubt, of which a person is told.
    pub doubts: u64,
    /// How many runs failed.
    pub failed: u64,
    /// Scenarios that do not pass as they are, which were not tortured.
    pub unfit: Vec<Report>,
    /// The smallest failure of each kind, of a scenario a bounded number. Each says what did not hold.
    pub failures: Vec<Failure>,
    /// How many kinds of failures there are beside those.
    pub more_kinds: u64,
    /// How long it took.
    pub took: Duration,
}

/// A scenario at work.
struct Bench<'a> {
    ready: Ready<'a>,
    reference: Reference,
    singles: Vec<Perturbation>,
    /// The failing cases: their numbers, and what did not hold.
    failing: Mutex<Vec<(usize, Vec<Difference>)>>,
}

/// One run to be tried.
struct Case {
    bench: usize,
    plan: Vec<Perturbation>,
}

impl Campaign {
    /// Try it all. `watch` is called after each run, from any thread.
    pub fn run(
        &self,
        subjects: &[Subject<'_>],
        clock: &dyn Clock,
        watch: &(dyn Fn(Progress) + Sync),
    ) -> Summary {
        let began = clock.monotonic();
        let (mut benches, mut unfit) = (Vec::new(), Vec::new());
        for subject in subjects {
            match Bench::new(subject) {
                Ok(bench) => benches.push(bench),
                Err(report) => unfit.push(*report),
            }
        }
        let cases = self.cases(&benches);
        let total = u64::try_from(cases.len()).unwrap_or(u64::MAX);
        let (next, done, doubts, failed) =
            (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let work = || {
            while self.time.is_none_or(|time| clock.monotonic().saturating_sub(began) < time) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(case) = cases.get(number) else { return };
                let Some(bench) = benches.get(case.bench) else { continue };
                if bench.failing.lock().len() >= ENOUGH_FAILURES {
                    continue;
                }
                let (differences, play) = bench.try_out(&case.plan);
                if play.runs.iter().any(|run| !run.doubts.is_empty()) {
                    doubts.fetch_add(1, Ordering::Relaxed);
                }
                if !differences.is_empty() {
                    failed.fetch_add(1, Ordering::Relaxed);
                    bench.failing.lock().push((number, differences));
                }
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                watch(Progress { done, total, failed: failed.load(Ordering::Relaxed) });
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads.max(1) {
                scope.spawn(work);
            }
            work();
        });
        let (mut failures, mut more_kinds) = (Vec::new(), 0);
        for bench in &benches {
            let (told, more) = bench.failures(&cases);
            failures.extend(told);
            more_kinds += more;
        }
        Summary {
            runs: done.into_inner(),
            singles: benches.iter().map(|bench| bench.singles.len() as u64).sum(),
            doubts: doubts.into_inner(),
            failed: failed.into_inner(),
            unfit,
            failures,
            more_kinds,
            took: clock.monotonic().saturating_sub(began),
        }
    }

    /// What is tried, in order.
    fn cases(&self, benches: &[Bench<'_>]) -> Vec<Case> {
        if !self.only.is_empty() {
            let only = |bench| Case { bench, plan: self.only.clone() };
            return (0..benches.len()).map(only).collect();
        }
        let numbered = || benches.iter().enumerate();
        let alone = numbered().flat_map(|(bench, Bench { singles, .. })| {
            singles.iter().map(move |one| Case { bench, plan: vec![one.clone()] })
        });
        let count = benches.iter().map(|bench| bench.singles.len()).sum::<usize>();
        if count > self.runs {
            let mut dice = fastrand::Rng::with_seed(self.seed);
            let mut chosen: Vec<usize> = dice.choose_multiple(0..count, self.runs);
            chosen.sort_unstable();
            let mut chosen = chosen.into_iter().peekable();
            return alone
                .enumerate()
                .filter(|(number, _)| chosen.next_if_eq(number).is_some())
                .map(|(_, case)| case)
                .collect();
        }
        let mut cases: Vec<Case> = alone.collect();
        let mut all_dice: Vec<_> = benches.iter().map(|bench| self.dice(bench)).collect();
        while cases.len() < self.runs && !benches.is_empty() {
            for ((bench, Bench { singles, .. }), dice) in numbered().zip(&mut all_dice) {
                cases.push(Case { bench, plan: several(singles, dice) });
            }
        }
        cases.truncate(self.runs);
        cases
    }

    /// A scenario's own dice: they fall the same, whichever other scenarios there are.
    fn dice(&self, bench: &Bench<'_>) -> fastrand::Rng {
        let mut hasher = DefaultHasher::new();
        bench.ready.scenario.name.hash(&mut hasher);
        fastrand::Rng::with_seed(self.seed ^ hasher.finish())
    }
}

impl<'a> Bench<'a> {
    /// A scenario that passes as it is; or the report that says why it does not.
    fn new(subject: &Subject<'a>) -> Result<Self, Box<Report>> {
        let report = Box::new(run(subject.scenario, subject.program.clone()));
        if !report.passed() {
            return Err(report);
        }
        let Ok(ready) = Ready::new(subject.scenario, subject.program.clone()) else { return Err(report) };
        let Some(reference) = Reference::of(&ready) else { return Err(report) };
        let singles = singles(&reference);
        Ok(Self { ready, reference, singles, failing: Mutex::default() })
    }

    fn try_out(&self, plan: &[Perturbation]) -> (Vec<Difference>, Play) {
        let scenario = self.ready.scenario;
        let disturbance = Arc::new(Disturbance::new(plan.to_vec(), scenario.run.clone()));
        let play = self.ready.play(clock(scenario), None, Some(disturbance.clone()));
        let differences = judge(scenario, &self.reference, plan, &play, &disturbance.seen());
        (differences, play)
    }

    /// The first case of each thing that did not hold, made as small as it gets; and how many things
    /// more there were. What shows together is one failure.
    fn failures(&self, cases: &[Case]) -> (Vec<Failure>, u64) {
        let mut failing = std::mem::take(&mut *self.failing.lock());
        failing.sort_by_key(|(number, _)| *number);
        let (mut failures, mut more) = (Vec::<Failure>::new(), BTreeSet::new());
        for (number, differences) in failing {
            let Some(case) = cases.get(number) else { continue };
            for difference in differences {
                let is_known = |failure: &Failure| {
                    failure.differences.iter().any(|known| known.expectation == difference.expectation)
                };
                if failures.iter().any(is_known) {
                    continue;
                }
                if failures.len() < MOST_KINDS {
                    failures.push(self.smallest(case.plan.clone(), difference));
                } else {
                    more.insert(difference.expectation);
                }
            }
        }
        (failures, more.len() as u64)
    }

    /// Leave out what is not needed for the same thing not to hold.
    fn smallest(&self, plan: Vec<Perturbation>, wanted: Difference) -> Failure {
        let fails = |plan: Vec<Perturbation>| {
            let (differences, play) = self.try_out(&plan);
            let is_wanted = |difference: &Difference| difference.expectation == wanted.expectation;
            differences.iter().any(is_wanted).then(|| self.failure(plan, differences, play))
        };
        let Some(mut smallest) = fails(plan.clone()) else {
            // It depends on more than the plan says. What did not hold is said all the same.
            let message = format!("{}\n(it held when the same was tried once more)", wanted.message);
            let (_, play) = self.try_out(&plan);
            return self.failure(plan, vec![Difference { message, at: None, ..wanted }], play);
        };
        let mut index = 0;
        while index < smallest.plan.len() {
            let mut less = smallest.plan.clone();
            less.remove(index);
            if !less.is_empty()
                && let Some(smaller) = fails(less)
            {
                smallest = smaller;
                continue;
            }
            let simpler = smallest.plan.get(index).map(Perturbation::simpler).unwrap_or_default();
            let replaced = simpler.into_iter().map(|one| {
                let mut plan = smallest.plan.clone();
                if let Some(place) = plan.get_mut(index) {
                    *place = one;
                }
                plan
            });
            if let Some(simpler) = replaced.collect::<Vec<_>>().into_iter().find_map(&fails) {
                smallest = simpler;
            }
            index += 1;
        }
        smallest
    }

    fn failure(&self, plan: Vec<Perturbation>, differences: Vec<Difference>, play: Play) -> Failure {
        let Scenario { name, file, line, .. } = self.ready.scenario;
        Failure { name: name.clone(), file: file.clone(), line: *line, plan, differences, runs: play.runs }
    }
}
