//! What happens, as it happens: for a live timeline.

use suture_core::RunId;
use suture_journal::{Entry, IncidentRecord, RunRecord};
use tokio::sync::broadcast;

/// Something happened.
#[derive(Clone, Debug)]
pub enum Progress {
    /// An incident is new, or stands elsewhere than before.
    Incident(Box<IncidentRecord>),
    /// A run began.
    Began(Box<RunRecord>),
    /// A run did something.
    Entry(RunId, Box<Entry>),
    /// A run ended, undos included.
    Ended(Box<RunRecord>),
}

/// Where progress is told; nobody has to listen.
pub type Listeners = broadcast::Sender<Progress>;
