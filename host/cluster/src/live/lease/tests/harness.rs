//! A Lease in memory, and hosts whose clocks and networks are their own.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use parking_lot::Mutex;
use suture_core::clock::{Driven, Sleep, later};
use suture_core::{Clock, Timestamp, VirtualClock};

use crate::live::lease::store::{LeaseStore, StoreError};
use crate::live::lease::{Candidate, Holder, LeaseOptions, Standing};

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The Lease, with its version.
#[derive(Clone, Default)]
pub struct Object(Arc<Mutex<(Option<Lease>, u64)>>);

impl Object {
    pub fn get(&self) -> Option<Lease> {
        self.0.lock().0.clone()
    }

    pub fn spec(&self) -> LeaseSpec {
        self.get().and_then(|lease| lease.spec).unwrap_or_default()
    }

    pub fn holder(&self) -> String {
        self.spec().holder_identity.unwrap_or_default()
    }

    pub fn delete(&self) {
        self.0.lock().0 = None;
    }

    /// What `kubectl edit` does.
    pub fn edit(&self, edit: impl FnOnce(&mut Lease)) {
        let mut lease = self.get().unwrap_or_default();
        edit(&mut lease);
        self.put(&lease);
    }

    fn put(&self, lease: &Lease) -> Lease {
        let mut state = self.0.lock();
        state.1 += 1;
        let mut lease = lease.clone();
        lease.metadata.resource_version = Some(state.1.to_string());
        state.0 = Some(lease.clone());
        lease
    }

    fn write(&self, lease: &Lease) -> Result<Lease, StoreError> {
        let current = self.get();
        match (&lease.metadata.resource_version, current) {
            (None, None) => {}
            (Some(asked), Some(current)) if Some(asked) == current.metadata.resource_version.as_ref() => {}
            (Some(_), None) => return Err(StoreError::Gone),
            _ => return Err(StoreError::Conflict),
        }
        Ok(self.put(lease))
    }
}

/// How a host's requests fare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    #[default]
    Up,
    /// Nothing arrives, and nothing says so.
    Cut,
    /// Requests arrive, answers do not.
    Deaf,
    /// The API server refuses.
    Refused,
    /// Somebody else writes between each of this host's reads and writes.
    Raced,
}

/// What a host sees of the Lease.
#[derive(Clone)]
pub struct Link {
    object: Object,
    network: Arc<Mutex<Network>>,
}

impl Link {
    async fn through<T>(&self, answer: impl FnOnce(&Object) -> T) -> Result<T, StoreError> {
        let network = *self.network.lock();
        match network {
            Network::Up | Network::Raced => Ok(answer(&self.object)),
            Network::Cut => std::future::pending().await,
            Network::Deaf => {
                answer(&self.object);
                std::future::pending().await
            }
            Network::Refused => Err(StoreError::Failed("no".to_owned())),
        }
    }
}

#[async_trait]
impl LeaseStore for Link {
    async fn read(&self) -> Result<Option<Lease>, StoreError> {
        let found = self.through(Object::get).await;
        if *self.network.lock() == Network::Raced {
            self.object.edit(|lease| {
                let labels = lease.metadata.labels.get_or_insert_default();
                labels.insert("seen".to_owned(), format!("{}", labels.len()));
            });
        }
        found
    }

    async fn write(&self, lease: &Lease) -> Result<Lease, StoreError> {
        self.through(|object| object.write(lease)).await?
    }
}

/// A clock that somebody sets, over the time that passes for all.
pub struct Skewed {
    pub inner: VirtualClock,
    pub ahead: Mutex<Duration>,
    pub behind: Mutex<Duration>,
    /// How long the machine stood still, its monotonic clock with it.
    pub stood: Mutex<Duration>,
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        later(self.inner.now(), *self.ahead.lock()).saturating_sub(*self.behind.lock()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.inner.monotonic() - *self.stood.lock()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let wait = Duration::try_from(self.now().duration_until(at)).unwrap_or_default();
        self.inner.sleep_until(later(self.inner.now(), wait))
    }
}

/// A host.
#[derive(Clone)]
pub struct Host {
    name: &'static str,
    link: Link,
    pub clock: Arc<Skewed>,
    pub told: Arc<Mutex<Vec<Standing>>>,
}

impl Host {
    pub fn options(&self) -> LeaseOptions {
        LeaseOptions {
            namespace: "home".to_owned(),
            name: "suture".to_owned(),
            identity: self.name.to_owned(),
            duration: seconds(15),
        }
    }

    pub fn network(&self, network: Network) {
        *self.link.network.lock() = network;
    }

    pub fn acquire(&self) -> impl Future<Output = Holder> + Send + use<> {
        let candidate =
            Candidate::with_store(Arc::new(self.link.clone()), self.options(), self.clock.clone());
        let told = self.told.clone();
        candidate.acquire(move |standing| told.lock().push(standing))
    }
}

/// The API server, and the time that passes for all.
pub struct LeaseHarness {
    pub object: Object,
    pub clock: VirtualClock,
}

impl LeaseHarness {
    pub fn new() -> Self {
        let now: Timestamp = "2026-11-22T04:10:00Z".parse().unwrap();
        let clock = VirtualClock::new(now, later(now, seconds(86_400)));
        Self { object: Object::default(), clock }
    }

    pub fn host(&self, name: &'static str) -> Host {
        let clock = Skewed {
            inner: self.clock.clone(),
            ahead: Mutex::default(),
            behind: Mutex::default(),
            stood: Mutex::default(),
        };
        let link = Link { object: self.object.clone(), network: Arc::default() };
        Host { name, link, clock: Arc::new(clock), told: Arc::default() }
    }

    pub async fn pass(&self, duration: Duration) {
        let clock: &dyn Clock = &self.clock;
        clock.sleep(duration).await;
    }

    pub fn elapsed_since(&self, began: Timestamp) -> Duration {
        began.duration_until(self.clock.now()).try_into().unwrap()
    }

    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        match pollster::block_on(self.clock.drive(work)) {
            Driven::Done(output) => output,
            Driven::Stalled => panic!("everybody waits for ever"),
            Driven::OutOfTime => panic!("it takes more than a day"),
        }
    }
}
