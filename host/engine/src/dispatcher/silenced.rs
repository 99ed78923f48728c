//! Incidents whose alerts are silenced. A silence may come after the notification: Alertmanager is
//! asked before a run starts, once for all that are about to, and where it can't be, none does.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use suture_core::clock::later;
use suture_core::{IncidentId, Timestamp};
use suture_journal::{IncidentRecord, IncidentState};

use super::{Command, Dispatcher};
use crate::silences::{SilenceQuery, Suppression};

/// For how long an alert that is not silenced counts as such: its run may have to wait for its turn.
const HOLDS: Duration = Duration::from_secs(30);
/// How long after an Alertmanager could not be asked it is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// How often it is asked whether a silence is over, at the most and at the least.
const PAUSE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(300));
/// How long Alertmanager does not have an alert until it has cleared: after its own restart it has
/// none before Prometheus posts them again, every minute or so.
const CLEARED_AFTER: Duration = Duration::from_secs(300);
/// The most that are asked about at once; the others are later.
const AT_ONCE: usize = 4096;

/// What is known of silences.
#[derive(Default)]
pub(super) struct SilenceChecks {
    /// Until when each incident counts as one that nobody silenced.
    clear_until: HashMap<IncidentId, Timestamp>,
    /// Those to ask about.
    pending: BTreeMap<IncidentId, SilenceQuery>,
    /// Those whose silence is over, and that Alertmanager does not have: since when, and when it
    /// was asked last.
    unlisted: HashMap<IncidentId, (Timestamp, Timestamp)>,
    in_flight: bool,
    /// Why it could not be asked the last time, and when it is tried again.
    unavailable: Option<(String, Timestamp)>,
}

impl SilenceChecks {
    /// When it is asked again, where it could not be.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.unavailable.as_ref().filter(|_| !self.in_flight).map(|(_, at)| *at)
    }

    fn ask_about(&mut self, incident: &IncidentRecord) {
        if self.pending.len() < AT_ONCE {
            self.pending.insert(incident.id.clone(), SilenceQuery::of_record(incident));
        }
    }

    /// Alertmanager does not have the alert of an incident: whether that is so for long enough.
    fn has_cleared(&mut self, id: &IncidentId, now: Timestamp) -> bool {
        let (since, last) = self.unlisted.entry(id.clone()).or_insert((now, now));
        *last = now;
        later(*since, CLEARED_AFTER) <= now
    }

    /// Why it can't be asked.
    pub fn unavailable(&self) -> Option<&str> {
        self.unavailable.as_ref().map(|(why, _)| why.as_str())
    }
}

impl Dispatcher {
    /// Whether nobody silenced the alert of an incident, as far as is known. Where it is not, it
    /// is asked.
    pub(super) fn is_clear_of_silences(&mut self, incident: &IncidentRecord, now: Timestamp) -> bool {
        let is_clear = self.silence_checks.clear_until.get(&incident.id).is_some_and(|until| *until > now);
        if self.shared.silences.is_none() || incident.forced || is_clear {
            return true;
        }
        self.silence_checks.ask_about(incident);
        false
    }

    /// It is time to ask whether a silence is over.
    pub(super) fn silence_may_be_over(&mut self, id: &IncidentId, now: Timestamp) {
        let Some(incident) = self.incidents.get(id) else { return };
        if self.shared.silences.is_none() {
            return self.put(
                id,
                IncidentState::Queued,
                None,
                "nobody is asked for silences any more".to_owned(),
            );
        }
        self.silence_checks.ask_about(incident);
        let since = incident.since.unwrap_or(incident.opened_at);
        let waited: Duration = since.duration_until(now).try_into().unwrap_or_default();
        let due = later(now, (waited / 4).clamp(PAUSE.0, PAUSE.1));
        self.change(id, |incident| incident.due = Some(due));
    }

    /// Leave an incident alone until its silence is over.
    pub(super) fn silence(&mut self, id: &IncidentId, why: String) {
        let Some(incident) = self.incidents.get(id) else { return };
        tracing::info!(incident = %id, policy = incident.policy, "left alone: {why}");
        let due = later(self.now(), PAUSE.0);
        self.put(id, IncidentState::Silenced, Some(due), why);
    }

    /// Ask, where there is anything to ask about.
    pub(super) fn ask_of_silences(&mut self, now: Timestamp) {
        let Some(silences) = self.shared.silences.clone() else { return };
        let must_wait = self.silence_checks.next_change().is_some_and(|at| at > now);
        if self.silence_checks.in_flight || must_wait {
            return;
        }
        let (ids, queries): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.silence_checks.pending).into_iter().unzip();
        if ids.is_empty() {
            self.silence_checks.unavailable = None;
            return;
        }
        self.silence_checks.in_flight = true;
        let commands = self.shared.commands.clone();
        tokio::spawn(async move {
            let answers = silences.suppressions(&queries).await;
            let _ = commands.send(Command::Silences { answers: ids.into_iter().zip(answers).collect() });
        });
    }

    /// Alertmanager answered, or could not be asked.
    pub(super) async fn silences_answered(
        &mut self,
        answers: Vec<(IncidentId, Result<Suppression, String>)>,
    ) {
        let now = self.now();
        let checks = &mut self.silence_checks;
        checks.in_flight = false;
        let was_available = checks.unavailable.is_none();
        let error = answers.iter().find_map(|(_, answer)| answer.as_ref().err());
        if let Some(error) = error.filter(|_| was_available) {
            tracing::warn!(
                error,
                "Alertmanager can't say what is silenced; no run starts of which it does not"
            );
        }
        checks.unavailable = error.map(|error| (error.clone(), later(now, AGAIN)));
        checks.clear_until.retain(|_, until| *until > now);
        checks.unlisted.retain(|_, (_, asked)| later(*asked, PAUSE.1 * 2) > now);
        for (id, answer) in answers {
            let Ok(suppression) = answer else { continue };
            if let Err(error) = self.fetch(&id).await {
                // It is asked again when it is due.
                tracing::error!(incident = %id, %error, "an incident can't be read");
                continue;
            }
            self.suppression_known(&id, suppression, now);
        }
    }

    fn suppression_known(&mut self, id: &IncidentId, suppression: Suppression, now: Timestamp) {
        let Some((state, policy)) = self.incidents.get(id).map(|one| (one.state, one.policy.clone())) else {
            return;
        };
        if suppression != Suppression::Unlisted {
            self.silence_checks.unlisted.remove(id);
        }
        let is_confirmed = || self.policy(&policy).is_some_and(|policy| policy.config.confirm.is_required());
        match (state, suppression) {
            (IncidentState::Queued, Suppression::By(why)) => self.silence(id, why),
            (IncidentState::Queued, Suppression::None | Suppression::Unlisted) => {
                self.silence_checks.clear_until.insert(id.clone(), later(now, HOLDS));
            }
            // Prometheus is not asked, so Alertmanager is believed: it posts nothing of an alert
            // that clears while it is silenced.
            (IncidentState::Silenced, Suppression::Unlisted) if !is_confirmed() => {
                if self.silence_checks.has_cleared(id, now) {
                    self.said_resolved(id);
                }
            }
            (IncidentState::Silenced, Suppression::None | Suppression::Unlisted) => {
                self.silence_checks.clear_until.insert(id.clone(), later(now, HOLDS));
                let why = "its alert is not silenced any more".to_owned();
                self.put(id, IncidentState::Queued, None, why);
            }
            // As it was.
            (IncidentState::Silenced, Suppression::By(_)) => {}
            // Something else has happened to it meanwhile.
            (
                IncidentState::Received
                | IncidentState::Held
                | IncidentState::Running
                | IncidentState::Waiting
                | IncidentState::AwaitingApproval
                | IncidentState::Verifying
                | IncidentState::Resolved
                | IncidentState::Unnecessary
                | IncidentState::Planned
                | IncidentState::Retrying
                | IncidentState::Escalated
                | IncidentState::Failed
                | IncidentState::Cancelled
                | IncidentState::Unconfirmed,
                _,
            ) => {}
        }
    }
}
