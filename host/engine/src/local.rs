//! The layer next to the cluster: effects that the host itself answers, with its
//! clock and its locks.
#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use suture_core::effect::{About, Level};
use suture_core::{Clock, Effect, EffectHandler, Error, Fault, Prepared, Reason, Reply, Resolution, Step};

use crate::cluster::Cluster;
use crate::locks::{Held, Locks};
use crate::readable;

pub(crate) struct Local {
    pub cluster: Arc<dyn Cluster>,
    pub clock: Arc<dyn Clock>,
    pub locks: Arc<Locks>,
    pub policy: String,
    held: Mutex<HashMap<String, Held>>,
}

impl Local {
    pub fn new(cluster: Arc<dyn Cluster>, clock: Arc<dyn Clock>, locks: Arc<Locks>, policy: String) -> Self {
        Self { cluster, clock, locks, policy, held: Mutex::default() }
    }

    /// Have locks that were taken before.
    pub fn hold(&self, locks: Vec<(String, Held)>) {
        self.held.lock().extend(locks);
    }

    /// Let go of every lock: the run is over.
    pub fn release(&self) {
        self.held.lock().clear();
    }

    async fn exclusive(&self, name: &str, prepared: &Prepared) -> Result<Reply, Fault> {
        if self.held.lock().contains_key(name) {
            return Ok(Reply::Held);
        }
        let wait = async {
            match prepared.deadline {
                Some(deadline) => self.clock.sleep_until(deadline).await,
                None => futures::future::pending().await,
            }
        };
        let acquire = self.locks.acquire(format!("{}/{name}", self.policy));
        match futures::future::select(Box::pin(acquire), Box::pin(wait)).await {
            futures::future::Either::Left((held, _)) => {
                self.held.lock().insert(name.to_owned(), held);
                Ok(Reply::Held)
            }
            futures::future::Either::Right(_) => {
                Err(Error::new(Reason::TIMEOUT, format!("another run holds `{name}`")).into())
            }
        }
    }
}

/// Say in the log what was changed, by whom: whose run it is says the span that it is in.
fn log_change(prepared: &Prepared) {
    if prepared.dry_run || !matches!(prepared.effect, Effect::Mutate { .. }) {
        return;
    }
    let About { subject, change } = prepared.effect.about();
    let (verb, manager, step) = (prepared.effect.verb(), &prepared.manager, prepared.step.number);
    tracing::info!(verb, object = subject, change, manager, step, "changed");
}

#[async_trait]
impl EffectHandler for Local {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        let wait = match effect {
            Effect::Sleep { duration_ms } => Some(*duration_ms),
            Effect::Exclusive { timeout_ms, .. } => Some(*timeout_ms),
            Effect::Now | Effect::Log { .. } | Effect::Step { .. } => None,
            Effect::Mutate { .. } => {
                let prepared = self.cluster.prepare(step, effect).await?;
                return Ok(Prepared { manager: format!("suture-{}", self.policy), ..prepared });
            }
            Effect::Get { .. }
            | Effect::List(_)
            | Effect::Settle { .. }
            | Effect::Wait { .. }
            | Effect::Logs { .. }
            | Effect::Query { .. }
            | Effect::QueryRange { .. }
            | Effect::Alerts => return self.cluster.prepare(step, effect).await,
        };
        let deadline = wait.map(|wait| self.clock.after(Duration::from_millis(wait)));
        Ok(Prepared { deadline, ..Prepared::new(step.clone(), effect.clone()) })
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        match &prepared.effect {
            Effect::Now => Ok(Reply::Now(self.clock.now())),
            Effect::Sleep { .. } => {
                if let Some(deadline) = prepared.deadline {
                    self.clock.sleep_until(deadline).await;
                }
                Ok(Reply::Slept)
            }
            Effect::Exclusive { name, .. } => self.exclusive(name, prepared).await,
            Effect::Log { level, message } => {
                // Whose line it is says the span that the run is in.
                match level {
                    Level::Debug => tracing::debug!("{message}"),
                    Level::Info => tracing::info!("{message}"),
                    Level::Warn => tracing::warn!("{message}"),
                    Level::Error => tracing::error!("{message}"),
                }
                Ok(Reply::Noted)
            }
            Effect::Step { .. } => Ok(Reply::Noted),
            Effect::Get { .. }
            | Effect::List(_)
            | Effect::Settle { .. }
            | Effect::Wait { .. }
            | Effect::Logs { .. }
            | Effect::Query { .. }
            | Effect::QueryRange { .. }
            | Effect::Alerts => readable::reply(self.cluster.perform(prepared).await?),
            Effect::Mutate { .. } => {
                let reply = self.cluster.perform(prepared).await?;
                log_change(prepared);
                readable::reply(reply)
            }
        }
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        match self.cluster.resolve(prepared).await? {
            Resolution::Done(reply) => {
                log_change(prepared);
                Ok(Resolution::Done(readable::reply(reply)?))
            }
            other @ (Resolution::NotDone | Resolution::Unknown(_)) => Ok(other),
        }
    }
}
