//! The whole engine in a simulated day, under virtual time: router, dispatcher, journal, pager and
//! reconciliation are the real ones; Prometheus, Alertmanagers, the API server and people are played.
//!
//! A [`Plan`] is drawn from a seed and says all that happens in a day. [`play`] plays it, and a judge
//! looks on: what was accepted is concluded, tried again, or escalated; nothing is done twice; what is
//! silenced or inhibited is not touched; each escalation stands in every Alertmanager; nothing is stuck; in the end
//! nothing is left. [`shrink`] finds out which of the day's events it takes for a fault.
//!
//! A run's order of events is the same each time, but for what the journal's threads do at once: a
//! fault that a seed shows once may take some more days of that seed to show again.

mod configuration;
mod day;
mod heal;
mod host;
mod judge;
mod plan;
mod reach;
mod shrink;

pub use configuration::Configuration;
pub use day::{Day, play};
pub use judge::Fault;
pub use plan::{Cause, Event, Happening, Plan, Setup};
pub use shrink::shrink;
