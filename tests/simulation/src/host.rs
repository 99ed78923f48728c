//! One life of a host: a runtime of its own, so that killing it leaves nothing of it behind.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use suture_core::clock::later;
use suture_core::{Clock, Envelope, Limits, Matchers, Mode, Program, Timestamp, VirtualClock};
use suture_engine::{
    Budgets, ByPrometheus, Confirm, Engine, EngineConfig, KeptModules, Metrics, Policy, PolicyConfig,
    Refusal, Retry, Telling,
};
use suture_journal::{Journal, JournalError};
use tokio::runtime::{Builder, Runtime};

use crate::heal::Heal;
use crate::reach::Reach;

/// How long a host may take for what it does at once, in virtual time.
const AT_ONCE: Duration = Duration::from_secs(120);

/// A host at work.
pub struct Host {
    // Before the runtime: the last handle of the journal closes it.
    engine: Engine,
    runtime: Runtime,
    clock: VirtualClock,
}

/// Every version of the policy is kept.
struct Kept;

#[async_trait::async_trait]
impl KeptModules for Kept {
    async fn program(&self, _: &Policy, digest: &str) -> Option<Arc<dyn Program>> {
        let version = digest.strip_prefix("sha256:heal-")?.parse().ok()?;
        Some(Heal::version(version))
    }
}

impl Host {
    /// Start one on the journal in a folder.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn start(
        folder: &Path,
        clock: &VirtualClock,
        reach: &Reach,
        storm: usize,
        version: u32,
    ) -> Result<Self, JournalError> {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .map_err(|error| JournalError(error.to_string()))?;
        let time: Arc<dyn Clock> = Arc::new(clock.clone());
        let config = EngineConfig {
            policies: vec![policy(reach, version, clock.now())],
            kept: Some(Arc::new(Kept)),
            journal: Journal::open(folder, time.clone())?,
            cluster: Arc::new(reach.clone()),
            clock: time,
            pager: Arc::new(reach.clone()),
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
        Ok(Self { engine, runtime, clock: clock.clone() })
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

    /// Deliver a notification.
    ///
    /// # Errors
    /// Why it is turned away.
    pub fn deliver(&self, envelope: Envelope, body: Vec<u8>) -> Result<(), Refusal> {
        let engine = self.engine.clone();
        self.ask(async move { engine.accept(None, envelope, body).await })
    }

    /// Put another version of the policy to work.
    pub fn swap(&self, reach: &Reach, version: u32) {
        let _in = self.runtime.enter();
        self.engine.replace(vec![policy(reach, version, self.clock.now())]);
    }

    /// Stop it as a rollout does.
    pub fn stop(self) {
        let engine = self.engine.clone();
        self.ask(async move {
            engine.shutdown(Duration::ZERO).await;
            let _ = engine.journal().close().await;
        });
    }
}

fn policy(reach: &Reach, version: u32, now: Timestamp) -> Arc<Policy> {
    #[expect(clippy::unwrap_used, reason = "a constant")]
    let grants = serde_json::from_value(serde_json::json!([
        {"groups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"], "namespaces": ["*"]}
    ]))
    .unwrap();
    let relabeling = Arc::new(reach.relabeling());
    Arc::new(Policy {
        config: PolicyConfig {
            name: "heal".into(),
            mode: Mode::Enforce,
            matchers: Matchers::default(),
            instead_of_manifest: None,
            confirm: Confirm::Prometheus(ByPrometheus { relabeling, key: None }),
            trust: None,
            settings: serde_json::json!({}),
            grants,
            limits: Limits::default(),
            retry: Retry::default(),
        },
        program: Ok(Heal::version(version)),
        source: "simulation".into(),
        loaded_at: now,
        trouble: None,
        candidate: None,
    })
}

/// Run all tasks until none can do anything more now. What threads are doing is waited for.
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
