//! A policy's Rust code as a program of the host, without a component.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use async_trait::async_trait;
use suture_core::clock::Driven;
use suture_core::{Ending, Halt, Host, Incident, Limits, Manifest, Program, VirtualClock};
use suture_policy::Policy;
use suture_policy::host::types;

use crate::bridge::{Answer, Bridge, Over, Pending};
use crate::convert;

/// A policy's Rust code as a program of the host.
pub struct NativePolicy<P> {
    manifest: Manifest,
    digest: String,
    /// Where given, waits are driven on the spot; otherwise the policy has a thread.
    clock: Option<Arc<VirtualClock>>,
    policy: PhantomData<fn(P)>,
}

impl<P: Policy + 'static> NativePolicy<P> {
    /// The program. Each run has a thread, so that runs can wait for one another.
    ///
    /// # Panics
    /// If the policy's manifest is not valid.
    pub fn program() -> Arc<dyn Program> {
        Self::checked(None)
    }

    /// The program without a thread: while it waits it drives the clock of the run that it
    /// is part of, on the spot. For measuring: nothing but plain calls stands between the
    /// policy and its host. Only for one run at a time, under this clock.
    ///
    /// # Panics
    /// If the policy's manifest is not valid.
    pub fn inline(clock: Arc<VirtualClock>) -> Arc<dyn Program> {
        Self::checked(Some(clock))
    }

    #[expect(clippy::panic, reason = "for tests and benchmarks: a policy with a wrong manifest fails them")]
    fn checked(clock: Option<Arc<VirtualClock>>) -> Arc<dyn Program> {
        let manifest = match convert::manifest(suture_policy::manifest::<P>()).check() {
            Ok(manifest) => manifest,
            Err(error) => panic!("the policy's manifest is not valid: {error}"),
        };
        let digest = format!("native:{}@{}", manifest.name, manifest.version);
        Arc::new(Self { manifest, digest, clock, policy: PhantomData })
    }
}

#[async_trait]
impl<P: Policy + 'static> Program for NativePolicy<P> {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    async fn remediate(&self, incident: &Incident, _limits: &Limits, host: Arc<dyn Host>) -> Ending {
        let incident = convert::incident(incident);
        if let Some(clock) = &self.clock {
            return on_the_spot::<P>(incident, host, clock.clone());
        }
        on_a_thread(&self.manifest.name, host, move |bridge| natively::<P>(incident, bridge)).await
    }
}

/// Have something asked of a host by code that blocks.
pub(crate) async fn on_a_thread(
    name: &str,
    host: Arc<dyn Host>,
    policy: impl FnOnce(Rc<Bridge>) -> Ending + Send + 'static,
) -> Ending {
    let (turns, next) = channel();
    let (answers, answered) = channel();
    let started =
        std::thread::Builder::new().name(name.to_owned()).spawn(move || work(policy, host, turns, answered));
    if let Err(error) = started {
        return Ending::Failed(format!("no thread for the policy: {error}"));
    }
    // The policy blocks its thread, as its code is written. Of the two threads one is
    // at work at any time: this one sleeps while the policy computes, so a virtual
    // clock does not move, and takes over when the policy has to wait.
    loop {
        match next.recv() {
            Ok(Turn::Wait(answer)) => {
                if answers.send(answer.await).is_err() {
                    return Ending::Trapped("the policy's thread is gone".to_owned());
                }
            }
            Ok(Turn::Over(ending)) => return ending,
            Err(_) => return Ending::Trapped("the policy's thread is gone".to_owned()),
        }
    }
}

/// What the policy's thread hands to the host's.
enum Turn {
    /// An answer that takes time.
    Wait(Pending),
    /// The policy is done.
    Over(Ending),
}

/// What the policy's thread does.
fn work(
    policy: impl FnOnce(Rc<Bridge>) -> Ending,
    host: Arc<dyn Host>,
    turns: Sender<Turn>,
    answers: Receiver<Answer>,
) {
    let waiting = turns.clone();
    let wait = move |answer| match waiting.send(Turn::Wait(answer)) {
        Ok(()) => answers.recv().unwrap_or_else(|_| dropped()),
        Err(_) => dropped(),
    };
    let ending = guarded(|| policy(Rc::new(Bridge::new(host, Box::new(wait)))));
    // Nobody listens any more where the run was dropped.
    let _ = turns.send(Turn::Over(ending));
}

/// The host's side is gone in the middle of the run.
fn dropped() -> Answer {
    Err(Halt::Cancelled("the run was dropped".to_owned()))
}

fn on_the_spot<P: Policy>(
    incident: types::Incident,
    host: Arc<dyn Host>,
    clock: Arc<VirtualClock>,
) -> Ending {
    let wait = move |answer| match pollster::block_on(clock.drive(answer)) {
        Driven::Done(answer) => answer,
        Driven::Stalled | Driven::OutOfTime => {
            Err(Halt::Cancelled("nothing will ever happen again".to_owned()))
        }
    };
    let bridge = Rc::new(Bridge::new(host, Box::new(wait)));
    guarded(|| natively::<P>(incident, bridge))
}

fn natively<P: Policy>(incident: types::Incident, bridge: Rc<Bridge>) -> Ending {
    match suture_policy::host::with(bridge, || suture_policy::remediate::<P>(incident)) {
        Ok(outcome) => Ending::Concluded(convert::outcome(outcome)),
        Err(message) => Ending::Failed(message),
    }
}

/// How a run ends whose code may unwind.
fn guarded(run: impl FnOnce() -> Ending) -> Ending {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(ending) => ending,
        Err(payload) => match payload.downcast::<Over>() {
            Ok(over) => Ending::Halted(over.0),
            Err(payload) => Ending::Trapped(message(payload.as_ref())),
        },
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}
