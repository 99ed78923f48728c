//! Seeing a run through whose policy is not asked again.

use std::sync::Arc;

use suture_core::{Ending, Grant, Halt, Incident, Limits, Mode, Permission, RunId};
use suture_journal::{Approved, Entry, JournalError, Ledger, Recorder};

use super::planning::Planning;
use super::{Changes, Finished, Session, layers};
use crate::confirm::Confirm;

/// What a run needs that was cut off by the end of its host.
pub struct Unfinished {
    /// The run's id.
    pub run: RunId,
    /// The policy's name in this host.
    pub policy: String,
    /// The digest of its module.
    pub module: String,
    /// What the manifest of its module requested under its settings.
    pub requested: Vec<Permission>,
    /// What it worked on.
    pub incident: Incident,
    /// Whether mutations were performed.
    pub mode: Mode,
    /// What people have approved of it.
    pub approved: Option<Approved>,
    /// What it could use.
    pub limits: Limits,
    /// What the operator allows.
    pub grants: Arc<[Grant]>,
    /// What it had done.
    pub entries: Vec<Entry>,
}

/// See a run through that was cut off and can't go on: what is in doubt is looked up, what
/// was not kept is taken back. It ends as its policy ended it, where it came so far.
///
/// # Errors
/// When the journal can't be written.
pub async fn recover(unfinished: Unfinished, mut session: Session) -> Result<Finished, JournalError> {
    let Unfinished { run, policy, module, requested, incident, mode, approved, limits, grants, entries } =
        unfinished;
    // What was approved is taken back as what was enforced; all that it planned is forgotten.
    let changes = match Changes::of(mode, &grants, approved, &run, &entries) {
        Changes::Planned => Changes::Planned,
        Changes::Performed | Changes::Gated { .. } => Changes::Performed,
    };
    // The changes that are taken back were confirmed when they were made, silenced or not by now.
    session.silences = None;
    let incident = Arc::new(incident);
    let planning = changes.are_planned().then(|| Planning {
        run: run.clone(),
        module,
        incident: incident.clone(),
        grants: grants.clone(),
    });
    let layers = layers(&policy, requested, grants, Confirm::None, &incident, changes, &session);
    let recorder = Recorder::recovering(
        run,
        &entries,
        layers.handler,
        session.log.clone(),
        session.clock.clone(),
        limits,
        session.observer.clone(),
    );
    let ending = Ledger::of(&entries).ending().cloned().unwrap_or(Ending::Halted(Halt::Shutdown));
    super::finish(&recorder, ending, &*session.log, planning).await
}
