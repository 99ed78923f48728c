//! Scenarios: a cluster, an alert, what must and must never happen.
//!
//! A scenario is a YAML file that tests a policy without any cluster.
//! [`Scenario::parse`] reads it, [`run`](runner::run) plays it on a simulated cluster
//! under a virtual clock, and the [`Report`] says what differed from what was expected.
//! The [`Timeline`] of a run is what people read, here and everywhere else.

pub mod error;
pub mod expect;
pub mod format;
pub mod report;
pub mod runner;
pub mod timeline;

pub use error::ScenarioError;
pub use format::Scenario;
pub use report::{Report, Verdict};
pub use runner::run;
pub use timeline::{Look, Timeline};
