//! What runs did and what is still to be done: the inbox, incidents, runs, and the
//! entries of each run.
//!
//! [`Entry`] is the record of one effect. [`Recorder`](recorder::Recorder) is the
//! outermost layer of a run: it answers the policy's calls, and writes an intent
//! before anything is performed and a reply after.

pub mod entry;
pub mod log;
pub mod record;
pub mod recorder;

pub use entry::{Answer, Body, Entry};
pub use log::{Durability, JournalError, MemoryLog, RunLog};
pub use record::{IncidentRecord, IncidentState, RunHeader, RunRecord, RunState};
pub use recorder::Recorder;
