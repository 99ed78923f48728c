//! One life of a host: a runtime of its own, so that killing it leaves nothing of it behind.

mod policy;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use suture_core::clock::later;
use suture_core::{Clock, Envelope, VirtualClock};
use suture_engine::{
    Budgets, Engine, EngineConfig, KnownReceivers, Metrics, Receiver, Reconciler, Refusal, Telling,
};
use suture_journal::{Journal, JournalError};
use tokio::runtime::{Builder, Runtime};

use crate::configuration::Read;
use crate::reach::Reach;
use policy::{Kept, policies};

/// How long a host may take for what it does at once, in virtual time.
const AT_ONCE: Duration = Duration::from_secs(120);
/// `webhook.reconcileEvery`.
const RECONCILE_EVERY: Duration = Duration::from_secs(300);

/// What outlives a host: its folder, and who posts to it, which is kept there.
pub struct Disk {
    folder: tempfile::TempDir,
    receivers: Arc<Mutex<BTreeSet<Receiver>>>,
}

/// What a host starts with.
pub struct Start<'a> {
    /// What it reaches.
    pub reach: &'a Reach,
    /// How many new incidents at once are a storm.
    pub storm: usize,
    /// The version of the policy's module.
    pub version: u32,
    /// The configuration.
    pub configuration: Read,
}

/// A host at work.
pub struct Host {
    // Before the runtime: the last handle of the journal closes it.
    engine: Engine,
    reconciler: Reconciler,
    runtime: Runtime,
    clock: VirtualClock,
    reach: Reach,
    receivers: Arc<Mutex<BTreeSet<Receiver>>>,
    version: u32,
    /// The configuration that is in force.
    in_force: Read,
}

impl Disk {
    /// An empty one, in memory where that can be: what is tried here is no disk.
    pub fn new() -> Self {
        let in_memory = Path::new("/dev/shm");
        let made = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
        #[expect(clippy::unwrap_used, reason = "a test without a folder can't be")]
        Self { folder: made.unwrap(), receivers: Arc::default() }
    }
}

impl Host {
    /// Start one.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn start(disk: &Disk, clock: &VirtualClock, start: Start<'_>) -> Result<Self, JournalError> {
        let Start { reach, storm, version, configuration } = start;
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .map_err(|error| JournalError::OfRun(error.to_string()))?;
        let time: Arc<dyn Clock> = Arc::new(clock.clone());
        let config = EngineConfig {
            policies: policies(reach, version, &configuration, clock.now()),
            kept: Some(Arc::new(Kept)),
            journal: Journal::open(disk.folder.path(), time.clone())?,
            cluster: Arc::new(reach.clone()),
            clock: time.clone(),
            pager: Arc::new(reach.clone()),
            silences: Some(Arc::new(reach.clone())),
            metrics: Metrics::new("simulation"),
            budgets: Budgets { storm, ..Budgets::default() },
            max_pending: 1000,
            max_pending_bytes: u64::MAX,
            retention: Duration::from_secs(7 * 86_400),
            listeners: None,
            telling: Telling::default(),
            held: BTreeMap::new(),
        };
        let engine = drive(&runtime, clock, Engine::start(config))?;
        let receivers = disk.receivers.clone();
        let known = receivers.clone();
        let known: KnownReceivers = Arc::new(move || known.lock().clone());
        let reconciler = {
            let _in = runtime.enter();
            let alertmanagers = Arc::new(reach.clone());
            Reconciler::start(engine.clone(), alertmanagers, known, time, Some(RECONCILE_EVERY))
        };
        Ok(Self {
            engine,
            reconciler,
            runtime,
            clock: clock.clone(),
            reach: reach.clone(),
            receivers,
            version,
            in_force: configuration,
        })
    }

    /// Let it do all that it can do now.
    pub fn settle(&self) {
        settle(&self.runtime, &self.clock);
    }

    /// Have something done at once; time goes on where that waits for it.
    pub fn ask<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        drive(&self.runtime, &self.clock, work)
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether it has the policy, and its code.
    pub fn has_policy(&self) -> bool {
        self.engine.policy("heal").is_some_and(|policy| policy.program.is_ok())
    }

    /// Deliver a notification, as the webhook takes it.
    ///
    /// # Errors
    /// Why it is turned away.
    pub fn deliver(&self, envelope: Envelope, body: Vec<u8>) -> Result<(), Refusal> {
        let engine = self.engine.clone();
        let receiver = Receiver { name: envelope.receiver.clone(), policy: None };
        let is_truncated = envelope.truncated_alerts > 0;
        self.ask(async move { engine.accept(None, envelope, body).await })?;
        self.receivers.lock().insert(receiver);
        if is_truncated {
            self.reconciler.asker().notify_one();
        }
        Ok(())
    }

    /// Put another version of the policy to work.
    pub fn swap(&mut self, version: u32) {
        self.version = version;
        self.publish();
    }

    /// Put another configuration in force: all of it, or, where it does not fit, nothing.
    pub fn reload(&mut self, configuration: Read) {
        if configuration.fits(&*crate::heal::Heal::version(self.version)).is_ok() {
            self.in_force = configuration;
            self.publish();
        }
    }

    fn publish(&self) {
        let _in = self.runtime.enter();
        let now = self.clock.now();
        self.engine.replace(policies(&self.reach, self.version, &self.in_force, now));
    }

    /// Stop it as a rollout does.
    pub fn stop(self) {
        let engine = self.engine.clone();
        drop(self.reconciler);
        drive(&self.runtime, &self.clock, async move {
            engine.shutdown(Duration::ZERO).await;
            let _ = engine.journal().close().await;
        });
    }
}

/// Run all tasks until none can do anything more now. What threads are doing is waited for.
#[expect(clippy::disallowed_methods, reason = "it tells that nothing can run, not what time it is")]
fn settle(runtime: &Runtime, clock: &VirtualClock) {
    runtime.block_on(async {
        loop {
            // Paused time moves only where no task can run.
            tokio::time::sleep(Duration::from_millis(1)).await;
            if !clock.is_held() {
                return;
            }
            clock.released().await;
        }
    });
}

#[expect(clippy::panic, reason = "what takes that long is the fault that is looked for")]
fn drive<T: Send + 'static>(
    runtime: &Runtime,
    clock: &VirtualClock,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let task = runtime.spawn(work);
    let latest = later(clock.now(), AT_ONCE);
    loop {
        settle(runtime, clock);
        if task.is_finished() {
            return match runtime.block_on(task) {
                Ok(done) => done,
                Err(error) => panic!("{error}"),
            };
        }
        if !clock.step(latest) {
            panic!("the host does not answer within {AT_ONCE:?}");
        }
    }
}
