//! What an earlier host left: incidents, and runs that are not over.

use std::time::Duration;

use std::collections::HashSet;
use std::sync::Arc;

use suture_core::clock::later;
use suture_core::{Ending, Grant, Incident, IncidentId, Mode, Permission, Program};
use suture_journal::{
    Call, Entry, IncidentRecord, IncidentState, JournalError, Ledger, RunHeader, RunRecord, Survey,
};

use super::{AtWork, Command, Dispatcher};
use crate::confirm::Confirm;
use crate::policy::Policy;
use crate::progress::Progress;
use crate::run::{self, Finished, Past, RunSpec};

/// Incidents that are read at a time.
const AT_ONCE: usize = 1000;

/// How long a repair that was looked at when a host died is looked at again, at least.
const LAST_LOOK: Duration = Duration::from_secs(120);

impl Dispatcher {
    /// Read what an earlier host left, and go on with its unfinished runs.
    pub(super) async fn take_up(&mut self) -> Result<(), JournalError> {
        let journal = self.shared.journal.clone();
        let (surveyed, commands) = (journal.clone(), self.shared.commands.clone());
        tokio::spawn(async move {
            let survey = surveyed.survey().await;
            let _ = commands.send(Command::Surveyed(survey));
        });
        for (policy, state, count) in journal.open_counts() {
            self.shared.metrics.open_incidents(&policy, state.as_str(), count);
        }
        self.look_again();
        self.know_kept().await?;
        self.count_recent().await?;
        self.left = journal.unfinished_runs().await?;
        match self.cluster_id {
            Some(_) => self.take_up_left().await,
            None => self.wait_for_the_cluster(),
        }
        let left = self.left.iter().map(|record| record.incident.clone());
        let busy: HashSet<_> =
            self.at_work.values().map(|at_work| at_work.incident.clone()).chain(left).collect();
        let mut from = Some(IncidentId::new(""));
        while let Some(id) = from {
            let slice = journal.owed(&id, AT_ONCE).await?;
            let ids: Vec<_> = slice.incidents.iter().map(|incident| incident.id.clone()).collect();
            self.incidents.take_in(slice.incidents);
            ids.iter().for_each(|id| self.take_up_incident(id, busy.contains(id)));
            self.clear_desk();
            from = slice.next;
        }
        // Whatever waits in the inbox is routed at once.
        self.shared.arrived.notify_one();
        Ok(())
    }

    /// Go on with the runs that an earlier host left.
    async fn take_up_left(&mut self) {
        for record in std::mem::take(&mut self.left) {
            self.take_up_run(record).await;
        }
    }

    fn wait_for_the_cluster(&self) {
        tracing::warn!("the API server can't be reached: no run starts or goes on until it can");
        let (cluster, clock) = (self.shared.cluster.clone(), self.shared.clock.clone());
        let commands = self.shared.commands.clone();
        tokio::spawn(async move {
            let identity = crate::cluster::known_identity(cluster, clock).await;
            let _ = commands.send(Command::Identified(identity));
        });
    }

    /// The API server can be reached.
    pub(super) async fn identified(&mut self, cluster: String) {
        self.cluster_id = Some(cluster);
        if self.shutdown.is_none() {
            self.take_up_left().await;
        }
    }

    /// Go on with an incident that something is owed to.
    fn take_up_incident(&mut self, id: &IncidentId, is_busy: bool) {
        let Some(incident) = self.incidents.get(id) else { return };
        match incident.state {
            IncidentState::Received => self.unconfirmed.add(incident, self.shared.clock.now()),
            IncidentState::Escalated if !incident.paged => self.page(id),
            IncidentState::Verifying => {
                let now = self.now();
                self.polls.set(id, now);
                // It may have cleared while no host was there: that is asked before its time is over.
                let asked_by = later(now, LAST_LOOK);
                if incident.due.is_some_and(|due| due < asked_by) {
                    self.change(id, |incident| incident.due = Some(asked_by));
                }
            }
            IncidentState::Running | IncidentState::Waiting if !is_busy => self.without_its_run(id),
            IncidentState::Running
            | IncidentState::Waiting
            | IncidentState::Escalated
            | IncidentState::Queued
            | IncidentState::Held
            | IncidentState::Retrying
            | IncidentState::Silenced
            | IncidentState::AwaitingApproval
            | IncidentState::Resolved
            | IncidentState::Unnecessary
            | IncidentState::Planned
            | IncidentState::Failed
            | IncidentState::Cancelled
            | IncidentState::Unconfirmed => {}
        }
    }

    /// Begin anew with what the indexes of the journal tell.
    fn look_again(&mut self) {
        for (policy, state, _) in self.shared.journal.open_counts() {
            if state == IncidentState::Queued {
                self.queue.look_again(&policy);
            }
            if state == IncidentState::Held {
                self.to_let_go.insert(policy);
            }
        }
        self.next_due = Some(self.now());
        self.unconfirmed.look_again(IncidentId::new(""));
    }

    /// All of the journal was looked at.
    pub(super) fn surveyed(&mut self, survey: &Survey) {
        self.told_damage.get_or_insert(0);
        if survey.is_reindexed {
            self.look_again();
        }
    }

    /// A run and that its incident has it are written at once: of a run that is not there, the
    /// record is lost. Another run might do for the second time what that did.
    fn without_its_run(&mut self, id: &IncidentId) {
        let Some(run) = self.incidents.get(id).and_then(|incident| incident.runs.last().cloned()) else {
            return self.change(id, |incident| incident.state = IncidentState::Queued);
        };
        let why = format!(
            "the record of run {run} is damaged or gone, so what it has changed and must undo is not known; look at \
             the object, and restore the journal from a backup where there is one"
        );
        self.escalate(id, why);
    }

    pub(super) async fn take_up_run(&mut self, record: RunRecord) {
        let read = self.read_record(&record).await;
        let _damaged = self.fetch(&record.incident).await;
        if self.incidents.get(&record.incident).is_none() {
            let Ok((header, _)) = &read else {
                let what = format!("neither the record of run {} nor its incident can be read", record.id);
                return self.shared.journal.note_damage(&what);
            };
            tracing::error!(run = %record.id, incident = %record.incident, policy = record.policy, "the incident of a run is damaged or gone, and made anew from its record");
            self.open(incident_of(&record, header));
        }
        let Some(incident) = self.incidents.get(&record.incident).cloned() else { return };
        let at_work = AtWork {
            incident: incident.id.clone(),
            policy: record.policy.clone(),
            key: self.incidents.key_of(&incident),
            cancel: suture_journal::Cancel::new(),
            record: record.clone(),
            is_approved: false,
            waiting: false,
            is_seen_through: false,
        };
        let (header, entries) = match read {
            Ok(read) => read,
            Err(doubt) => return self.give_up(at_work, "it can't be taken up", doubt),
        };
        let at_work = AtWork { is_approved: header.approved.is_some(), ..at_work };
        if let Err((why, doubt)) = self.may_act_for(&header) {
            return self.give_up(at_work, why, doubt);
        }
        let policy = self.policy(&record.policy);
        if let Some(why) = self.must_end(&incident) {
            return self.finish_unfinished(at_work, header, policy, entries, &why);
        }
        match self.successor(&record, &header, policy.as_deref(), &entries).await {
            Ok(program) => self.resume(at_work, incident, header, program, entries),
            Err(why) => self.finish_unfinished(at_work, header, policy, entries, &why),
        }
    }

    /// Whether anything may be done for a run at all, undos included. Otherwise why not, and
    /// what that leaves in doubt.
    fn may_act_for(&self, header: &RunHeader) -> Result<(), (&'static str, String)> {
        let here = self.cluster_id.as_deref().unwrap_or_default();
        if header.cluster != here {
            let doubt = format!(
                "the run belongs to another cluster (kube-system has uid `{}` there and `{}` here), so what it \
                 must undo was not touched",
                header.cluster, here
            );
            return Err(("it was begun on another cluster", doubt));
        }
        if header.format > RunHeader::FORMAT {
            let doubt = format!(
                "the run was recorded by a newer version of suture (format {}, this one knows {}), so what it must \
                 undo was not touched",
                header.format,
                RunHeader::FORMAT
            );
            return Err(("its record is of a newer version", doubt));
        }
        let lost = self.shared.journal.lost();
        if !lost.is_empty() {
            let doubt = format!(
                "a part of the journal is lost ({}), so what the run did last, and must undo, can't be known for \
                 certain",
                lost.join("; ")
            );
            return Err(("a part of the journal is lost", doubt));
        }
        Ok(())
    }

    /// All of a run's record, or a sentence about what is damaged: nothing is concluded
    /// from a part of it.
    async fn read_record(&self, record: &RunRecord) -> Result<(RunHeader, Vec<Entry>), String> {
        let damaged = |what: String| {
            format!(
                "the record of run {} is damaged ({what}), so what it has changed and must undo can't be known \
                 for certain; `suture runs show {}` shows what is legible",
                record.id, record.id
            )
        };
        let journal = &self.shared.journal;
        let header = journal.header(&record.id).await.map_err(|error| damaged(error.to_string()))?;
        let header = header.ok_or_else(|| damaged("its header is missing".to_owned()))?;
        let entries = journal.entries(&record.id).await.map_err(|error| damaged(error.to_string()))?;
        Ok((header, entries))
    }

    /// End a run of which nothing more may be done; people are told.
    fn give_up(&mut self, at_work: AtWork, why: &str, doubt: String) {
        tracing::error!(run = %at_work.record.id, incident = %at_work.incident, policy = at_work.policy, "{why}: {doubt}");
        let ending = Ending::Failed(why.to_owned());
        self.spawn(at_work, async move { Ok(Finished::new(ending, vec![doubt])) });
    }

    /// The code that can go on with a run: the same module, under the same settings. Or
    /// why the run can't go on.
    async fn successor(
        &self,
        record: &RunRecord,
        header: &RunHeader,
        policy: Option<&Policy>,
        entries: &[Entry],
    ) -> Result<Arc<dyn Program>, String> {
        if Ledger::of(entries).ending().is_some() {
            return Err("its policy had ended".to_owned());
        }
        // What was only planned is not in the record; nothing was done, so it begins anew.
        let is_planning = Call::all(entries).iter().any(Call::is_dry_run);
        match record.mode {
            Mode::Observe => return Err("it only observed".to_owned()),
            Mode::Approve if header.approved.is_none() => return Err("it only planned".to_owned()),
            Mode::Approve | Mode::Enforce if is_planning => return Err("it only planned".to_owned()),
            Mode::Approve | Mode::Enforce => {}
        }
        if header.format != RunHeader::FORMAT {
            return Err(format!("its record has format {}", header.format));
        }
        header.contract()?;
        let policy = policy.ok_or("its policy is no longer in the configuration")?;
        let program = self.module(policy, &record.digest).await?;
        if policy.config.settings != header.incident.settings {
            return Err("the settings of its policy were changed".to_owned());
        }
        if policy.config.mode != record.mode {
            return Err(format!("its policy is in mode `{}` now", policy.config.mode.as_str()));
        }
        Ok(program)
    }

    /// The module of a policy with a digest: that of today, or one that was its module before.
    async fn module(&self, policy: &Policy, digest: &str) -> Result<Arc<dyn Program>, String> {
        if let Ok(program) = &policy.program
            && program.digest() == digest
        {
            return Ok(program.clone());
        }
        let kept = match &self.shared.kept {
            Some(kept) => kept.program(policy, digest).await,
            None => None,
        };
        kept.ok_or_else(|| match &policy.program {
            Ok(_) => format!("its module {digest} is not there any more"),
            Err(error) => format!("its policy can't be loaded: {error}"),
        })
    }

    /// Go on with a run where its record ends.
    fn resume(
        &mut self,
        at_work: AtWork,
        incident: IncidentRecord,
        header: RunHeader,
        program: Arc<dyn Program>,
        entries: Vec<Entry>,
    ) {
        let record = at_work.record.clone();
        let Some(policy) = self.policy(&record.policy) else { return };
        tracing::info!(run = %record.id, incident = %record.incident, policy = record.policy, effects = entries.len(), "going on with a run");
        self.tell(|| Progress::Began(Box::new(record.clone())));
        let session = run::Session {
            cancel: at_work.cancel.clone(),
            ..self.session(&record.id, &entries, incident.forced)
        };
        let confirm = if incident.forced { Confirm::None } else { policy.config.confirm.clone() };
        let past = Past::new(entries, record.started_at, &record.policy, &self.locks);
        let spec = RunSpec {
            run: record.id,
            policy: record.policy,
            program,
            incident: header.incident,
            mode: record.mode,
            limits: header.limits,
            grants: policy.config.grants.clone(),
            confirm,
            approved: header.approved,
            past: Some(past),
        };
        self.spawn(at_work, run::execute(spec, session));
    }

    /// Take back what a run has not kept that can't go on.
    fn finish_unfinished(
        &mut self,
        at_work: AtWork,
        header: RunHeader,
        policy: Option<Arc<Policy>>,
        entries: Vec<Entry>,
        why: &str,
    ) {
        let record = at_work.record.clone();
        tracing::info!(run = %record.id, incident = %record.incident, policy = record.policy, why, "seeing a run through that can't go on");
        let at_work = AtWork { is_seen_through: true, ..at_work };
        let session =
            run::Session { cancel: at_work.cancel.clone(), ..self.session(&record.id, &entries, true) };
        let (requested, grants) = permitted(&header, policy.as_deref());
        let unfinished = run::Unfinished {
            run: record.id,
            policy: record.policy,
            module: record.digest,
            requested,
            incident: header.incident,
            mode: record.mode,
            approved: header.approved,
            limits: header.limits,
            grants,
            entries,
        };
        self.spawn(at_work, run::recover(unfinished, session));
    }
}

/// What a run may still do that can't go on: take back what it changed. Its own module asked
/// for that, whatever the one of today asks for. What the operator grants the policy today
/// counts; a policy that is gone has no grants any more, and those hold under which the
/// change was made: to take a policy out of the configuration is not to forbid that its
/// traces are removed.
fn permitted(header: &RunHeader, policy: Option<&Policy>) -> (Vec<Permission>, Arc<[Grant]>) {
    let grants = policy.map_or_else(|| header.grants.clone(), |policy| policy.config.grants.clone());
    (header.requested.clone(), grants)
}

/// An incident, as far as the record of its run tells it.
fn incident_of(record: &RunRecord, header: &RunHeader) -> IncidentRecord {
    let Incident { key, alert, .. } = &header.incident;
    IncidentRecord {
        id: record.incident.clone(),
        policy: record.policy.clone(),
        key: key.clone(),
        fingerprint: alert.fingerprint(),
        starts_at: alert.starts_at,
        state: IncidentState::Running,
        since: None,
        held_in: None,
        opened_at: record.started_at,
        closed_at: None,
        runs: vec![record.id.clone()],
        alert: alert.clone(),
        attempts: record.attempt,
        due: None,
        summary: "its own record was damaged; this is made from that of its run".to_owned(),
        by_hand: false,
        started_by: None,
        forced: false,
        said_resolved: false,
        cancelled: None,
        approval: None,
        retried_by: Vec::new(),
        paged: false,
        evidence: String::new(),
    }
}
