//! Scenarios: a cluster, an alert, what must and must never happen.
//!
//! A scenario is a YAML file that tests a policy without any cluster.
//! [`Scenario::parse`] reads it, [`run`](runner::run) plays it on a simulated cluster
//! under a virtual clock, and the [`Report`] says what differed from what was expected.
//! The [`Timeline`] of a run is what people read, here and everywhere else.
//!
//! Beyond what FORMATS pins, a scenario may say, all of it optional:
//!
//! - `given.alerts: [{labels, annotations, state: firing|pending, activeAt}]`: what
//!   Prometheus lists, instead of the alerts of `when`;
//! - `given.limits`: what a run may use, as in suture.yaml;
//! - `given.limit: 7d`: how much virtual time may pass;
//! - `given.faults: [{verb, kind, name, times, reason, message}]`: effects that fail;
//! - `then.summary` and `then.timeline: […]`: a text (or `/regular expression/`) that
//!   the outcome's sentence must have, and texts that the timeline must show in order.
//!
//! Every firing alert of another key is a run of its own, and all of them must end as
//! `then.outcome` says. An alert that the manifest does not match starts nothing and
//! counts as `unnecessary`; one whose key labels are missing or no names, as `failed`.

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
