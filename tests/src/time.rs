//! The time of a cluster that hosts in other processes act on: it waits for their work, so what
//! a test sees does not depend on how busy the machine is.

use std::sync::Arc;
use std::time::Duration;

use suture_cluster::socket::ManualTime;
use suture_core::{Clock, Timestamp};

use crate::host::Host;
use crate::threads::at_rest;

/// By how much time moves at once, which is how exact it is for a host.
const STEP: Duration = Duration::from_secs(1);

/// Time that passes only while a host and the cluster wait for it: no question is on its way or
/// being answered, the host lives by the time that it was told, and none of its threads has
/// anything to do. It stands still where there is no host, and while one starts.
///
/// What a host waits for elsewhere does not hold time: an Alertmanager that is told, a collector
/// of traces, a module that is compiled. None of it is waited for by the cluster's time; a host
/// gives up on it by the machine's.
#[derive(Clone)]
pub struct PatientTime(ManualTime);

impl PatientTime {
    /// Time that begins.
    pub fn starting_at(now: Timestamp) -> Self {
        Self(ManualTime::starting_at(now))
    }

    /// The clock that the cluster lives by.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.0.clock()
    }

    /// What its cluster is offered with.
    pub fn manual(&self) -> &ManualTime {
        &self.0
    }

    /// Let time pass, step by step, until something holds. It is looked at between two steps, so
    /// asking the host does not keep it from coming to rest. False where it does not hold within
    /// `patience`, in real time: for what never comes, on any machine.
    #[expect(clippy::disallowed_methods, reason = "other programs live in real time")]
    pub async fn pass_until(
        &self,
        host: &Host,
        patience: Duration,
        mut holds: impl AsyncFnMut() -> bool,
    ) -> bool {
        let looks = async {
            while !holds().await {
                self.step(host).await;
            }
        };
        tokio::time::timeout(patience, looks).await.is_ok()
    }

    /// Let time pass while something else goes on.
    pub async fn pass_during<T>(&self, host: &Host, work: impl Future<Output = T>) -> T {
        let passes = async {
            loop {
                self.step(host).await;
            }
        };
        tokio::select! { done = work => done, never = passes => never }
    }

    async fn step(&self, host: &Host) {
        loop {
            let before = host.id().and_then(at_rest);
            self.0.settled().await;
            if before.is_some() && before == host.id().and_then(at_rest) {
                break;
            }
        }
        self.0.pass(STEP);
    }
}
