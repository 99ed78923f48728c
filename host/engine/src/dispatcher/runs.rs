//! Runs: when one may start, and what its end means for its incident.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use suture_core::{Ending, Halt, Incident, IncidentId, Prepared, RunId};
use suture_journal::Observer;
use suture_journal::{Cancel, Change, Entry, IncidentState, JournalError, RunHeader, RunRecord, RunState};

use super::{AtWork, Command, Dispatcher};
use crate::confirm::Confirm;
use crate::policy::Policy;
use crate::progress::{Listeners, Progress};
use crate::run::{self, Finished, RunSpec, Session};

pub(super) const HOUR: Duration = Duration::from_secs(3600);

impl Dispatcher {
    /// Move along whatever is due, and start what may start.
    pub(super) async fn advance(&mut self) {
        let now = self.now();
        self.verify(now);
        let due: Vec<IncidentId> = self
            .incidents
            .values()
            .filter(|incident| {
                incident.state == IncidentState::Retrying && incident.due.is_some_and(|due| due <= now)
            })
            .map(|incident| incident.id.clone())
            .collect();
        for id in due {
            self.change(&id, |incident| {
                incident.state = IncidentState::Queued;
                incident.due = None;
            });
        }
        self.watch_storms();
        if !self.may_start() {
            return;
        }
        let queued: Vec<IncidentId> = self
            .incidents
            .values()
            .filter(|incident| matches!(incident.state, IncidentState::Queued | IncidentState::Received))
            .map(|incident| incident.id.clone())
            .collect();
        for id in queued {
            if self.at_work.values().filter(|run| !run.waiting).count() >= self.shared.budgets.concurrent_runs
            {
                return;
            }
            if !self.start(&id).await {
                return;
            }
        }
    }

    /// Start a run for an incident, if nothing stands against it. False where the journal
    /// can't be written.
    async fn start(&mut self, id: &IncidentId) -> bool {
        let now = self.now();
        let Some(incident) = self.incidents.get(id).cloned() else { return true };
        let key = (incident.policy.clone(), incident.key.clone());
        if self.busy_keys.contains(&key) {
            return true;
        }
        let Some(policy) = self.policy(&incident.policy) else {
            let why = format!("policy `{}` is no longer in the configuration", incident.policy);
            self.escalate(id, why);
            return true;
        };
        let Ok(program) = policy.program.clone() else { return true };
        if self.shared.held(&incident.policy).is_some() {
            return true;
        }
        let runs_per_hour = self.shared.budgets.runs_per_hour;
        let budget = self.policies.entry(incident.policy.clone()).or_default();
        if budget.storm || budget.started.count(now, HOUR) >= runs_per_hour {
            return true;
        }
        let run = RunId::new(self.id());
        let record = self.record(&run, &incident.policy, id, &policy, incident.attempts + 1);
        let given = Incident {
            id: id.clone(),
            key: incident.key.clone(),
            alert: incident.alert.clone(),
            attempt: record.attempt,
            settings: policy.config.settings.clone(),
        };
        let header = RunHeader {
            format: RunHeader::FORMAT,
            world: RunHeader::WORLD.to_owned(),
            incident: given.clone(),
            limits: policy.config.limits.clone(),
            cluster: self.cluster_id.clone(),
        };
        self.unsaved.push(Change::Begin(record.clone(), header));
        self.change(id, |incident| {
            incident.state = IncidentState::Running;
            incident.attempts += 1;
            incident.due = None;
            incident.runs.push(run.clone());
        });
        if !self.save().await {
            // It starts once the journal can be written: until then it only waits.
            self.unsaved.retain(|change| !matches!(change, Change::Begin(begun, _) if begun.id == run));
            self.change(id, |incident| {
                incident.state = IncidentState::Queued;
                incident.attempts -= 1;
                incident.runs.pop();
            });
            return false;
        }
        self.policies.entry(incident.policy.clone()).or_default().started.add(now);
        self.tell(Progress::Began(Box::new(record.clone())));
        let session = self.session(&run, &incident.policy);
        let confirm = if incident.by_hand { Confirm::None } else { policy.config.confirm.clone() };
        let spec = RunSpec {
            run,
            policy: incident.policy.clone(),
            program,
            incident: given,
            mode: policy.config.mode,
            limits: policy.config.limits.clone(),
            grants: policy.config.grants.clone(),
            confirm,
            past: None,
        };
        let at_work = AtWork {
            incident: id.clone(),
            policy: incident.policy,
            key: incident.key,
            cancel: session.cancel.clone(),
            record,
            waiting: false,
        };
        self.spawn(at_work, run::execute(spec, session));
        true
    }

    fn record(
        &self,
        run: &RunId,
        name: &str,
        incident: &IncidentId,
        policy: &Policy,
        attempt: u32,
    ) -> RunRecord {
        RunRecord {
            id: run.clone(),
            incident: incident.clone(),
            policy: name.to_owned(),
            digest: policy.program.as_ref().map(|program| program.digest().to_owned()).unwrap_or_default(),
            mode: policy.config.mode,
            attempt,
            state: RunState::Running,
            outcome: None,
            summary: None,
            started_at: self.now(),
            ended_at: None,
        }
    }

    pub(super) fn session(&self, run: &RunId, policy: &str) -> Session {
        Session {
            cluster: self.shared.cluster.clone(),
            clock: self.shared.clock.clone(),
            log: self.shared.journal.run_log(run.clone()),
            locks: self.locks.clone(),
            cancel: Cancel::default(),
            observer: Some(Arc::new(Watch {
                run: run.clone(),
                policy: policy.to_owned(),
                commands: self.shared.commands.clone(),
                listeners: self.shared.listeners.clone(),
            })),
            metrics: Some(self.shared.metrics.clone()),
            places: Some(self.places.clone()),
        }
    }

    pub(super) fn spawn(
        &mut self,
        at_work: AtWork,
        work: impl Future<Output = Result<Finished, JournalError>> + Send + 'static,
    ) {
        let run = at_work.record.id.clone();
        self.busy_keys.insert((at_work.policy.clone(), at_work.key.clone()));
        self.at_work.insert(run.clone(), at_work);
        let commands = self.shared.commands.clone();
        tokio::spawn(async move {
            // A panic in the host must not leave the incident running for ever.
            let finished = match tokio::spawn(work).await {
                Ok(finished) => finished,
                Err(error) => {
                    let doubt = "the host failed in this run; what it must undo is not undone".to_owned();
                    let ending = Ending::Trapped(error.to_string());
                    Ok(Finished { ending, doubts: vec![doubt], interrupted: false })
                }
            };
            let _ = commands.send(Command::Ended { run, finished });
        });
    }

    pub(super) fn waiting(&mut self, run: &RunId, waiting: bool) {
        let Some(at_work) = self.at_work.get_mut(run) else { return };
        at_work.waiting = waiting;
        let incident = at_work.incident.clone();
        let state = if waiting { IncidentState::Waiting } else { IncidentState::Running };
        if self.incidents.get(&incident).is_some_and(|incident| incident.state != state) {
            self.change(&incident, |incident| incident.state = state);
        }
    }

    /// A run is over.
    pub(super) fn ended(&mut self, run: &RunId, finished: Result<Finished, JournalError>) {
        let Some(AtWork { incident: id, policy, key, mut record, .. }) = self.at_work.remove(run) else {
            return;
        };
        self.busy_keys.remove(&(policy.clone(), key));
        let finished = finished.unwrap_or_else(|error| {
            let doubt = format!("the journal could not be written to its end: {error}");
            let ending = Ending::Halted(Halt::Journal(error.to_string()));
            Finished { ending, doubts: vec![doubt], interrupted: false }
        });
        let now = self.now();
        let Finished { ending, doubts, interrupted } = finished;
        if interrupted {
            tracing::info!(%run, incident = %id, policy, "interrupted; the next start goes on with it");
            return;
        }
        record.state = RunState::Ended;
        record.ended_at = Some(now);
        record.outcome = Some(ending.name().to_owned());
        record.summary = Some(ending.summary());
        let took = record.started_at.duration_until(now).try_into().unwrap_or_default();
        self.shared.metrics.run(&policy, ending.name(), took);
        tracing::info!(%run, incident = %id, policy, outcome = ending.name(), "{}", ending.summary());
        self.tell(Progress::Ended(Box::new(record.clone())));
        self.unsaved.push(Change::Run(record));
        self.conclude(&id, &policy, &ending, &doubts);
    }
}

/// Passes on what a run does.
struct Watch {
    run: RunId,
    policy: String,
    commands: tokio::sync::mpsc::UnboundedSender<Command>,
    listeners: Option<Listeners>,
}

impl Observer for Watch {
    fn entry(&self, entry: &Entry) {
        if let Some(listeners) = &self.listeners {
            let _ = listeners.send(Progress::Entry(self.run.clone(), Box::new(entry.clone())));
        }
    }

    fn waiting(&self, on: Option<&Prepared>) {
        tracing::debug!(run = %self.run, policy = self.policy, waiting = on.is_some(), "wait");
        let _ = self.commands.send(Command::Waiting { run: self.run.clone(), waiting: on.is_some() });
    }
}
