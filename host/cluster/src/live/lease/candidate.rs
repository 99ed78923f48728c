//! Waiting for a Lease, and taking it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::LeaseSpec;
use kube::Client;
use suture_core::{Clock, names};

use super::store::{ApiStore, LeaseStore, StoreError};
use super::tenure::{Moment, Tenure};
use super::{Holder, LeaseOptions, spec};

/// Why a candidate does not hold the Lease yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Another host holds it.
    HeldBy {
        /// The Lease.
        lease: String,
        /// The identity of the host that holds it.
        holder: String,
        /// When that host last renewed it, by its own clock; none where that makes no
        /// sense by ours.
        renewed_ago: Option<Duration>,
    },
    /// It can't be read or written.
    Unavailable {
        /// The Lease.
        lease: String,
        /// Why.
        why: String,
    },
}

impl Standing {
    /// Whether this says something else than the last one, beside how the time passes.
    pub fn is_news_after(&self, last: &Self) -> bool {
        match (self, last) {
            (Self::HeldBy { holder: now, .. }, Self::HeldBy { holder: before, .. }) => now != before,
            _ => self != last,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeldBy { lease, holder, renewed_ago } => {
                write!(f, "the lease {lease} is held by {holder}")?;
                match renewed_ago {
                    Some(ago) => write!(f, " (renewed {} s ago)", ago.as_secs()),
                    None => Ok(()),
                }
            }
            Self::Unavailable { lease, why } => write!(f, "the lease {lease} can't be had: {why}"),
        }
    }
}

/// A host that would hold a Lease.
pub struct Candidate {
    store: Arc<dyn LeaseStore>,
    options: LeaseOptions,
    clock: Arc<dyn Clock>,
    seen: Option<Seen>,
}

/// What the Lease said when it was last looked at, and since when, by our own clock.
struct Seen {
    spec: LeaseSpec,
    since: Duration,
}

/// How a look at the Lease went.
enum Look {
    Took(Box<Holder>),
    Wait(Standing),
    /// Somebody was faster: look again.
    Again,
}

impl Candidate {
    /// A candidate for a Lease on an API server. Its requests should not have to wait for
    /// those of the host's work.
    pub fn new(client: Client, options: LeaseOptions, clock: Arc<dyn Clock>) -> Self {
        Self::with_store(Arc::new(ApiStore::new(client, &options)), options, clock)
    }

    pub(super) fn with_store(
        store: Arc<dyn LeaseStore>,
        options: LeaseOptions,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, options, clock, seen: None }
    }

    /// Wait until the Lease is ours. `tell` hears how it stands each time it was looked
    /// at. May be given up at any time: a Lease that was taken just then, and that nobody
    /// keeps, expires.
    pub async fn acquire(mut self, mut tell: impl FnMut(Standing)) -> Holder {
        let clock = self.clock.clone();
        let mut times = 0;
        loop {
            let look = clock.timeout(self.options.attempt(), self.look()).await;
            let unavailable =
                |why| Look::Wait(Standing::Unavailable { lease: self.options.to_string(), why });
            let look = match look {
                Some(Ok(look)) => look,
                Some(Err(error)) => unavailable(error.to_string()),
                None => unavailable("the API server does not answer in time".to_owned()),
            };
            match look {
                Look::Took(holder) => return *holder,
                Look::Wait(standing) => tell(standing),
                Look::Again => {}
            }
            clock.sleep(self.options.jittered(self.options.retry(), times)).await;
            times += 1;
        }
    }

    async fn look(&mut self) -> Result<Look, StoreError> {
        let found = self.store.read().await?;
        if let Some(lease) = &found {
            self.note(lease.spec.clone().unwrap_or_default());
        }
        // One that is not there any more may still be acted on by who held it.
        if let Some(standing) = self.held() {
            return Ok(Look::Wait(standing));
        }
        let begun = Moment::now(&*self.clock);
        let lease = spec::taken(found, &self.options, self.clock.now());
        match self.store.write(&lease).await {
            Ok(lease) => {
                let tenure = Tenure::new(&self.options, self.clock.clone(), begun);
                let (store, options) = (self.store.clone(), self.options.clone());
                Ok(Look::Took(Box::new(Holder::new(store, options, self.clock.clone(), lease, tenure))))
            }
            Err(StoreError::Conflict | StoreError::Gone) => Ok(Look::Again),
            Err(error) => Err(error),
        }
    }

    fn note(&mut self, spec: LeaseSpec) {
        if self.seen.as_ref().is_none_or(|seen| seen.spec != spec) {
            self.seen = Some(Seen { spec, since: self.clock.monotonic() });
        }
    }

    /// How it stands, where somebody else still holds it.
    fn held(&self) -> Option<Standing> {
        let Seen { spec, since } = self.seen.as_ref()?;
        let holder = spec::holder(spec).filter(|holder| *holder != self.options.identity)?;
        let silent = self.clock.monotonic().saturating_sub(*since);
        (silent < spec::silence(spec, &self.options)).then(|| Standing::HeldBy {
            lease: self.options.to_string(),
            holder: names::shortened(holder),
            renewed_ago: spec::renewed_ago(spec, self.clock.now()),
        })
    }
}
