//! Plans that people approve: asking, what they say, and what begins by it. An incident that waits
//! for them is a row of the journal, and nothing else.

use suture_core::clock::later;
use suture_core::{AlertStatus, Digest, IncidentId, Mode, RunId};
use suture_journal::plan::Basis;
use suture_journal::{
    ApprovalChange, ApprovalRecord, ApprovalStage, Approved, Change, Given, IncidentRecord, IncidentState,
    Plan, RunRecord,
};

use super::Dispatcher;
use crate::engine::{Asked, DecideError, Decided, Decision, StartError};
use crate::policy::Policy;

/// How many different plans people are asked for in a row.
const MOST_ASKED: u32 = 3;

/// What a run begins with: the approval as it stands from then on, and what people have approved; none
/// where it only plans. A plan that was made without acting is made once more as a whole before.
pub(super) fn begins(
    mut approval: Box<ApprovalRecord>,
    mode: Mode,
) -> (Option<Box<ApprovalRecord>>, Option<Approved>) {
    if !approval.is_open() || mode == Mode::Approve && approval.is_to_be_confirmed() {
        return (Some(approval), None);
    }
    let approved = approval.approved();
    approval.stage = ApprovalStage::Used;
    (Some(approval), Some(approved))
}

/// What identifies under what a plan of the incident is made today.
fn basis(policy: &Policy, incident: &IncidentRecord) -> Digest {
    let module = policy.digest().unwrap_or_default();
    let (settings, grants) = (&policy.config.settings, &*policy.config.grants);
    Basis { module, settings, grants, key: &incident.key }.digest()
}

impl Dispatcher {
    /// The approval of an incident that is about to run, as far as it holds.
    pub(super) fn approval_of(
        &self,
        incident: &IncidentRecord,
        policy: &Policy,
    ) -> Option<Box<ApprovalRecord>> {
        let mut approval = incident.approval.clone()?;
        let is_same = self.is_of_today(&approval, incident, policy);
        if approval.is_open() && (!is_same || approval.expires_at <= self.now()) {
            tracing::info!(incident = %incident.id, policy = incident.policy, is_same, "an approval holds no longer; its plan is made anew");
            approval.stage = ApprovalStage::Used;
        }
        Some(approval)
    }

    /// Whether the policy is still what the plan was made by: the same module, settings and grants.
    fn is_of_today(&self, approval: &ApprovalRecord, incident: &IncidentRecord, policy: &Policy) -> bool {
        policy.digest().is_some()
            && policy.config.asks_for_approval()
            && basis(policy, incident) == approval.basis
    }

    /// Whether anybody has still to be asked: not where the alert cleared or somebody cancelled it.
    pub(super) fn has_to_ask(&self, id: &IncidentId) -> bool {
        let Some(incident) = self.incidents.get(id) else { return false };
        let cleared = !incident.by_hand && incident.alert.status == AlertStatus::Resolved;
        incident.cancelled.is_none() && !cleared
    }

    /// What a run did or would have done next was not what was approved: the plan is made anew.
    pub(super) fn plan_anew(&mut self, id: &IncidentId, summary: String) {
        self.change(id, |incident| {
            incident.state = IncidentState::Queued;
            incident.due = None;
            incident.summary = format!("its changes are not those that were approved any more: {summary}");
        });
    }

    /// A run has made its plan. Where that is the one that was approved, it may act now; else people
    /// are asked.
    pub(super) fn ask_approval(&mut self, id: &IncidentId, run: &RunId, plan: &Plan) {
        let now = self.now();
        let Some(incident) = self.incidents.get(id) else { return };
        let before = incident.approval.clone();
        if let Some(approval) = before.as_ref().filter(|approval| approval.stage == ApprovalStage::Approved)
            && approval.digest == plan.digest
        {
            return self.change(id, |incident| {
                incident.state = IncidentState::Queued;
                if let Some(approval) = &mut incident.approval {
                    approval.stage = ApprovalStage::Confirmed;
                }
            });
        }
        let Some(policy) = self.policy(&incident.policy) else {
            let why = format!("policy `{}` is no longer in the configuration", incident.policy);
            return self.escalate(id, why);
        };
        let changes = ApprovalChange::all(plan);
        let differs = before
            .as_ref()
            .map_or_else(Vec::new, |before| ApprovalChange::differences(&before.changes, &changes));
        let asked = match &before {
            Some(before) if before.digest == plan.digest => before.asked,
            Some(before) => before.asked + 1,
            None => 1,
        };
        if asked > MOST_ASKED {
            self.change(id, |incident| incident.approval = None);
            let why = format!(
                "its plan was another one each of the {MOST_ASKED} times that people were asked, so nobody can approve it: {}",
                differs.join("; ")
            );
            return self.escalate(id, why);
        }
        let config = &policy.config.approval;
        let expires_at = later(now, config.expires.get());
        let approval = ApprovalRecord {
            run: run.clone(),
            digest: plan.digest,
            basis: basis(&policy, incident),
            changes,
            asked_at: now,
            expires_at,
            needed: config.by,
            asked,
            differs,
            given: Vec::new(),
            stage: ApprovalStage::Asked,
        };
        let again = if approval.differs.is_empty() {
            String::new()
        } else {
            format!(" It is another plan than before: {}.", approval.differs.join("; "))
        };
        let summary = format!("waits for approval: {}.{again}", plan.summary().unwrap_or_default());
        tracing::info!(incident = %id, %run, policy = incident.policy, digest = %plan.digest, "{summary}");
        self.shared.metrics.approval(&policy.config.name, "asked");
        self.change(id, |incident| {
            incident.state = IncidentState::AwaitingApproval;
            incident.due = Some(expires_at);
            incident.approval = Some(Box::new(approval));
            incident.summary = summary;
        });
        self.page_approval(id);
    }

    /// Somebody approves or rejects a plan.
    pub(super) async fn decide(
        &mut self,
        id: &IncidentId,
        run: &RunId,
        decision: Decision,
    ) -> Result<Decided, DecideError> {
        let fetched = self.fetch(id).await;
        fetched.map_err(|error| StartError::Unavailable(error.to_string()))?;
        let now = self.now();
        let incident = self.incidents.get(id).ok_or(DecideError::Over)?;
        let waits = incident.approval.clone().filter(|_| incident.state == IncidentState::AwaitingApproval);
        let Some(mut approval) = waits else { return Err(DecideError::NotAsked(incident.state)) };
        if approval.run != *run {
            return Err(DecideError::AnotherRun(approval.run));
        }
        if approval.digest != decision.digest {
            return Err(DecideError::Stale(approval.digest));
        }
        if approval.expires_at <= now {
            return Err(DecideError::Expired(approval.expires_at));
        }
        if incident.started_by.as_deref() == Some(&decision.who)
            || incident.retried_by.contains(&decision.who)
        {
            return Err(DecideError::Own);
        }
        if approval.given.iter().any(|given| given.who == decision.who) {
            return Err(DecideError::Twice);
        }
        let name = incident.policy.clone();
        let is_of_today =
            self.policy(&name).is_some_and(|policy| self.is_of_today(&approval, incident, &policy));
        if !is_of_today {
            self.plan_anew(id, "the policy, its settings or its grants were changed".to_owned());
            self.save().await;
            return Err(DecideError::Changed);
        }
        // More may be asked for by now than when people were asked.
        let today = self.policy(&name).map_or(1, |policy| policy.config.approval.by);
        approval.needed = approval.needed.max(today);
        let Decision { who, message, asked, .. } = decision;
        let rest = match asked {
            Asked::Reject => {
                let said = if message.is_empty() { String::new() } else { format!(": {message}") };
                self.shared.metrics.approval(&name, "rejected");
                let why = format!("rejected by {who}{said}");
                self.mark_unapproved(run, &why).await;
                self.leave_alone(id, why);
                return Ok(Decided {
                    incident: id.clone(),
                    given: 0,
                    needed: approval.needed,
                    rejected: true,
                });
            }
            Asked::Approve { rest } => rest,
        };
        tracing::info!(incident = %id, %run, policy = name, who, rest, "a plan is approved");
        approval.given.push(Given { who, at: now, message, rest });
        let given = u32::try_from(approval.given.len()).unwrap_or(u32::MAX);
        let needed = approval.needed;
        let is_enough = given >= needed;
        if is_enough {
            approval.stage = ApprovalStage::Approved;
            self.shared.metrics.approval(&name, "approved");
        }
        self.change(id, |incident| {
            incident.approval = Some(approval);
            if is_enough {
                incident.state = IncidentState::Queued;
                incident.due = None;
                incident.summary = "its plan is approved".to_owned();
            }
        });
        Ok(Decided { incident: id.clone(), given, needed, rejected: false })
    }

    /// Nobody has approved a plan in time: a person is told, once.
    pub(super) async fn approval_expired(&mut self, id: &IncidentId) {
        let Some(incident) = self.incidents.get(id) else { return };
        let (policy, summary) = (incident.policy.clone(), incident.summary.clone());
        let Some(approval) = incident.approval.clone() else { return };
        let took = approval.asked_at.duration_until(approval.expires_at).as_secs().max(0).unsigned_abs();
        let took = suture_core::HumanDuration::from_secs(took);
        let why = format!(
            "unapproved: {} of {} people approved its plan within {took}. {summary}",
            approval.given.len(),
            approval.needed
        );
        self.shared.metrics.approval(&policy, "expired");
        self.mark_unapproved(&approval.run, &why).await;
        self.escalate(id, why);
        self.change(id, |incident| incident.approval = None);
    }

    /// The run that asked ends so.
    async fn mark_unapproved(&mut self, run: &RunId, why: &str) {
        match self.shared.journal.run(run).await {
            Ok(Some(record)) => {
                let (outcome, summary) = (Some("unapproved".to_owned()), Some(why.to_owned()));
                self.unsaved.push(Change::Run(RunRecord { outcome, summary, ..record }));
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%run, %error, "a run can't be read, and not be said to be unapproved")
            }
        }
    }
}
