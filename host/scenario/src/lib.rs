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
//! - `given.faults: [{verb, kind, name, skip, times, reason, message}]`: effects that fail,
//!   after the first `skip` of them;
//! - `given.later: [{after: 5m, do: […]}]`: what happens by itself at a time, as reactions
//!   write it; or `[{step: 7, do: […]}]`, just before the run's step 7;
//! - `given.locks: [{name, for: 3m}]`: locks that another run holds;
//! - `given.pauses: [{step: 9, for: 20ms}]`: time that passes before a step of the first run,
//!   where effects take none otherwise;
//! - `given.run: {id, incident, attempt}`: what the first run is called;
//! - `then.summary` and `then.timeline: […]`: a text (or `/regular expression/`) that
//!   the outcome's sentence must have, and texts that the timeline must show in order;
//! - `then.doubts: […]`: what is in doubt when all is over (an undo that failed), a text or
//!   `/regular expression/` each, and nothing else; `[]` for nothing;
//! - in the `where` of `effects` and `never`: `now`, when the change was made (RFC 3339),
//!   and `object(apiVersion, kind, namespace, name)`, an object as it was just before. What
//!   a policy must not do yet, or while something runs, it may do later or once that ended.
//!
//! Every firing alert of another key is a run of its own, and all of them must end as
//! `then.outcome` says. An alert that the manifest does not match starts nothing and
//! counts as `unnecessary`; one whose key labels are missing or no names, as `failed`.

pub mod error;
pub mod expect;
pub mod export;
pub mod format;
pub mod report;
pub mod runner;
#[cfg(test)]
mod testing;
pub mod timeline;
pub mod torture;
pub mod update;
pub mod yaml;

pub use error::ScenarioError;
pub use export::{Export, ExportError, Masked, Recording, export};
pub use format::Scenario;
pub use report::{Report, Verdict};
pub use runner::run;
pub use timeline::{Look, Timeline};
pub use update::{Observed, UpdateError, update};
