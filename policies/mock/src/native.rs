//! A policy's Rust code as a program of the host, without a component.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use async_trait::async_trait;
use suture_core::{Ending, Halt, Host, Incident, Limits, Manifest, Program};
use suture_policy::Policy;
use suture_policy::host::types;

use crate::bridge::{Bridge, Over, Turn};
use crate::convert;

/// A policy's Rust code as a program of the host.
pub struct NativePolicy<P> {
    manifest: Manifest,
    digest: String,
    policy: PhantomData<fn(P)>,
}

impl<P: Policy + 'static> NativePolicy<P> {
    /// The program.
    ///
    /// # Panics
    /// If the policy's manifest is not valid.
    #[expect(clippy::panic, reason = "for tests and benchmarks: a policy with a wrong manifest fails them")]
    pub fn program() -> Arc<dyn Program> {
        let manifest = match convert::manifest(suture_policy::manifest::<P>()).check() {
            Ok(manifest) => manifest,
            Err(error) => panic!("the policy's manifest is not valid: {error}"),
        };
        let digest = format!("native:{}@{}", manifest.name, manifest.version);
        Arc::new(Self { manifest, digest, policy: PhantomData })
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
        let (turns, next) = channel();
        let (answers, answered) = channel();
        let started = std::thread::Builder::new()
            .name(self.manifest.name.clone())
            .spawn(move || work::<P>(incident, host, turns, answered));
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
}

type Answer = Result<Result<suture_core::Reply, suture_core::Error>, Halt>;

/// What the policy's thread does.
fn work<P: Policy>(
    incident: types::Incident,
    host: Arc<dyn Host>,
    turns: Sender<Turn>,
    answers: Receiver<Answer>,
) {
    let bridge = Rc::new(Bridge::new(host, turns.clone(), answers));
    let run = || suture_policy::host::with(bridge, || suture_policy::remediate::<P>(incident));
    let ending = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(outcome)) => Ending::Concluded(convert::outcome(outcome)),
        Ok(Err(message)) => Ending::Failed(message),
        Err(payload) => match payload.downcast::<Over>() {
            Ok(over) => Ending::Halted(over.0),
            Err(payload) => Ending::Trapped(message(payload.as_ref())),
        },
    };
    // Nobody listens any more where the run was dropped.
    let _ = turns.send(Turn::Over(ending));
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}
