//! The calls that a policy makes, one method an import of the contract.
//!
//! A component calls its host. Compiled natively, as in unit tests, the same code calls
//! whatever [`with`] puts in its place; the crate `suture-mock` puts a simulated cluster
//! there. Policies themselves never need this module.

pub use crate::wit::kube::{
    ApplyOp, CreateOp, DeleteOp, Error, Kind, Mutated, Mutation, Op, Page, PatchOp, PatchType, Predicate,
    Propagation, Query, Target, Test, Waited,
};
pub use crate::wit::log::Level;
pub use crate::wit::prometheus::{ActiveAlert, Sample, Series};
pub use crate::wit::types;

/// Answers a policy's calls. What each means stands in `wit/*.wit`.
pub trait Host {
    /// `kube.get`
    fn get(&self, target: &Target) -> Result<String, Error>;
    /// `kube.list`
    fn list(&self, query: &Query) -> Result<Page, Error>;
    /// `kube.mutate`
    fn mutate(&self, mutation: &Mutation, undo: Option<&Mutation>) -> Result<Mutated, Error>;
    /// `kube.settle`
    fn settle(&self, step: &str, run_undo: bool) -> Result<(), Error>;
    /// `kube.wait`
    fn wait(&self, target: &Target, until: &Predicate, timeout_ms: u64) -> Result<Waited, Error>;
    /// `kube.logs`
    fn logs(&self, pod: &Target, container: &str, tail_lines: u32, limit_bytes: u32)
    -> Result<String, Error>;
    /// `kube.exclusive`
    fn exclusive(&self, name: &str, timeout_ms: u64) -> Result<(), Error>;
    /// `prometheus.query`
    fn query(&self, expression: &str) -> Result<Vec<Sample>, Error>;
    /// `prometheus.query-range`
    fn query_range(
        &self,
        expression: &str,
        start_ms: u64,
        end_ms: u64,
        step_ms: u64,
    ) -> Result<Vec<Series>, Error>;
    /// `prometheus.alerts`
    fn alerts(&self) -> Result<Vec<ActiveAlert>, Error>;
    /// `clock.now`
    fn now(&self) -> u64;
    /// `clock.sleep`
    fn sleep(&self, duration_ms: u64);
    /// `log.log`
    fn log(&self, level: Level, message: &str);
    /// `log.step`
    fn step(&self, title: &str);
}

#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod pipe;

pub use place::call;
#[cfg(not(target_arch = "wasm32"))]
pub use place::with;

/// In a component: the imports.
#[cfg(target_arch = "wasm32")]
#[path = "host/component.rs"]
mod place;

/// Natively: what the current thread was given.
#[cfg(not(target_arch = "wasm32"))]
#[path = "host/native.rs"]
mod place;
