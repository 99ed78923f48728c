//! From an alert to a finished repair.
//!
//! One run is [`run::execute`]: it puts the layers of an effect together (journal,
//! guard, mode, host, cluster) and sees the run through to its last undo. The
//! [`Engine`] is what lasts: it routes alerts to policies, holds incidents, starts
//! one run a key, retries, verifies that alerts clear, and tells people.

pub mod announce;
pub mod backtest;
mod budget;
mod cleared;
pub mod cluster;
pub mod confirm;
mod dispatcher;
pub mod engine;
mod gate;
pub mod guard;
mod hold;
pub mod key;
mod local;
pub mod locks;
mod metered;
pub mod metrics;
mod observe;
mod obstacles;
pub mod pager;
mod pauses;
pub mod policy;
pub mod progress;
mod readable;
pub mod reconcile;
mod reminder;
pub mod run;
pub mod silences;
mod table;
mod unmatched;
pub mod waiting;

pub use announce::{Announcement, Announcer};
pub use backtest::{BackTest, BackTested, OnDifference, back_test};
pub use budget::Budgets;
pub use cluster::Cluster;
pub use confirm::{ByPrometheus, Confirm, RelabelingSource};
pub use dispatcher::is_our_own;
pub use engine::{
    ByHand, DecideError, Decided, Decision, DrainOrder, DrainStatus, Engine, EngineConfig, Left,
    OpenIncidents, PauseError, PauseOrder, Paused, Refusal,
};
pub use hold::Hold;
pub use locks::Locks;
pub use metrics::Metrics;
pub use pager::{NoPager, Page, Pager, Telling};
pub use policy::{Approval, CandidateStatus, KeptModules, Policy, PolicyConfig, PolicyStatus, Retry};
pub use progress::Progress;
pub use reconcile::{Alertmanagers, KnownReceivers, Receiver, Reconciler, Unreconciled};
pub use run::{Finished, RunSpec, Session, execute};
pub use silences::{SilenceQuery, Silences, Suppression};
pub use unmatched::UnmatchedAlert;
pub use waiting::{ShownIncident, Waiting, WaitingFor};
