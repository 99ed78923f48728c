//! The words that every part of Suture shares.
//!
//! Everything a policy does to the world is an [`Effect`]; what comes back is a
//! [`Reply`]. The layers that stand between a policy and a cluster (journal,
//! guard, mode, the cluster itself) share one small trait, [`EffectHandler`].
//! The rest of this crate is the nouns they speak of. Nothing here performs I/O;
//! the one thing that waits is the [clock](Clock).

pub mod age;
pub mod alert;
pub mod causes;
pub mod clock;
pub mod contract;
pub mod digest;
pub mod display;
pub mod duration;
pub mod effect;
pub mod error;
pub mod expression;
pub mod file;
pub mod grant;
pub mod handler;
pub mod incident;
pub mod limits;
pub mod manifest;
pub mod matcher;
pub mod mode;
pub mod names;
pub mod nesting;
pub mod object;
pub mod outcome;
pub mod patch;
pub mod pattern;
pub mod program;
pub mod promql;
pub mod rbac;
pub mod relabel;
pub mod retry;
pub mod selector;
pub mod settings;
pub mod throttle;

pub use alert::{Alert, AlertGroup, AlertStatus, Envelope, KnownAlert, Labels, Notification, fingerprint_of};
pub use causes::causes;
pub use clock::{Clock, RealClock, ScaledClock, Timestamp, VirtualClock};
pub use contract::ContractVersion;
pub use digest::Digest;
pub use duration::HumanDuration;
pub use effect::{Effect, Mutation, Reply};
pub use error::{Error, Reason};
pub use expression::Expression;
pub use grant::{Glob, Grant, Verb};
pub use handler::{EffectHandler, Fault, Halt, Prepared, Resolution, Step};
pub use incident::{Incident, IncidentId, RunId};
pub use limits::{Bytes, Limit, LimitExceeded, Limits};
pub use manifest::{Manifest, Permission};
pub use matcher::Matchers;
pub use mode::Mode;
pub use object::{Object, ObjectRef};
pub use outcome::{Ending, Outcome};
pub use program::{Host, Program};
pub use relabel::{AlertRelabeling, RelabelRule};
pub use retry::{Backoff, Jitter, Retries, Retry, Tried};
