//! A plan of perturbations, carried out while a scenario is played.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use futures::future::{Either, select};
use parking_lot::Mutex;
use suture_core::{Effect, Error, Fault, ObjectRef, Step};
use tokio::sync::Notify;

use super::perturbation::{Meddling, Perturbation, Place};
use super::request::{Likeness, Phase, Request, error, failures, object};
use super::surroundings::Surroundings;
use crate::format::RunIdentity;
use crate::runner::Death;

/// What goes wrong in one play, and what came of it so far.
pub(crate) struct Disturbance {
    pub(super) plan: Vec<Perturbation>,
    /// What the first run is called.
    first: RunIdentity,
    surroundings: OnceLock<Surroundings>,
    state: Mutex<State>,
    died: Notify,
    /// Whether requests are remembered.
    traces: bool,
}

#[derive(Default)]
struct State {
    requests: u32,
    entries: u32,
    death: Option<Death>,
    /// The host is dead: whatever it still tries never happens.
    is_dead: bool,
    /// Faults that stay.
    spread: Vec<(Likeness, Error, bool)>,
    meddled: BTreeSet<ObjectRef>,
    trace: Vec<Request>,
}

/// What a play showed, beside its runs.
pub(crate) struct Seen {
    pub requests: Vec<Request>,
    pub entries: u32,
    /// The objects that somebody else deleted or put back.
    pub meddled: BTreeSet<ObjectRef>,
}

/// How a request fails.
struct Failure {
    error: Error,
    done: bool,
}

impl Disturbance {
    pub fn new(plan: Vec<Perturbation>, first: RunIdentity) -> Self {
        Self {
            plan,
            first,
            surroundings: OnceLock::new(),
            state: Mutex::default(),
            died: Notify::new(),
            traces: false,
        }
    }

    /// Nothing goes wrong, and all is remembered.
    pub fn tracing(first: RunIdentity) -> Self {
        Self { traces: true, ..Self::new(Vec::new(), first) }
    }

    pub fn seen(&self) -> Seen {
        let mut state = self.state.lock();
        Seen {
            requests: std::mem::take(&mut state.trace),
            entries: state.entries,
            meddled: std::mem::take(&mut state.meddled),
        }
    }

    /// Go to work, once.
    pub(super) fn begin(&self, surroundings: Surroundings) {
        let _ = self.surroundings.set(surroundings);
    }

    fn surroundings(&self) -> Option<&Surroundings> {
        self.surroundings.get()
    }

    /// Pass a request on, with all that goes wrong about it. `work` asks the cluster.
    pub(super) async fn send<T>(
        &self,
        phase: Phase,
        step: &Step,
        effect: &Effect,
        work: impl AsyncFnOnce() -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.die_at(step, None).await;
        let number = self.number(phase, effect);
        let failure = self.failure(number, step, phase, effect);
        self.die_at(step, Some(Place::BeforeRequest(number))).await;
        self.meddle(number, step, Duration::ZERO);
        if let Some(Failure { error, done: false }) = failure {
            return Err(error.into());
        }
        self.delay(number, step, false).await;
        let result = self.meanwhile(number, step, work()).await;
        self.die_at(step, Some(Place::AfterRequest(number))).await;
        self.delay(number, step, true).await;
        match failure {
            Some(Failure { error, .. }) => Err(error.into()),
            None => result,
        }
    }

    /// Remember what a traced request brought.
    pub(super) fn brought(&self, objects: impl IntoIterator<Item = ObjectRef>) {
        if self.traces
            && let Some(request) = self.state.lock().trace.last_mut()
        {
            request.objects.extend(objects);
        }
    }

    fn number(&self, phase: Phase, effect: &Effect) -> u32 {
        let mut state = self.state.lock();
        state.requests += 1;
        let number = state.requests;
        if self.traces {
            let objects = object(effect).into_iter().collect();
            state.trace.push(Request { phase, effect: effect.clone(), objects });
        }
        number
    }

    fn failure(&self, number: u32, step: &Step, phase: Phase, effect: &Effect) -> Option<Failure> {
        let failing =
            |one: &&Perturbation| matches!(one, Perturbation::Fail { request, .. } if *request == number);
        if let Some(one) = self.plan.iter().find(failing)
            && let Perturbation::Fail { reason, done, always, .. } = one
            // After other perturbations it may be another request than it was meant for.
            && failures(phase, effect).contains(&(reason, *done))
        {
            self.mark(step, one);
            let (error, done) = (error(reason), *done);
            if *always {
                self.state.lock().spread.push((Likeness::of(phase, effect), error.clone(), done));
            }
            return Some(Failure { error, done });
        }
        let state = self.state.lock();
        if state.spread.is_empty() {
            return None;
        }
        let likeness = Likeness::of(phase, effect);
        let (_, error, done) = state.spread.iter().find(|(like, ..)| *like == likeness)?;
        Some(Failure { error: error.clone(), done: *done })
    }

    async fn delay(&self, number: u32, step: &Step, of_answer: bool) {
        for one in &self.plan {
            if let Perturbation::Delay { request, by, answer } = one
                && (*request, *answer) == (number, of_answer)
                && let Some(surroundings) = self.surroundings()
            {
                self.mark(step, one);
                surroundings.clock.sleep(by.get()).await;
            }
        }
    }

    /// Do the work, and let others do theirs while it waits.
    async fn meanwhile<T>(
        &self,
        number: u32,
        step: &Step,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let later_on = self.plan.iter().find_map(|one| match one {
            Perturbation::Meddle { request, after, .. } if *request == number && !after.get().is_zero() => {
                Some(after.get())
            }
            _ => None,
        });
        let (Some(after), Some(surroundings)) = (later_on, self.surroundings()) else { return work.await };
        let work = std::pin::pin!(work);
        match select(work, surroundings.clock.sleep(after)).await {
            Either::Left((result, _)) => result,
            Either::Right((_, work)) => {
                self.meddle(number, step, after);
                work.await
            }
        }
    }

    fn meddle(&self, number: u32, step: &Step, when: Duration) {
        let Some(surroundings) = self.surroundings() else { return };
        for one in &self.plan {
            match one {
                Perturbation::Meddle { request, after, object, how }
                    if *request == number && after.get() == when =>
                {
                    self.mark(step, one);
                    surroundings.meddle(object, *how);
                    if *how != Meddling::Touch {
                        self.state.lock().meddled.insert(object.clone());
                    }
                }
                Perturbation::Clear { request } if *request == number && when.is_zero() => {
                    self.mark(step, one);
                    surroundings.cluster.clear_alerts();
                }
                _ => {}
            }
        }
    }

    /// Die, if that is planned here; never go on, where the host is dead already.
    async fn die_at(&self, step: &Step, place: Option<Place>) {
        if let Some(place) = place {
            self.die_in(self.first.index_of(&step.run), place);
        }
        if self.state.lock().is_dead {
            futures::future::pending::<()>().await;
        }
    }

    fn die_in(&self, run: Option<usize>, place: Place) {
        let planned = |one: &&Perturbation| matches!(one, Perturbation::Kill { at, .. } if *at == place);
        let Some(one) = self.plan.iter().find(planned) else { return };
        let Perturbation::Kill { down, power, module, .. } = one else { return };
        let mut state = self.state.lock();
        if state.is_dead {
            return;
        }
        state.is_dead = true;
        state.death = Some(Death { down: down.get(), loses_unsynced: *power, module_is_gone: *module });
        drop(state);
        if let (Some(run), Some(surroundings)) = (run, self.surroundings()) {
            surroundings.disk.mark(run, one.to_string());
        }
        self.died.notify_one();
    }

    fn mark(&self, step: &Step, one: &Perturbation) {
        if let (Some(run), Some(surroundings)) = (self.first.index_of(&step.run), self.surroundings()) {
            surroundings.disk.mark(run, one.to_string());
        }
    }

    /// A run writes an entry, which counts where it is about to be written.
    pub(super) async fn write(&self, run: usize, place: impl Fn(u32) -> Place, counts: bool) {
        let number = {
            let mut state = self.state.lock();
            state.entries += u32::from(counts && !state.is_dead);
            state.entries
        };
        self.die_in(Some(run), place(number));
        if self.state.lock().is_dead {
            futures::future::pending::<()>().await;
        }
    }

    /// The host's next death, as soon as it has come. Then it lives again.
    pub(super) async fn next_death(&self) -> Death {
        loop {
            let death = {
                let mut state = self.state.lock();
                let death = state.death.take();
                state.is_dead &= death.is_none();
                death
            };
            if let Some(death) = death {
                return death;
            }
            self.died.notified().await;
        }
    }
}
