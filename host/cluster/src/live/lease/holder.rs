//! Keeping a Lease, and giving it back.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::future::{Either, select};
use k8s_openapi::api::coordination::v1::Lease;
use suture_core::{Clock, names};

use super::store::{LeaseStore, StoreError};
use super::tenure::{Lost, Moment, Tenure};
use super::{LeaseOptions, spec};

/// The host that holds a Lease, for as long as it renews it.
pub struct Holder {
    store: Arc<dyn LeaseStore>,
    options: LeaseOptions,
    clock: Arc<dyn Clock>,
    /// As it was last written or read.
    lease: Lease,
    tenure: Tenure,
}

/// Why a renewal did not succeed.
enum Failure {
    /// It may the next time.
    Passing(String),
    /// It is not ours any more.
    Lost(Lost),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Passing(error.to_string())
    }
}

impl Holder {
    pub(super) fn new(
        store: Arc<dyn LeaseStore>,
        options: LeaseOptions,
        clock: Arc<dyn Clock>,
        lease: Lease,
        tenure: Tenure,
    ) -> Self {
        Self { store, options, clock, lease, tenure }
    }

    /// The time in which this host may act.
    pub fn tenure(&self) -> Tenure {
        self.tenure.clone()
    }

    /// Renew the Lease until `done` has come, and then give it back. Where it is lost
    /// before, this ends at once, with the tenure.
    ///
    /// # Errors
    /// Why it was lost.
    pub async fn keep(mut self, done: impl Future<Output = ()>) -> Result<(), Lost> {
        let tenure = self.tenure.clone();
        let lost = async { select(pin!(tenure.lost()), pin!(self.renew_for_ever())).await.factor_first().0 };
        let lost = match select(pin!(done), pin!(lost)).await {
            Either::Left(_) => None,
            Either::Right((lost, _)) => Some(lost),
        };
        match lost {
            Some(lost) => Err(lost),
            None => {
                self.release().await;
                Ok(())
            }
        }
    }

    /// Renew again and again, until the Lease turns out to be somebody else's.
    async fn renew_for_ever(&mut self) -> Lost {
        let mut times = 0;
        loop {
            let pause = self.options.jittered(self.options.renewal(), times);
            times += 1;
            self.clock.sleep(pause).await;
            while let Err(failure) = self.renew().await {
                let what = match failure {
                    Failure::Lost(lost) => return self.tenure.end(lost),
                    Failure::Passing(what) => what,
                };
                tracing::warn!(lease = %self.options, error = what, "the lease could not be renewed; trying again");
                self.tenure.trouble(&what);
                self.clock.sleep(self.options.retry()).await;
            }
        }
    }

    async fn renew(&mut self) -> Result<(), Failure> {
        let clock = self.clock.clone();
        let begun = Moment::now(&*clock);
        let attempt = self.options.attempt();
        clock
            .timeout(attempt, self.write())
            .await
            .unwrap_or_else(|| Err(Failure::Passing("the API server does not answer in time".to_owned())))?;
        self.tenure.renew(begun).map_err(Failure::Lost)
    }

    async fn write(&mut self) -> Result<(), Failure> {
        let renewed = spec::renewed(self.lease.clone(), &self.options, self.clock.now());
        match self.store.write(&renewed).await {
            Ok(written) => self.lease = written,
            // A label that somebody put on it, a renewal whose answer was lost; or the end.
            Err(StoreError::Conflict | StoreError::Gone) => {
                let current = self.current().await?;
                let renewed = spec::renewed(current, &self.options, self.clock.now());
                self.lease = self.store.write(&renewed).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The Lease as it is now, where it is still ours. One that somebody deleted is ours
    /// as long as nobody else has made it anew.
    async fn current(&self) -> Result<Lease, Failure> {
        let Some(lease) = self.store.read().await? else {
            return Ok(spec::unmade(self.lease.clone(), &self.options));
        };
        let name = self.options.to_string();
        match spec::holder(&lease.spec.clone().unwrap_or_default()) {
            Some(holder) if holder == self.options.identity => Ok(lease),
            Some(holder) => Err(Failure::Lost(Lost::Taken { lease: name, holder: names::shortened(holder) })),
            None => Err(Failure::Lost(Lost::Emptied(name))),
        }
    }

    /// Give it back, so that the next candidate need not wait until it expires. What goes
    /// wrong here costs that wait and nothing else.
    async fn release(self) {
        self.tenure.end(Lost::Released(self.options.to_string()));
        let release = async {
            let lease = match self.current().await {
                Ok(lease) if lease.metadata.resource_version.is_some() => lease,
                Ok(_) | Err(Failure::Lost(_)) => return Ok(()),
                Err(Failure::Passing(what)) => return Err(what),
            };
            let released = spec::released(lease, self.clock.now());
            self.store.write(&released).await.map(drop).map_err(|error| error.to_string())
        };
        match self.clock.timeout(self.options.attempt(), release).await {
            Some(Ok(())) => tracing::info!(lease = %self.options, "the lease is given back"),
            Some(Err(error)) => {
                tracing::warn!(lease = %self.options, error, "the lease could not be given back; it expires");
            }
            None => {
                tracing::warn!(lease = %self.options, "the lease could not be given back in time; it expires")
            }
        }
    }
}
