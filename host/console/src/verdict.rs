//! How an incident stands, in a sentence.

use suture_core::Timestamp;
use suture_core::age::since;
use suture_engine::ShownIncident;
use suture_journal::{IncidentRecord, IncidentState, ListedIncident};

/// What there is to say first.
pub fn of(shown: &ShownIncident, now: Timestamp) -> String {
    let ShownIncident { listed: ListedIncident { incident, outcome, .. }, waiting_for } = shown;
    if let Some(closed) = incident.closed_at {
        return over(incident, outcome.as_deref(), closed);
    }
    let waits = || waiting_for.as_ref().map(|waiting| format!(": {}", waiting.message)).unwrap_or_default();
    let lasts = || incident.since.map(|at| format!(" for {}", since(at, now))).unwrap_or_default();
    match incident.state {
        IncidentState::Received => "Prometheus has yet to say that the alert fires.".to_owned(),
        IncidentState::Queued => format!("It waits for its turn{}.", waits()),
        IncidentState::Held => format!("It is held back{}.", waits()),
        IncidentState::Running => format!("A run is at work{}.", lasts()),
        IncidentState::Waiting => {
            format!("A run is at work, and waits for something in the cluster{}.", lasts())
        }
        IncidentState::AwaitingApproval => match incident.due {
            Some(due) => format!("Its plan waits for people to approve it, for {} more.", since(now, due)),
            None => "Its plan waits for people to approve it.".to_owned(),
        },
        IncidentState::Verifying => "The repair is made; the alert has yet to clear.".to_owned(),
        IncidentState::Resolved => "The alert has cleared.".to_owned(),
        IncidentState::Unnecessary => "There was nothing to repair; the alert still fires.".to_owned(),
        IncidentState::Planned => {
            "A plan is made, and nothing was changed: the policy only observes.".to_owned()
        }
        IncidentState::Retrying => format!("Another attempt comes{}.", due(incident, now)),
        IncidentState::Silenced => "Its alert is silenced: it is left alone until that is over.".to_owned(),
        IncidentState::Escalated => match incident.since {
            Some(at) => format!("A person must look; it has waited for {}.", since(at, now)),
            None => "A person must look.".to_owned(),
        },
        IncidentState::Failed => "It can't be handled: a person must look.".to_owned(),
        IncidentState::Cancelled => {
            "Somebody cancelled it: it is left alone until its alert has cleared.".to_owned()
        }
        IncidentState::Unconfirmed => {
            "Prometheus never said that the alert fires: nothing was done.".to_owned()
        }
    }
}

/// The words for one that is over. That it escalated before is what there is to learn from it.
fn over(incident: &IncidentRecord, outcome: Option<&str>, closed: Timestamp) -> String {
    let after = since(incident.opened_at, closed);
    match (incident.state, outcome) {
        (IncidentState::Resolved, Some("remediated")) => {
            format!("Repaired: the alert cleared after {after}.")
        }
        (IncidentState::Resolved, _) => format!("The alert cleared after {after}."),
        (IncidentState::Escalated, _) => format!("Handed to a person; over after {after}."),
        (IncidentState::Unnecessary, _) => format!("There was nothing to repair; over after {after}."),
        (IncidentState::Planned, _) => format!("Only planned, nothing was changed; over after {after}."),
        (IncidentState::Cancelled, _) => format!("Cancelled; over after {after}."),
        (IncidentState::Unconfirmed, _) => {
            "Prometheus never said that the alert fires: nothing was done.".to_owned()
        }
        (
            IncidentState::Received
            | IncidentState::Queued
            | IncidentState::Held
            | IncidentState::Running
            | IncidentState::Waiting
            | IncidentState::AwaitingApproval
            | IncidentState::Verifying
            | IncidentState::Retrying
            | IncidentState::Silenced
            | IncidentState::Failed,
            _,
        ) => format!("Over after {after}."),
    }
}

fn due(incident: &IncidentRecord, now: Timestamp) -> String {
    match incident.due {
        Some(due) if due > now => format!(" in {}", since(now, due)),
        Some(_) | None => " soon".to_owned(),
    }
}
