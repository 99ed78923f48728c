//! Where a case works: a cluster, a namespace of its own, and a list of differences.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::bail;
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;
use suture_core::effect::Target;
use suture_core::handler::Discovery;
use suture_core::object::Kind;
use suture_core::{Clock, EffectHandler, Error, Grant, Reason, RunId, Step};

use crate::client::Client;

/// A cluster: it performs effects and knows its resources.
pub trait Cluster: EffectHandler + Discovery {}

impl<T: EffectHandler + Discovery + ?Sized> Cluster for T {}

/// What a kind of cluster brings to the suite.
#[async_trait]
pub trait ClusterProvider: Send + Sync {
    /// The cluster, with every right.
    fn cluster(&self) -> Arc<dyn Cluster>;

    /// The clock that it lives by.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Make a namespace that nobody else works in, ready for pods.
    async fn namespace(&self) -> anyhow::Result<String>;

    /// The same cluster, for somebody who has no other rights than these, as RBAC in one
    /// namespace.
    async fn limited(&self, namespace: &str, rights: Vec<Grant>) -> anyhow::Result<Arc<dyn Cluster>>;
}

/// The field manager of the policy under test.
pub(crate) const POLICY: &str = "suture-conformance";
/// The field manager of whoever else works on the cluster.
pub(crate) const OTHER: &str = "somebody-else";
/// How long what controllers do is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Where a case works.
pub struct Bench {
    provider: Arc<dyn ClusterProvider>,
    namespace: String,
    run: RunId,
    steps: AtomicU32,
    differences: Mutex<Vec<String>>,
}

impl Bench {
    pub(crate) async fn new(provider: Arc<dyn ClusterProvider>) -> anyhow::Result<Self> {
        let namespace = provider.namespace().await?;
        let run = RunId::new(namespace.clone());
        Ok(Self { provider, namespace, run, steps: AtomicU32::new(0), differences: Mutex::default() })
    }

    /// The case's namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Another namespace, as new.
    ///
    /// # Errors
    /// Where it can't be made.
    pub async fn another_namespace(&self) -> anyhow::Result<String> {
        self.provider.namespace().await
    }

    /// The policy, with every right.
    pub fn policy(&self) -> Client<'_> {
        self.manager(POLICY)
    }

    /// Somebody else with every right: a person, a controller.
    pub fn other(&self) -> Client<'_> {
        self.manager(OTHER)
    }

    /// Somebody with every right, who writes under a field manager.
    pub fn manager(&self, manager: &'static str) -> Client<'_> {
        Client::new(self, self.provider.cluster(), manager)
    }

    /// The policy, with no other rights than these in the case's namespace.
    ///
    /// # Errors
    /// Where such a user can't be made.
    pub async fn limited(&self, rights: Vec<Grant>) -> anyhow::Result<Client<'_>> {
        Ok(Client::new(self, self.provider.limited(&self.namespace, rights).await?, POLICY))
    }

    /// An object in the case's namespace: `v1 ConfigMap`, `notes`.
    pub fn target(&self, kind: &str, name: &str) -> Target {
        Target { namespace: Some(self.namespace.clone()), ..cluster_wide(kind, name) }
    }

    /// The next step of the case's run.
    pub(crate) fn step(&self) -> Step {
        Step { run: self.run.clone(), number: self.steps.fetch_add(1, Ordering::Relaxed) + 1 }
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.provider.clock()
    }

    /// Let time pass.
    pub async fn pause(&self, time: Duration) {
        self.clock().sleep(time).await;
    }

    /// Look again and again until something holds.
    ///
    /// # Errors
    /// What did not come about.
    pub async fn eventually(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) -> anyhow::Result<()> {
        let clock = self.clock();
        let end = clock.after(PATIENCE);
        while !holds().await {
            if clock.now() > end {
                bail!("not within {} s: {what}", PATIENCE.as_secs());
            }
            clock.sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Note a difference.
    pub fn differs(&self, difference: String) {
        self.differences.lock().push(difference);
    }

    /// Two values must be the same.
    pub fn same<T: PartialEq + Debug>(&self, what: &str, actual: T, expected: T) {
        if actual != expected {
            self.differs(format!("{what}: {actual:?} instead of {expected:?}"));
        }
    }

    /// The value at a place of an object must be this one; null also stands for none.
    pub fn at(&self, object: &Value, pointer: &str, expected: &Value) {
        let actual = object.pointer(pointer).unwrap_or(&Value::Null);
        if actual != expected {
            self.differs(format!("{pointer}: {actual} instead of {expected}"));
        }
    }

    /// An effect must have been refused for a reason.
    pub fn refused<T: Debug>(&self, what: &str, result: Result<T, Error>, reason: &Reason) {
        match result {
            Err(error) if error.reason == *reason => {}
            Err(error) => self.differs(format!("{what}: {error} instead of {reason}")),
            Ok(reply) => {
                let shown: String = format!("{reply:?}").chars().take(300).collect();
                self.differs(format!("{what}: done ({shown}) instead of {reason}"));
            }
        }
    }

    /// An effect must have been done.
    pub fn done<T>(&self, what: &str, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.differs(format!("{what}: {error} instead of being done"))).ok()
    }

    pub(crate) fn differences(&self) -> Vec<String> {
        self.differences.lock().clone()
    }
}

/// An object without a namespace.
pub(crate) fn cluster_wide(kind: &str, name: &str) -> Target {
    Target { kind: kind_of(kind), namespace: None, name: name.to_owned(), uid: None, subresource: None }
}

/// `batch/v1 Job`, as cases write kinds.
pub(crate) fn kind_of(text: &str) -> Kind {
    let (api_version, kind) = text.split_once(' ').unwrap_or((text, ""));
    Kind::new(api_version, kind)
}
