//! Incidents whose alerts are silenced. A silence may come after the notification: Alertmanager is
//! asked before a run starts, once for all that are about to, and where it can't be, none does.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use suture_core::clock::later;
use suture_core::{IncidentId, Timestamp};
use suture_journal::{IncidentRecord, IncidentState};

use super::{Command, Dispatcher};
use crate::silences::SilenceQuery;

/// For how long an alert that is not silenced counts as such: its run may have to wait for its turn.
const HOLDS: Duration = Duration::from_secs(30);
/// How long after an Alertmanager could not be asked it is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// How often it is asked whether a silence is over, at the most and at the least.
const PAUSE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(300));

/// What is known of silences.
#[derive(Default)]
pub(super) struct SilenceChecks {
    /// Until when each incident counts as one that nobody silenced.
    clear_until: HashMap<IncidentId, Timestamp>,
    /// Those to ask about.
    pending: BTreeMap<IncidentId, SilenceQuery>,
    in_flight: bool,
    /// Why it could not be asked the last time, and when it is tried again.
    unavailable: Option<(String, Timestamp)>,
}

impl SilenceChecks {
    /// When it is asked again, where it could not be.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.unavailable.as_ref().filter(|_| !self.in_flight).map(|(_, at)| *at)
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
        self.silence_checks.pending.insert(incident.id.clone(), SilenceQuery::of_record(incident));
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
        self.silence_checks.pending.insert(id.clone(), SilenceQuery::of_record(incident));
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
        if self.silence_checks.in_flight || self.silence_checks.next_change().is_some_and(|at| at > now) {
            return self.silence_checks.pending.clear();
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
            let answers = silences.silenced(&queries).await;
            let _ = commands
                .send(Command::Silences { answers: answers.map(|all| ids.into_iter().zip(all).collect()) });
        });
    }

    /// Alertmanager answered, or could not be asked.
    pub(super) async fn silences_answered(
        &mut self,
        answers: Result<Vec<(IncidentId, Option<String>)>, String>,
    ) {
        let now = self.now();
        self.silence_checks.in_flight = false;
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) => {
                if self.silence_checks.unavailable.is_none() {
                    tracing::warn!(
                        error,
                        "Alertmanager can't say what is silenced; no run starts until it can"
                    );
                }
                self.silence_checks.unavailable = Some((error, later(now, AGAIN)));
                return;
            }
        };
        self.silence_checks.unavailable = None;
        self.silence_checks.clear_until.retain(|_, until| *until > now);
        for (id, why) in answers {
            if let Err(error) = self.fetch(&id).await {
                // It is asked again when it is due.
                tracing::error!(incident = %id, %error, "an incident can't be read");
                continue;
            }
            let state = self.incidents.get(&id).map(|incident| incident.state);
            match (state, why) {
                (Some(IncidentState::Queued), Some(why)) => self.silence(&id, why),
                (Some(IncidentState::Queued), None) => {
                    self.silence_checks.clear_until.insert(id, later(now, HOLDS));
                }
                (Some(IncidentState::Silenced), None) => {
                    self.silence_checks.clear_until.insert(id.clone(), later(now, HOLDS));
                    self.put(
                        &id,
                        IncidentState::Queued,
                        None,
                        "its alert is not silenced any more".to_owned(),
                    );
                }
                // As it was; or something else has happened to it meanwhile.
                (Some(_) | None, _) => {}
            }
        }
    }
}
