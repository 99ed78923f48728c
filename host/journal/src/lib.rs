//! What runs did and what is still to be done: the inbox, incidents, runs, and the
//! entries of each run.
//!
//! [`Entry`] is the record of one effect. [`Recorder`] is the outermost layer of a
//! run: it answers the policy's calls, writes an intent before anything is performed
//! and a reply after, and runs the undos that are left at the end. [`Journal`] keeps
//! it all in one SQLite file.

pub mod approval;
pub mod audit;
pub mod call;
pub mod cancel;
pub mod change;
pub mod entry;
mod error;
pub mod ledger;
pub mod listed;
pub mod log;
pub mod observer;
pub mod page;
pub mod pause;
pub mod plan;
pub mod playback;
pub mod record;
pub mod recorder;
mod script;
pub mod since;
pub mod store;
mod undo;
pub mod wording;

pub use approval::{ApprovalChange, ApprovalRecord, ApprovalStage, Approved, Given};
pub use audit::{
    Act, ActOutcome, AuditFilter, AuditHead, AuditRow, BrokenChain, Credential, Extent, Verified, Verifier,
};
pub use call::{Call, Calls};
pub use cancel::Cancel;
pub use change::Change;
pub use entry::{Answer, Body, Entry};
pub use error::JournalError;
pub use ledger::Ledger;
pub use listed::{ListedIncident, ListedRun, Subject};
pub use log::{Durability, MemoryLog, RunLog};
pub use observer::Observer;
pub use page::{Filter, Page};
pub use pause::PauseRecord;
pub use plan::Plan;
pub use playback::{Playback, Recorded, play_back};
pub use record::{InboxRecord, IncidentRecord, IncidentState, RunHeader, RunRecord, RunState};
pub use recorder::Recorder;
pub use since::Since;
pub use store::{Journal, Line, NameError, Part, Pruned, Room, Slice, Sought, Survey};
