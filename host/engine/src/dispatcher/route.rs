//! From the inbox to incidents.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use suture_core::alert::Read;
use suture_core::clock::later;
use suture_core::{Alert, AlertStatus, Envelope, IncidentId, Labels, Timestamp, names};
use suture_journal::{Change, InboxRecord, IncidentRecord, IncidentState, Sought};

use super::{Dispatcher, is_our_own};
use crate::engine::ByHand;
use crate::key::key;
use crate::policy::Policy;
use crate::unmatched::Why;

/// Notifications routed in one transaction.
const BATCH: usize = 256;
/// And how many bytes they have; one that has more is routed alone.
const BATCH_BYTES: usize = 4 << 20;
/// Alerts of one notification that are written at a time.
const PART: usize = 1000;

/// An alert on its way to a policy that wants it.
struct Aimed {
    alert: Arc<Alert>,
    policy: Arc<Policy>,
    key: Labels,
}

/// How far Prometheus' clock may be before this host's: what it says to begin later than that has not
/// begun, and would make every later firing one that is known.
const AHEAD: Duration = Duration::from_secs(5 * 60);

/// When an alert began to fire, by what is posted.
pub(super) fn began(starts_at: Timestamp, now: Timestamp) -> Timestamp {
    starts_at.min(later(now, AHEAD))
}

/// The incidents that are to be known before an alert of this incident is judged.
pub(super) fn sought(incident: &IncidentRecord) -> Sought {
    let IncidentRecord { policy, key, fingerprint, .. } = incident;
    Sought { policy: policy.clone(), key: key.clone(), fingerprint: fingerprint.clone() }
}

impl Dispatcher {
    /// Route what waits in the inbox, batch by batch. The last of it is saved by whoever goes on,
    /// with the runs that begin by it.
    pub(super) async fn route(&mut self) {
        loop {
            let away = self.away();
            let waiting = self.shared.journal.inbox_len().saturating_sub(self.kept.count(&away));
            if waiting == 0 || self.unconfirmed.is_full() {
                return;
            }
            // Only here do they leave.
            let known = self.shared.fresh.ids();
            let batch = match self.shared.journal.inbox_part(BATCH, BATCH_BYTES, away, known).await {
                Ok(batch) => batch,
                Err(error) => return self.try_later("the inbox can't be read", &error),
            };
            let mut routed = Vec::with_capacity(batch.len());
            let mut aimed = Vec::new();
            for (id, record) in batch {
                let aiming = self.aim_notification(id, record, &mut aimed).await;
                self.tell_of_unmatched();
                match aiming {
                    Ok(true) => {}
                    // It stays in the inbox, and what was routed of it is known when it is routed again.
                    Ok(false) => return,
                    // It was read when it was accepted; only damage can bring this about.
                    Err(error) => {
                        tracing::error!(%error, id, "a stored notification can't be read; it is dropped")
                    }
                }
                routed.push(id);
            }
            if routed.is_empty() || !self.route_all(&mut aimed).await {
                return;
            }
            let is_last = waiting <= routed.len();
            self.unsaved.push(Change::Routed(routed));
            if is_last || !self.save().await {
                return;
            }
        }
    }

    /// Find the policies that want the alerts of a notification. One that has very many is routed
    /// and written a part at a time: they are never all in memory. False where that can't be done.
    async fn aim_notification(
        &mut self,
        id: i64,
        record: Option<InboxRecord>,
        aimed: &mut Vec<Aimed>,
    ) -> Result<bool, serde_json::Error> {
        let Some(record) = record else {
            let Some((policy, alerts)) = self.shared.fresh.take(id) else {
                // Whoever posted it did not wait for the answer. It is read from the inbox.
                self.again_at = Some(self.now());
                return Ok(false);
            };
            alerts.into_iter().for_each(|alert| self.aim(policy.as_deref(), false, alert, aimed));
            return Ok(aimed.len() < PART || (self.route_all(aimed).await && self.save().await));
        };
        let InboxRecord { policy, waits, .. } = &record;
        let mut done = 0;
        loop {
            let (mut part, mut place, mut refused) = (Vec::new(), 0, Vec::new());
            let envelope = Envelope::parse(&record.body, |alert| {
                if place >= done && part.len() < PART {
                    part.push(alert);
                }
                place += 1;
            })?;
            done += part.len();
            part.into_iter().for_each(|alert| match alert {
                Read::Whole(alert) => self.aim(policy.as_deref(), *waits, alert, aimed),
                Read::Oversized { alertname } => refused.push(alertname),
            });
            self.refuse(&refused);
            if aimed.len() >= PART && !(self.route_all(aimed).await && self.save().await) {
                return Ok(false);
            }
            if done >= envelope.alerts {
                return Ok(true);
            }
        }
    }

    /// Alerts of which not all could be read, by their names.
    fn refuse(&self, alertnames: &[String]) {
        let Some(first) = alertnames.first() else { return };
        let (alertname, count) = (names::shortened(first), alertnames.len());
        tracing::warn!(
            alertname,
            count,
            "alerts can't be handled: they have too many labels, or too long ones"
        );
        // Whose they are, their labels would say.
        alertnames.iter().for_each(|_| self.shared.metrics.alert("", "invalid"));
    }

    /// Find the policies that want an alert, which was posted to the path of one, perhaps, or has waited
    /// for one.
    fn aim(&mut self, by_name: Option<&str>, waits: bool, alert: Arc<Alert>, aimed: &mut Vec<Aimed>) {
        if let Some(policy) = by_name.filter(|_| waits) {
            self.unkeep(policy, &alert);
        }
        let is_own = is_our_own(&alert.labels);
        let policies = self.shared.table.all();
        // What waited for a policy may have been handled by another one meanwhile.
        let is_others = waits && policies.iter().any(|policy| policy.may_want(&alert.labels, false));
        let mut is_anybodys = is_own || is_others || alert.status == AlertStatus::Resolved;
        for policy in &*policies {
            let is_addressed = by_name.is_none_or(|name| name == policy.config.name);
            if !is_addressed || !policy.may_want(&alert.labels, by_name.is_some()) {
                continue;
            }
            is_anybodys = true;
            let key = match is_own {
                true => Err("own"),
                false if policy.program.is_err() => {
                    self.keep(policy, &alert);
                    continue;
                }
                false => self.key_for(policy, &alert),
            };
            match key {
                Ok(key) => aimed.push(Aimed { alert: alert.clone(), policy: policy.clone(), key }),
                Err(result) => self.shared.metrics.alert(&policy.config.name, result),
            }
        }
        if !is_anybodys {
            let name = |alert: &Alert| alert.labels.get("alertname").cloned();
            match &mut self.unmatched {
                Some((last, count)) if name(last) == name(&alert) => {
                    *last = alert;
                    *count += 1;
                }
                Some(_) | None => {
                    self.tell_of_unmatched();
                    self.unmatched = Some((alert, 1));
                }
            }
        }
    }

    /// Tell of the alerts that no policy wants: most of a notification have one name.
    fn tell_of_unmatched(&mut self) {
        if let Some((alert, count)) = self.unmatched.take() {
            self.shared.unmatched.note(&alert, count, &Why::NoPolicy, self.now(), &self.shared.metrics);
        }
    }

    /// The key of an alert that a policy wants. Otherwise what became of it, as the metric says it.
    fn key_for(&self, policy: &Policy, alert: &Alert) -> Result<Labels, &'static str> {
        let name = &policy.config.name;
        let Ok(program) = &policy.program else { return Err("ignored") };
        if let Err(reason) = policy.trusts(alert) {
            let fingerprint = alert.fingerprint();
            tracing::warn!(policy = name, fingerprint, reason, "an alert is not trusted");
            return Err("untrusted");
        }
        key(program.manifest(), &alert.labels).map_err(|what| {
            if alert.status == AlertStatus::Firing {
                let why = Why::InvalidKey { policy: name, what: &what };
                self.shared.unmatched.note(alert, 1, &why, self.now(), &self.shared.metrics);
            }
            "invalid"
        })
    }

    /// Route alerts, once what is known of them is in memory. False where it can't be read.
    async fn route_all(&mut self, aimed: &mut Vec<Aimed>) -> bool {
        let sought: BTreeSet<Sought> = aimed.iter().map(Aimed::sought).collect();
        if let Err(error) = self.fetch_of(sought.into_iter().collect()).await {
            self.try_later("incidents can't be read; alerts wait in the inbox", &error);
            return false;
        }
        for Aimed { alert, policy, key } in aimed.drain(..) {
            let result = self.route_to(&policy, key, &alert);
            self.shared.metrics.alert(&policy.config.name, result);
        }
        true
    }

    /// What became of an alert, as the metric says it.
    fn route_to(&mut self, policy: &Policy, key: Labels, alert: &Arc<Alert>) -> &'static str {
        let of_key = (policy.config.name.clone(), key);
        let same_key = self.incidents.of_key(&of_key);
        let (_, key) = of_key;
        // Two can have one fingerprint, if somebody wants them to; the labels are what is confirmed.
        let is_known = |known: &IncidentRecord| known.alert.labels == alert.labels;
        // Of one that rests and one that has yet to be confirmed, the newer.
        let mut known =
            same_key.iter().rev().filter(|id| self.incidents.get(id).is_some_and(is_known)).cloned();
        match alert.status {
            AlertStatus::Resolved if policy.config.confirm.is_required() => {
                let known: Vec<IncidentId> = known.collect();
                known.iter().for_each(|id| self.said_resolved(id));
                if known.is_empty() { "ignored" } else { "resolved" }
            }
            AlertStatus::Resolved => match known.next() {
                Some(id) => self.alert_resolved(&id, alert),
                None => "ignored",
            },
            AlertStatus::Firing => {
                let known = known.next();
                self.alert_fires(policy, key, alert, known, &same_key)
            }
        }
    }

    fn alert_fires(
        &mut self,
        policy: &Policy,
        key: Labels,
        alert: &Arc<Alert>,
        known: Option<IncidentId>,
        same_key: &[IncidentId],
    ) -> &'static str {
        let now = self.now();
        if let Some(id) = &known {
            let fires_anew = self.incidents.get(id).is_some_and(|known| known.starts_at < alert.starts_at);
            if !fires_anew || self.is_active(id) {
                // The same again; or it cleared and fired again while it was handled.
                if self.incidents.get(id).is_some_and(|known| known.alert != *alert) {
                    self.change(id, |incident| {
                        incident.starts_at = incident.starts_at.max(began(alert.starts_at, now));
                        incident.alert = alert.clone();
                    });
                }
                return "duplicate";
            }
            // It cleared without our being told, and fires anew. Where Prometheus has to say so,
            // that comes first.
            if !policy.config.confirm.is_required() {
                self.change(id, |incident| incident.closed_at = Some(now));
            }
        }
        let is_left_alone = |id: &IncidentId| known.as_ref() != Some(id) && self.is_cancelled(id);
        if same_key.iter().any(|id| self.is_at_work(id) || is_left_alone(id)) {
            // Another alert of the same key is being handled, or somebody wants it to be left
            // alone; this one comes again.
            return "duplicate";
        }
        let state = match policy.config.confirm.is_required() {
            true => IncidentState::Received,
            false => IncidentState::Queued,
        };
        self.open_incident(policy, key, alert.clone(), state, None);
        "opened"
    }

    fn alert_resolved(&mut self, id: &IncidentId, alert: &Arc<Alert>) -> &'static str {
        let Some(incident) = self.incidents.get(id) else { return "ignored" };
        if alert.starts_at < incident.starts_at {
            // News of an earlier firing.
            return "ignored";
        }
        match incident.state {
            // A run is never interrupted: it finds the alert gone when it is done.
            IncidentState::Running | IncidentState::Waiting => {
                let alert = alert.clone();
                self.change(id, |incident| incident.alert = alert);
            }
            IncidentState::Received
            | IncidentState::Queued
            | IncidentState::Held
            | IncidentState::Retrying
            | IncidentState::AwaitingApproval
            | IncidentState::Silenced => {
                self.change(id, |incident| {
                    incident.summary = "the alert cleared before a run was needed".to_owned()
                });
                self.resolve(id);
            }
            _ => self.resolve(id),
        }
        "resolved"
    }

    fn is_active(&self, id: &IncidentId) -> bool {
        self.incidents.get(id).is_some_and(|incident| incident.state.is_active())
    }

    /// Whether an incident is being handled; not where it has yet to be confirmed, so that what
    /// anybody posts stands in the way of nothing, nor where its alert is silenced and another of
    /// the same key may not be.
    pub(super) fn is_at_work(&self, id: &IncidentId) -> bool {
        let state = self.incidents.get(id).map(|incident| incident.state);
        let waits = matches!(state, Some(IncidentState::Received | IncidentState::Silenced));
        self.is_active(id) && !waits
    }

    /// Whether somebody wants what an incident is about to be left alone.
    fn is_cancelled(&self, id: &IncidentId) -> bool {
        self.incidents.get(id).is_some_and(|incident| incident.state == IncidentState::Cancelled)
    }

    pub(super) fn open_incident(
        &mut self,
        policy: &Policy,
        key: Labels,
        alert: Arc<Alert>,
        state: IncidentState,
        by: Option<ByHand>,
    ) -> IncidentId {
        let id = IncidentId::new(self.id());
        let now = self.now();
        if state == IncidentState::Received {
            tracing::debug!(incident = %id, policy = policy.config.name, ?key, "an alert is to be confirmed");
        } else {
            tracing::info!(incident = %id, policy = policy.config.name, ?key, "an incident is opened");
            self.policies.entry(policy.config.name.clone()).or_default().opened.add(now);
        }
        self.open(IncidentRecord {
            id: id.clone(),
            policy: policy.config.name.clone(),
            key,
            fingerprint: alert.fingerprint(),
            starts_at: alert.starts_at,
            state,
            since: Some(now),
            held_in: None,
            opened_at: now,
            closed_at: None,
            runs: Vec::new(),
            alert,
            attempts: 0,
            due: None,
            summary: String::new(),
            by_hand: by.is_some(),
            forced: by.as_ref().is_some_and(|by| by.is_forced),
            started_by: by.map(|by| by.who),
            said_resolved: false,
            cancelled: None,
            approval: None,
            retried_by: Vec::new(),
            paged: false,
            evidence: String::new(),
        });
        id
    }
}

impl Aimed {
    fn sought(&self) -> Sought {
        let policy = self.policy.config.name.clone();
        Sought { policy, key: self.key.clone(), fingerprint: self.alert.fingerprint() }
    }
}
