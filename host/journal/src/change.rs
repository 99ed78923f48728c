//! What is written into a journal.

use suture_core::{IncidentId, RunId, Timestamp};

use crate::audit::Act;
use crate::entry::Entry;
use crate::pause::PauseRecord;
use crate::record::{InboxRecord, IncidentRecord, RunHeader, RunRecord};

/// One change of a journal. Those that are committed together take place together.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A notification came in; under an id that was [reserved](crate::Journal::reserve), or the next.
    Accept(Option<i64>, InboxRecord),
    /// Notifications, by their ids, became incidents (or nothing): they leave the inbox.
    Routed(Vec<i64>),
    /// An incident is new, or stands elsewhere now.
    Incident(IncidentRecord),
    /// An incident that came to nothing leaves the journal. It has had no run.
    Forget(IncidentId),
    /// A run stands elsewhere now.
    Run(RunRecord),
    /// A run begins. Comes before its first entry.
    Begin(RunRecord, RunHeader),
    /// A run did something.
    Entry(RunId, Entry),
    /// Somebody paused the host, or a policy.
    Pause(PauseRecord),
    /// A policy, or (none) the host, is paused no longer.
    Resume(Option<String>),
    /// What came before counts for no storm: of a policy, or (none) of all.
    StormOver(Option<String>, Timestamp),
    /// Somebody is about to do something, under a number that was [reserved](crate::Journal::reserve_act).
    /// Where the host ends before it is [over](Self::Acted), the next one adds it to the audit trail.
    ActBegun(i64, Timestamp, Act),
    /// What came of it, as a row of the audit trail; or (none) it was no act.
    Acted(Option<i64>, Timestamp, Option<Act>),
}
