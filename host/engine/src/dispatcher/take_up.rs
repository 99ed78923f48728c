//! What an earlier host left: incidents, and runs that are not over.

use std::sync::Arc;

use suture_core::{Ending, Mode, Program};
use suture_journal::{Entry, IncidentRecord, IncidentState, JournalError, Ledger, RunHeader, RunRecord};

use super::{AtWork, Dispatcher};
use crate::confirm::Confirm;
use crate::policy::Policy;
use crate::progress::Progress;
use crate::run::{self, Finished, Past, RunSpec};

impl Dispatcher {
    /// Read what an earlier host left, and go on with its unfinished runs.
    pub(super) async fn take_up(&mut self) -> Result<(), JournalError> {
        for incident in self.shared.journal.open_incidents().await? {
            self.shared.metrics.incident(&incident.policy, None, Some(incident.state.as_str()));
            self.index(&incident);
            self.incidents.insert(incident.id.clone(), incident);
        }
        let unfinished = self.shared.journal.unfinished_runs().await?;
        for record in unfinished {
            self.take_up_run(record).await?;
        }
        let ids: Vec<_> = self.incidents.keys().cloned().collect();
        for id in ids {
            let Some(incident) = self.incidents.get(&id) else { continue };
            match incident.state {
                IncidentState::Escalated if !incident.paged => self.page(&id),
                IncidentState::Verifying => {
                    self.polls.insert(id, self.now());
                }
                // Its run never began.
                IncidentState::Running | IncidentState::Waiting
                    if !self.at_work.values().any(|at_work| at_work.incident == id) =>
                {
                    self.change(&id, |incident| incident.state = IncidentState::Queued);
                }
                _ => {}
            }
        }
        // Whatever waits in the inbox is routed at once.
        self.shared.arrived.notify_one();
        Ok(())
    }

    async fn take_up_run(&mut self, record: RunRecord) -> Result<(), JournalError> {
        let Some(incident) = self.incidents.get(&record.incident).cloned() else {
            tracing::error!(run = %record.id, "an unfinished run has no open incident; it is left alone");
            return Ok(());
        };
        let at_work = AtWork {
            incident: incident.id.clone(),
            policy: record.policy.clone(),
            key: incident.key.clone(),
            cancel: suture_journal::Cancel::new(),
            record: record.clone(),
            waiting: false,
        };
        let (header, entries) = match self.read_record(&record).await {
            Ok(read) => read,
            Err(doubt) => {
                self.give_up(at_work, "it can't be taken up", doubt);
                return Ok(());
            }
        };
        if header.cluster != self.cluster_id {
            let doubt = format!(
                "the run belongs to another cluster (kube-system has uid `{}` there and `{}` here), so what it \
                 must undo was not touched",
                header.cluster, self.cluster_id
            );
            self.give_up(at_work, "it was begun on another cluster", doubt);
            return Ok(());
        }
        let policy = self.policy(&record.policy);
        match self.successor(&record, &header, policy.as_deref(), &entries) {
            Ok(program) => self.resume(at_work, incident, header, program, entries),
            Err(why) => self.see_through(at_work, header, policy, entries, &why),
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
        tracing::error!(run = %at_work.record.id, policy = at_work.policy, "{why}: {doubt}");
        let ending = Ending::Failed(why.to_owned());
        self.spawn(at_work, async move { Ok(Finished { ending, doubts: vec![doubt], interrupted: false }) });
    }

    /// The code that can go on with a run: the same module, under the same settings. Or
    /// why the run can't go on.
    fn successor(
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
        if record.mode == Mode::Observe {
            return Err("it only observed".to_owned());
        }
        if (header.format, header.world.as_str()) != (RunHeader::FORMAT, RunHeader::WORLD) {
            return Err(format!("its record has format {} of {}", header.format, header.world));
        }
        let policy = policy.ok_or("its policy is no longer in the configuration")?;
        let program =
            policy.program.as_ref().map_err(|error| format!("its policy can't be loaded: {error}"))?;
        if program.digest() != record.digest {
            return Err(format!("its module {} is not there any more", record.digest));
        }
        if policy.config.settings != header.incident.settings {
            return Err("the settings of its policy were changed".to_owned());
        }
        if policy.config.mode != record.mode {
            return Err(format!("its policy is in mode `{}` now", policy.config.mode.as_str()));
        }
        Ok(program.clone())
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
        tracing::info!(run = %record.id, policy = record.policy, effects = entries.len(), "going on with a run");
        self.tell(Progress::Began(Box::new(record.clone())));
        let session =
            run::Session { cancel: at_work.cancel.clone(), ..self.session(&record.id, &record.policy) };
        let confirm = if incident.by_hand { Confirm::None } else { policy.config.confirm.clone() };
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
            past: Some(past),
        };
        self.spawn(at_work, run::execute(spec, session));
    }

    /// Take back what a run has not kept that can't go on.
    fn see_through(
        &mut self,
        at_work: AtWork,
        header: RunHeader,
        policy: Option<Arc<Policy>>,
        entries: Vec<Entry>,
        why: &str,
    ) {
        let record = at_work.record.clone();
        tracing::info!(run = %record.id, policy = record.policy, why, "seeing a run through that can't go on");
        let program = policy.as_ref().and_then(|policy| policy.program.as_ref().ok().cloned());
        let session =
            run::Session { cancel: at_work.cancel.clone(), ..self.session(&record.id, &record.policy) };
        let unfinished = run::Unfinished {
            run: record.id,
            policy: record.policy,
            requested: program.map(|program| program.manifest().permissions.clone()).unwrap_or_default(),
            incident: header.incident,
            mode: record.mode,
            limits: header.limits,
            grants: policy.map(|policy| policy.config.grants.clone()).unwrap_or_default(),
            entries,
        };
        self.spawn(at_work, run::recover(unfinished, session));
    }
}
