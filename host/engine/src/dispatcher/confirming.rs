//! What was posted and Prometheus has yet to bear out: alerts that are new, and word that
//! alerts are resolved. Whoever reaches the webhook can post either, so neither counts for
//! anything before: not as part of a storm, not against the hour's budget, not among the
//! incidents. One answer of Prometheus serves all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use suture_core::clock::later;
use suture_core::{AlertStatus, IncidentId, Labels, RunId, Step, Timestamp};
use suture_journal::{Change, IncidentRecord, IncidentState};

use super::route::{self, sought};
use super::{Command, Dispatcher};
use crate::confirm::{ByPrometheus, Confirm, Listed, Standing};
use crate::metrics::Stage;

/// How long Prometheus may say otherwise than a notification before it is believed: another
/// replica, or one that was just started, is behind by that much.
const PATIENCE: Duration = Duration::from_secs(300);
/// Prometheus is asked no more often than this, however much is posted.
const BETWEEN: Duration = Duration::from_secs(2);
/// The pauses before it is asked again about the same, at the least and at the most.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));
/// Incidents that are read at a time.
const AT_ONCE: usize = 1000;
/// Incidents that closed unconfirmed and stay in the journal to be looked at.
const SHOWN: usize = 1000;

/// What Prometheus says of an alert; none where it can't be asked.
pub(crate) type Answer = Option<Standing>;

/// The alerts of one policy that Prometheus is asked about.
struct Asked {
    by: ByPrometheus,
    alerts: Vec<(IncidentId, Labels)>,
}

impl Dispatcher {
    /// Ask about more of those that are said to be resolved, as far as there is room.
    pub(super) async fn take_up_said_resolved(&mut self) {
        let now = self.now();
        while let Some(from) = self.unconfirmed.more.clone().filter(|_| self.unconfirmed.has_room()) {
            // What is not saved yet, the journal does not know.
            if !self.save().await {
                return;
            }
            let slice = match self.shared.journal.said_resolved(&from, AT_ONCE).await {
                Ok(slice) => slice,
                Err(error) => return self.try_later("what is said to be resolved can't be read", &error),
            };
            let ids: Vec<_> = slice.incidents.iter().map(|incident| incident.id.clone()).collect();
            self.incidents.take_in(slice.incidents);
            for id in ids {
                if let Some(incident) = self.incidents.get(&id) {
                    self.unconfirmed.add(incident, now);
                }
            }
            self.unconfirmed.more = slice.next;
        }
    }

    /// Ask Prometheus about whatever is not confirmed, once for all of it.
    pub(super) fn confirm(&mut self, now: Timestamp) {
        if self.unconfirmed.next_change().is_none_or(|at| at > now) {
            return;
        }
        let mut asked: HashMap<String, Asked> = HashMap::new();
        for id in self.unconfirmed.times.due(now) {
            let Some(incident) = self.incidents.get(&id) else {
                self.unconfirmed.remove(&id);
                continue;
            };
            let policy = self.policy(&incident.policy);
            match policy.map(|policy| policy.config.confirm.clone()) {
                Some(Confirm::Prometheus(by)) => {
                    let alert = (id, incident.alert.labels.clone());
                    let of_policy = asked.entry(incident.policy.clone());
                    of_policy.or_insert_with(|| Asked { by, alerts: Vec::new() }).alerts.push(alert);
                }
                // It was required when the notification came.
                Some(Confirm::None) if incident.said_resolved => self.is_resolved(&id),
                Some(Confirm::None) => self.confirmed(&id, None),
                None if incident.said_resolved => self.ask_again(&id, now),
                None => {
                    let why = format!("policy `{}` is no longer in the configuration", incident.policy);
                    self.close_unconfirmed(&id, why);
                }
            }
        }
        if asked.is_empty() {
            return;
        }
        self.unconfirmed.is_asking = true;
        let (cluster, commands) = (self.shared.cluster.clone(), self.shared.commands.clone());
        tokio::spawn(async move {
            let step = Step { run: RunId::new("confirm"), number: 0 };
            let mut answers = Vec::new();
            let mut unavailable: Option<String> = None;
            for Asked { by, alerts } in asked.into_values() {
                let listed = match &unavailable {
                    Some(_) => None,
                    None => match Listed::ask(&cluster, &by, &step).await {
                        Ok(listed) => Some(listed),
                        Err(fault) => {
                            unavailable = Some(fault.to_string());
                            None
                        }
                    },
                };
                answers.extend(alerts.into_iter().map(|(id, labels)| {
                    let answer = listed.as_ref().map(|listed| listed.standing(&labels));
                    (id, answer)
                }));
            }
            let _ = commands.send(Command::Confirmed { answers, unavailable });
        });
    }

    /// Prometheus answered, or could not be asked.
    pub(super) async fn answered(&mut self, answers: Vec<(IncidentId, Answer)>, unavailable: Option<String>) {
        let begin = answers.iter().filter(|(_, answer)| matches!(answer, Some(Standing::Firing { .. })));
        let new = begin.filter_map(|(id, _)| self.incidents.get(id));
        let sought = new.filter(|incident| incident.state == IncidentState::Received).map(sought).collect();
        if let Err(error) = self.fetch_of(sought).await {
            let ids: Vec<_> = answers.into_iter().map(|(id, _)| id).collect();
            tracing::error!(%error, "incidents can't be read; Prometheus is asked again about those that are new");
            return self.ask_all_again(&ids);
        }
        let now = self.now();
        self.unconfirmed.is_asking = false;
        self.unconfirmed.is_dropping = false;
        self.unconfirmed.not_before = Some(later(now, BETWEEN));
        let was_away = std::mem::replace(&mut self.unconfirmed.is_away, unavailable.is_some());
        if let Some(error) = unavailable.filter(|_| !was_away) {
            tracing::warn!(
                error,
                alerts = answers.len(),
                "Prometheus can't say whether alerts fire; they wait, and it is asked again"
            );
        }
        // Older ones first: of two with one key it is the first that is handled.
        for (id, answer) in answers.into_iter().collect::<BTreeMap<_, _>>() {
            self.answer(&id, answer, now);
        }
    }

    fn answer(&mut self, id: &IncidentId, answer: Answer, now: Timestamp) {
        let Some(incident) = self.incidents.get(id) else { return };
        let Some(question) = self.unconfirmed.questions.get_mut(id) else { return };
        let is_new = incident.state == IncidentState::Received;
        let fires = answer.as_ref().map(Standing::is_confirmed);
        let stage = if is_new { Stage::Before } else { Stage::After };
        self.shared.metrics.alert_checked(&incident.policy, stage, fires);
        let said_resolved = incident.said_resolved;
        match answer {
            Some(Standing::Firing { since, annotations }) if is_new => {
                return self.confirmed(id, Some((since, annotations)));
            }
            // What is pending again has cleared in between.
            Some(Standing::Pending | Standing::KeptFiring(_) | Standing::Absent(_)) if said_resolved => {
                return self.is_resolved(id);
            }
            // It fires soon, or it will not be listed.
            Some(Standing::Pending) => {
                question.contradicted = None;
                self.unconfirmed.contradicted.remove(id);
            }
            Some(standing) => {
                let since = *question.contradicted.get_or_insert(now);
                if is_new {
                    self.unconfirmed.contradicted.insert(id.clone());
                }
                if later(since, PATIENCE) <= now {
                    return match said_resolved {
                        true => self.still_fires(id),
                        false => self.never_fired(id, &standing),
                    };
                }
                // It does not wait for that any longer.
                self.line_up(id);
            }
            None => {}
        }
        self.ask_again(id, now);
    }

    fn ask_again(&mut self, id: &IncidentId, now: Timestamp) {
        let Some(question) = self.unconfirmed.questions.get(id) else { return };
        let waited = question
            .contradicted
            .map_or(Duration::ZERO, |since| since.duration_until(now).try_into().unwrap_or_default());
        self.unconfirmed.times.set(id, later(now, (waited / 4).clamp(PAUSE.0, PAUSE.1)));
    }

    fn ask_all_again(&mut self, ids: &[IncidentId]) {
        let now = self.now();
        self.unconfirmed.is_asking = false;
        self.unconfirmed.not_before = Some(later(now, BETWEEN));
        ids.iter().for_each(|id| self.ask_again(id, now));
    }

    /// The alert of a new incident fires (since then, and with these annotations, where Prometheus
    /// was asked): from now on it counts.
    fn confirmed(&mut self, id: &IncidentId, listed: Option<(Timestamp, Labels)>) {
        let (active, annotations) = listed.unzip();
        if let Some(annotations) = annotations {
            self.change(id, |incident| Arc::make_mut(&mut incident.alert).annotations = annotations);
        }
        let Some(incident) = self.incidents.get(id) else { return };
        let now = self.now();
        // What was posted may have said otherwise of it.
        let policy = self.policy(&incident.policy);
        if let Some(Err(why)) = policy.map(|policy| policy.trusts(&incident.alert)) {
            return self.close_unconfirmed(id, why);
        }
        let (policy, labels) = (incident.policy.clone(), &incident.alert.labels);
        let key = (policy.clone(), incident.key.clone());
        let same_key = self.incidents.of_key(&key);
        let same_key: Vec<&IncidentRecord> = same_key
            .iter()
            .filter(|other| *other != id)
            .filter_map(|other| self.incidents.get(other))
            .filter(|other| other.state != IncidentState::Received)
            .collect();
        // Another alert of the same key is being handled, or what fires is no news: the time at
        // which it began to is Prometheus's own, not the notification's.
        let is_known = same_key.iter().any(|other| {
            let is_same_firing = active.is_some_and(|active| active <= other.starts_at);
            let is_same_alert = other.alert.labels == *labels;
            let is_left_alone = other.state == IncidentState::Cancelled && !is_same_alert;
            let is_handled =
                other.state.is_active() && (other.state != IncidentState::Silenced || is_same_alert);
            is_handled || is_left_alone || is_same_alert && is_same_firing
        });
        let earlier: Vec<IncidentId> = same_key
            .iter()
            .filter(|other| other.alert.labels == *labels)
            .map(|other| other.id.clone())
            .collect();
        if is_known {
            self.shared.metrics.alert(&policy, "duplicate");
            return self.forget(id);
        }
        // They cleared without our being told.
        for earlier in earlier {
            self.change(&earlier, |incident| incident.closed_at = Some(now));
        }
        tracing::info!(incident = %id, policy, key = ?key.1, "an incident is confirmed");
        self.policies.entry(policy).or_default().opened.add(now);
        self.change(id, |incident| {
            incident.state = IncidentState::Queued;
            incident.starts_at = route::began(incident.starts_at, now);
        });
    }

    /// The alert of a new incident has not fired all that time.
    fn never_fired(&mut self, id: &IncidentId, standing: &Standing) {
        let minutes = PATIENCE.as_secs() / 60;
        let why = format!("it did not fire in Prometheus within {minutes} minutes: {standing}");
        let Some(incident) = self.incidents.get(id) else { return };
        tracing::info!(incident = %id, policy = incident.policy, why, "an alert is not confirmed");
        self.close_unconfirmed(id, why);
    }

    fn close_unconfirmed(&mut self, id: &IncidentId, why: String) {
        let now = self.now();
        let Some(incident) = self.incidents.get(id) else { return };
        tracing::debug!(incident = %id, policy = incident.policy, "closed unconfirmed: {why}");
        self.shared.metrics.alert(&incident.policy, "unconfirmed");
        self.change(id, |incident| {
            incident.state = IncidentState::Unconfirmed;
            incident.summary = why;
            incident.closed_at = Some(now);
        });
        self.unconfirmed.closed.push_back(id.clone());
        if self.unconfirmed.closed.len() > SHOWN
            && let Some(oldest) = self.unconfirmed.closed.pop_front()
        {
            self.unsaved.push(Change::Forget(oldest));
        }
    }

    /// Leave no trace of an incident that is not needed.
    fn forget(&mut self, id: &IncidentId) {
        let now = self.now();
        self.change(id, |incident| incident.closed_at = Some(now));
        self.incidents.forget(id);
        self.unsaved.push(Change::Forget(id.clone()));
    }

    /// Prometheus says so, too.
    fn is_resolved(&mut self, id: &IncidentId) {
        let Some(incident) = self.incidents.get(id) else { return };
        let state = incident.state;
        self.change(id, |incident| incident.said_resolved = false);
        match state {
            // A run is never interrupted: it finds the alert gone when it is done.
            IncidentState::Running | IncidentState::Waiting => {
                self.change(id, |incident| Arc::make_mut(&mut incident.alert).status = AlertStatus::Resolved);
            }
            IncidentState::Received
            | IncidentState::Queued
            | IncidentState::Held
            | IncidentState::Retrying
            | IncidentState::AwaitingApproval
            | IncidentState::Silenced => {
                self.change(id, |incident| {
                    incident.summary = "the alert cleared before a run was needed".to_owned();
                });
                self.resolve(id);
            }
            IncidentState::Verifying
            | IncidentState::Resolved
            | IncidentState::Unnecessary
            | IncidentState::Planned
            | IncidentState::Escalated
            | IncidentState::Failed
            | IncidentState::Cancelled
            | IncidentState::Unconfirmed => self.resolve(id),
        }
    }

    /// Prometheus has said for long enough that it fires: the notification is not believed.
    fn still_fires(&mut self, id: &IncidentId) {
        let Some(incident) = self.incidents.get(id) else { return };
        tracing::warn!(
            incident = %id,
            policy = incident.policy,
            "a notification said that the alert is resolved, and Prometheus says that it fires; the incident stays open"
        );
        self.shared.metrics.alert(&incident.policy, "contradicted");
        self.change(id, |incident| incident.said_resolved = false);
    }

    /// Alerts are gone in Prometheus, of which nobody was told: as good as somebody's word.
    pub(super) async fn cleared(&mut self, ids: Vec<IncidentId>) {
        for id in ids {
            if let Err(error) = self.fetch(&id).await {
                // The next look finds it gone, too.
                tracing::error!(incident = %id, %error, "an incident can't be read");
            }
            if self.incidents.get(&id).is_some_and(|incident| incident.state.rests()) {
                self.said_resolved(&id);
            }
        }
    }

    /// Somebody posted that the alert of an incident is resolved.
    pub(super) fn said_resolved(&mut self, id: &IncidentId) {
        let now = self.now();
        self.change(id, |incident| incident.said_resolved = true);
        let Some(incident) = self.incidents.get(id) else { return };
        if incident.state == IncidentState::Received || self.unconfirmed.has_room() {
            self.unconfirmed.add(incident, now);
        } else {
            self.unconfirmed.look_again(id.clone());
        }
    }

    /// Make room for what is new: unconfirmed incidents never take that of others.
    pub(super) fn drop_surplus(&mut self) {
        while let Some(id) = self.unconfirmed.surplus() {
            let why = "too much was posted that Prometheus has not confirmed, and this was the oldest";
            if !std::mem::replace(&mut self.unconfirmed.is_dropping, true) {
                tracing::warn!(incident = %id, "{why}; what fires is found again when alerts are reconciled");
            }
            self.close_unconfirmed(&id, why.to_owned());
        }
    }
}
