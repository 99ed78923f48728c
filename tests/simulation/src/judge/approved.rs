//! What must hold where people approve.

use std::time::Duration;

use suture_core::clock::later;
use suture_core::{Digest, Mode, Timestamp};
use suture_journal::plan::Basis;
use suture_journal::{Filter, IncidentRecord, Plan, RunRecord};
use suture_simulator::alertmanager::SimulatedAlertmanager;

use crate::host::Host;

/// That people are asked, in every Alertmanager, to approve what has waited for a while.
pub(super) fn people_are_asked(
    now: Timestamp,
    incident: &IncidentRecord,
    alertmanagers: &[SimulatedAlertmanager],
    within: Duration,
) -> Result<(), String> {
    if incident.since.is_none_or(|since| later(since, within) > now) {
        return Ok(());
    }
    let asks = |of: &SimulatedAlertmanager| {
        of.holding(now).any(|labels| {
            labels.get("incident").map(String::as_str) == Some(incident.id.as_str())
                && labels.get("alertname").map(String::as_str) == Some("SutureApprovalNeeded")
        })
    };
    match alertmanagers.iter().all(asks) {
        true => Ok(()),
        false => Err(format!("nobody is asked to approve it: {incident:?}")),
    }
}

/// That no run has changed anything that was not approved, in the order in which it was.
pub(super) fn nothing_else_was_done(host: &Host) -> Result<(), String> {
    let engine = host.engine().clone();
    host.ask(async move {
        let filter = Filter { limit: Some(Filter::MAX_LIMIT), ..Filter::default() };
        let runs = engine.journal().runs(filter).await.map_err(|error| error.to_string())?;
        for record in runs.items.into_iter().filter(|run| run.mode == Mode::Approve) {
            let header = engine.journal().header(&record.id).await.map_err(|error| error.to_string())?;
            let entries = engine.journal().entries(&record.id).await.map_err(|error| error.to_string())?;
            let Some(header) = header else { return Err(format!("it has no header: {record:?}")) };
            let plan = Plan::of(&record.id, &Basis::of(&record, &header), &entries);
            let approved = header.approved.unwrap_or_else(|| nothing(&record));
            let own = plan.changes.iter().filter(|change| change.undo_of.is_none() && change.performed);
            let done: Vec<Digest> = own.map(|change| change.digest).collect();
            let is_covered =
                approved.changes.starts_with(&done) || approved.rest && done.starts_with(&approved.changes);
            if !is_covered {
                return Err(format!("it has changed what nobody approved: {record:?} {:?}", plan.changes));
            }
        }
        Ok(())
    })
}

fn nothing(record: &RunRecord) -> suture_journal::Approved {
    suture_journal::Approved { run: record.id.clone(), changes: Vec::new(), rest: false, by: Vec::new() }
}
