//! One instance of a policy and what is known of it.

use std::sync::Arc;

use suture_core::clock::Hold;
use suture_core::{Host, Limit, Limits};
use wasmtime::{Store, UpdateDeadline};

use crate::cap::Cap;
use crate::engine::Shared;
use crate::lane::Turn;
use crate::meter::Meter;
use crate::stop::Stop;
use crate::ticker::TICK;

/// What becomes of a guest's calls.
pub(crate) enum Calls {
    /// In `manifest`: they end it.
    Refused,
    /// In `remediate`: the run's host answers.
    Answered(Arc<dyn Host>),
}

/// The host's side of one instance.
pub(crate) struct State {
    pub(crate) calls: Calls,
    pub(crate) limits: Limits,
    pub(crate) meter: Arc<Meter>,
    /// The number of the last effect.
    pub(crate) step: u32,
    /// Its place among runs that use much CPU.
    pub(crate) turn: Turn,
    cap: Cap,
}

impl Calls {
    /// Keeps virtual time from moving.
    fn hold(&self) -> impl FnOnce() -> Hold + Send + 'static {
        let host = match self {
            Self::Refused => None,
            Self::Answered(host) => Some(host.clone()),
        };
        move || host.map(|host| host.hold()).unwrap_or_default()
    }
}

/// A store with every limit in place.
pub(crate) fn store(shared: &Shared, calls: Calls, limits: &Limits, meter: Arc<Meter>) -> Store<State> {
    let turn = shared.lane.turn();
    let state = State {
        calls,
        limits: limits.clone(),
        meter: meter.clone(),
        step: 0,
        turn: turn.clone(),
        cap: Cap::new(limits.clone()),
    };
    let mut store = Store::new(&shared.engine, state);
    store.limiter(|state| &mut state.cap);
    // What a call may carry is checked in `call`, by value. This is the backstop before
    // that: strings that overlap in the guest's memory don't in the host's.
    store.set_hostcall_fuel(usize::try_from(limits.memory.0).unwrap_or(usize::MAX));

    let (limits, budget) = (limits.clone(), limits.cpu.get());
    store.epoch_deadline_callback(move |store| {
        let spent = meter.spent();
        if spent >= budget {
            return Err(Stop::limit(&limits, Limit::Cpu).into());
        }
        if turn.is_due(spent) {
            let hold = store.data().calls.hold();
            return Ok(UpdateDeadline::YieldCustom(1, Box::pin(turn.clone().take(hold))));
        }
        // After a host call the epoch is long past, and nothing was used up.
        if meter.slice() < TICK {
            return Ok(UpdateDeadline::Continue(1));
        }
        // Not tokio's own yield: it wakes the task later, when a virtual clock has already
        // taken the run for one that waits.
        Ok(UpdateDeadline::Yield(1))
    });
    store.set_epoch_deadline(1);
    store
}
