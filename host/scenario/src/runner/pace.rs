//! A run that takes its time between two steps, as runs on real clusters do.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use suture_core::clock::Clock;
use suture_core::{Effect, Ending, Error, Halt, Host, Incident, Limits, Manifest, Program, Reply};

use crate::format::Pause;

/// A policy whose calls are late by what a scenario says.
pub(super) struct Paced {
    pub program: Arc<dyn Program>,
    pub clock: Arc<dyn Clock>,
    /// What is still to come. An instance that is replayed does not pause again.
    pub pauses: Arc<Mutex<Vec<Pause>>>,
}

#[async_trait]
impl Program for Paced {
    fn manifest(&self) -> &Manifest {
        self.program.manifest()
    }

    fn digest(&self) -> &str {
        self.program.digest()
    }

    async fn remediate(&self, incident: &Incident, limits: &Limits, host: Arc<dyn Host>) -> Ending {
        let (clock, pauses) = (self.clock.clone(), self.pauses.clone());
        let late = Late { host, clock, pauses, calls: Mutex::new(0) };
        self.program.remediate(incident, limits, Arc::new(late)).await
    }
}

/// A host that takes its time.
struct Late {
    host: Arc<dyn Host>,
    clock: Arc<dyn Clock>,
    pauses: Arc<Mutex<Vec<Pause>>>,
    calls: Mutex<u32>,
}

impl Late {
    /// How long the next call is late.
    fn next(&self) -> Option<Pause> {
        let mut calls = self.calls.lock();
        *calls = calls.saturating_add(1);
        let mut pauses = self.pauses.lock();
        let place = pauses.iter().position(|pause| pause.step == *calls)?;
        Some(pauses.remove(place))
    }
}

#[async_trait]
impl Host for Late {
    async fn answer(&self, effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        if let Some(pause) = self.next() {
            self.clock.sleep(pause.held_for.get()).await;
        }
        self.host.answer(effect).await
    }
}
