//! Runs: when one may start, and what its end means for its incident.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use suture_core::{Ending, Halt, Incident, IncidentId, Mode, Prepared, Program, RunId};
use suture_journal::Observer;
use suture_journal::{
    Approved, Cancel, Change, Entry, IncidentRecord, IncidentState, JournalError, RunHeader, RunRecord,
    RunState,
};
use tracing::Instrument;

use super::tail::Tail;
use super::{AtWork, Command, Dispatcher, turns};
use crate::confirm::Confirm;
use crate::engine::Shared;
use crate::obstacles::Wait;
use crate::policy::Policy;
use crate::progress::Progress;
use crate::run::{self, Finished, RunSpec, Session};

/// Queued incidents of each policy that are in memory: as many as there may be runs, in these bounds.
const QUEUED: std::ops::RangeInclusive<usize> = 64..=1024;

pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// A run that begins.
struct Starting {
    incident: IncidentRecord,
    policy: Arc<Policy>,
    program: Arc<dyn Program>,
    given: Incident,
    record: RunRecord,
    approved: Option<Approved>,
}

impl Dispatcher {
    /// Move along whatever is due, and start what may start.
    pub(super) async fn advance(&mut self) {
        let now = self.now();
        self.drain().await;
        self.take_up_said_resolved().await;
        self.confirm(now);
        self.verify(now).await;
        self.take_up_due(now).await;
        self.release_held().await;
        self.watch_storms();
        if self.may_start() {
            self.start_runs().await;
        }
        self.ask_of_silences(now);
    }

    /// How many queued incidents of each policy are in memory at most.
    pub(super) fn most_queued(&self) -> usize {
        self.shared.budgets.concurrent_runs.clamp(*QUEUED.start(), *QUEUED.end())
    }

    /// Start the runs that may start.
    async fn start_runs(&mut self) {
        let most = self.shared.budgets.concurrent_runs;
        let running: usize = self.working.values().sum();
        let places = most.saturating_sub(running);
        if places == 0 {
            return;
        }
        let mut queued: Vec<(String, Vec<IncidentId>)> = Vec::new();
        for policy in self.queue.policies() {
            if self.may_begin(&policy) {
                self.fill_queue(&policy, places.min(self.most_queued())).await;
                let waiting: Vec<_> = self.queue.waiting(&policy).cloned().collect();
                queued.push((policy, waiting));
            }
        }
        // Of policies that have as many at work, the one that has waited for the longest comes first.
        queued.sort_by(|(_, some), (_, others)| some.first().cmp(&others.first()));
        let is_more = queued.iter().any(|(policy, _)| self.queue.lacks(policy, usize::MAX).is_some());
        let queued =
            queued.into_iter().flat_map(|(policy, ids)| ids.into_iter().map(move |id| (policy.clone(), id)));
        let queued = turns::in_turn(self.working.clone(), queued);
        // One write for all of them: each would wait for the disk.
        let mut starting: Vec<Starting> = Vec::new();
        for id in queued {
            if starting.len() >= places {
                break;
            }
            let was_queued = self.incidents.get(&id).is_some_and(|one| one.state == IncidentState::Queued);
            starting.extend(self.plan(&id, &starting));
            let is_gone = self.incidents.get(&id).is_none_or(|one| one.state != IncidentState::Queued);
            // Those behind it move up.
            if was_queued && is_gone && is_more && starting.len() < places {
                self.again_at = Some(self.now());
            }
        }
        if starting.is_empty() {
            return;
        }
        let is_saved = self.save().await;
        for run in starting {
            if is_saved { self.launch(run) } else { self.put_back(&run) }
        }
    }

    /// Whether anything of a policy could begin: what waits for it is not looked at otherwise.
    fn may_begin(&mut self, name: &str) -> bool {
        let now = self.now();
        let Some(policy) = self.policy(name) else {
            // It is said of each that waits.
            return true;
        };
        let runs_per_hour = self.shared.budgets.runs_per_hour;
        let budget = self.policies.entry(name.to_owned()).or_default();
        let has_budget = !budget.storm && budget.started.count(now, HOUR) < runs_per_hour;
        has_budget && policy.program.is_ok() && !self.is_stopped(name)
    }

    /// Whether a policy is to start no run: for want of a right, or for somebody's word.
    fn is_stopped(&self, policy: &str) -> bool {
        self.shared.is_held(policy) || self.shared.pauses.of(policy, self.now()).is_some()
    }

    /// Read on where fewer than so many of a policy's queue are in memory.
    async fn fill_queue(&mut self, policy: &str, wanted: usize) {
        while let Some(from) = self.queue.lacks(policy, wanted) {
            // What is not saved yet, the journal does not know to be queued.
            if !self.save().await {
                return;
            }
            let slice = match self.shared.journal.queued(policy, &from, self.most_queued()).await {
                Ok(slice) => slice,
                Err(error) => return self.try_later("what is queued can't be read", &error),
            };
            let ids: Vec<_> = slice.incidents.iter().map(|incident| incident.id.clone()).collect();
            self.incidents.take_in(slice.incidents);
            self.queue.extend(policy, ids, slice.next);
        }
    }

    /// Begin a run for an incident, if nothing stands against it.
    fn plan(&mut self, id: &IncidentId, starting: &[Starting]) -> Option<Starting> {
        let now = self.now();
        let incident = self.incidents.get(id).cloned()?;
        let is_same_key =
            |other: &Starting| other.incident.policy == incident.policy && other.incident.key == incident.key;
        let key = (incident.policy.clone(), incident.key.clone());
        if self.busy_keys.contains(&key) || starting.iter().any(is_same_key) {
            return None;
        }
        if incident.said_resolved && !self.unconfirmed.is_contradicted(id) {
            // It may be over; Prometheus is being asked.
            return None;
        }
        let Some(policy) = self.policy(&incident.policy) else {
            let why = format!("policy `{}` is no longer in the configuration", incident.policy);
            self.escalate(id, why);
            return None;
        };
        let program = policy.program.clone().ok()?;
        if self.is_stopped(&incident.policy) {
            return None;
        }
        if self.hold_back(id) {
            return None;
        }
        let runs_per_hour = self.shared.budgets.runs_per_hour;
        let about_to = starting.iter().filter(|other| other.incident.policy == incident.policy).count();
        let budget = self.policies.entry(incident.policy.clone()).or_default();
        if budget.storm || budget.started.count(now, HOUR) + about_to >= runs_per_hour {
            return None;
        }
        if !self.is_clear_of_silences(&incident, now) {
            return None;
        }
        let run = RunId::new(self.id());
        // What is asked for, approved, or asked for anew is one attempt.
        let approval = self.approval_of(&incident, &policy);
        let attempt = if approval.is_some() { incident.attempts.max(1) } else { incident.attempts + 1 };
        let (approval, approved) =
            approval.map_or((None, None), |approval| super::approval::begins(approval, policy.config.mode));
        let record = self.record(&run, &incident.policy, id, &policy, attempt);
        let given = Incident {
            id: id.clone(),
            key: incident.key.clone(),
            alert: incident.alert.clone(),
            attempt: record.attempt,
            settings: policy.config.settings.clone(),
        };
        let header = RunHeader {
            format: RunHeader::FORMAT,
            world: program.manifest().contract.package().to_owned(),
            incident: given.clone(),
            limits: policy.config.limits.clone(),
            requested: program.manifest().permissions_of_run(&policy.config.settings),
            grants: policy.config.grants.clone(),
            approved: approved.clone(),
            cluster: self.cluster_id.clone().unwrap_or_default(),
        };
        self.unsaved.push(Change::Begin(record.clone(), header));
        self.change(id, |incident| {
            incident.state = IncidentState::Running;
            incident.attempts = attempt;
            incident.approval = approval;
            incident.due = None;
            incident.runs.push(run);
        });
        Some(Starting { incident, policy, program, given, record, approved })
    }

    /// The journal can't be written: the run starts once it can, and until then only waits.
    fn put_back(&mut self, starting: &Starting) {
        let run = &starting.record.id;
        self.unsaved.retain(|change| !matches!(change, Change::Begin(begun, _) if begun.id == *run));
        let before = starting.incident.clone();
        self.change(&starting.incident.id, |incident| {
            incident.state = IncidentState::Queued;
            incident.attempts = before.attempts;
            incident.approval = before.approval;
            incident.runs.pop();
        });
    }

    /// Start a run whose beginning is on disk.
    fn launch(&mut self, starting: Starting) {
        let Starting { incident, policy, program, given, record, approved } = starting;
        let key = self.incidents.key_of(&incident);
        let now = self.now();
        self.policies.entry(incident.policy.clone()).or_default().started.add(now);
        self.tell(|| Progress::Began(Box::new(record.clone())));
        if incident.runs.is_empty() {
            let waited = incident.opened_at.duration_until(now).try_into().unwrap_or_default();
            self.shared.metrics.began(waited);
        }
        let session = self.session(&record.id, &[], incident.forced);
        let confirm = if incident.forced { Confirm::None } else { policy.config.confirm.clone() };
        let is_approved = approved.is_some();
        let spec = RunSpec {
            run: record.id.clone(),
            policy: incident.policy.clone(),
            program,
            incident: given,
            mode: policy.config.mode,
            limits: policy.config.limits.clone(),
            grants: policy.config.grants.clone(),
            confirm,
            approved,
            past: None,
        };
        let at_work = AtWork {
            incident: incident.id,
            policy: incident.policy,
            key,
            cancel: session.cancel.clone(),
            record,
            is_approved,
            waiting: false,
            is_seen_through: false,
        };
        self.spawn(at_work, run::execute(spec, session));
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

    /// Where a run works. What is forced asks nobody whether its alert fires, or is silenced.
    pub(super) fn session(&mut self, run: &RunId, past: &[Entry], is_forced: bool) -> Session {
        let tail = Tail::of(past);
        self.tails.insert(run.clone(), tail.clone());
        Session {
            cluster: self.shared.cluster.clone(),
            clock: self.shared.clock.clone(),
            log: self.shared.journal.run_log(run.clone()),
            locks: self.locks.clone(),
            cancel: Cancel::default(),
            observer: Some(Arc::new(Watch { run: run.clone(), shared: self.shared.clone(), tail })),
            metrics: Some(self.shared.metrics.clone()),
            places: Some(self.places.clone()),
            silences: self.shared.silences.clone().filter(|_| !is_forced),
        }
    }

    pub(super) fn spawn(
        &mut self,
        at_work: AtWork,
        work: impl Future<Output = Result<Finished, JournalError>> + Send + 'static,
    ) {
        let run = at_work.record.id.clone();
        let (incident, policy) = (at_work.incident.clone(), at_work.policy.clone());
        self.busy_keys.insert(at_work.key.clone());
        self.shared.obstacles.began(&run, &incident, &at_work.key);
        *self.working.entry(policy.clone()).or_default() += 1;
        self.at_work.insert(run.clone(), at_work);
        let commands = self.shared.commands.clone();
        // Whatever is logged in the run, however deep and however little is to be logged, says
        // whose it is.
        let whose = tracing::error_span!("run", %run, %incident, policy);
        let work = work.instrument(whose);
        // Begun out here, or the task that watches over it would hold room for it too.
        let work = tokio::spawn(work);
        tokio::spawn(async move {
            // A panic in the host must not leave the incident running for ever.
            let finished = match work.await {
                Ok(finished) => finished,
                Err(error) => {
                    let doubt = "the host failed in this run; what it must undo is not undone".to_owned();
                    let ending = Ending::Trapped(error.to_string());
                    Ok(Finished::new(ending, vec![doubt]))
                }
            };
            let _ = commands.send(Command::Ended { run, finished });
        });
    }

    pub(super) fn waiting(&mut self, run: &RunId, waiting: bool) {
        let Some(at_work) = self.at_work.get_mut(run) else { return };
        if waiting && self.shutdown.is_some() {
            at_work.cancel.halt(Halt::Shutdown);
        }
        if std::mem::replace(&mut at_work.waiting, waiting) != waiting {
            let working = self.working.entry(at_work.policy.clone()).or_default();
            *working = if waiting { working.saturating_sub(1) } else { *working + 1 };
        }
        let incident = at_work.incident.clone();
        let state = if waiting { IncidentState::Waiting } else { IncidentState::Running };
        if self.incidents.get(&incident).is_some_and(|incident| incident.state != state) {
            self.change(&incident, |incident| incident.state = state);
        }
    }

    /// A run is over.
    pub(super) fn ended(&mut self, run: &RunId, finished: Result<Finished, JournalError>) {
        let Some(at_work) = self.at_work.remove(run) else { return };
        // Told by this host, which goes on.
        let was_told = self.shutdown.is_none() && at_work.cancel.halted() == Some(Halt::Shutdown);
        let AtWork { incident: id, policy, key, mut record, waiting, is_seen_through, is_approved, .. } =
            at_work;
        let evidence = self.tails.remove(run).map(|tail| tail.text()).unwrap_or_default();
        self.shared.obstacles.ended(run);
        if !waiting && let Some(working) = self.working.get_mut(&policy) {
            *working = working.saturating_sub(1);
        }
        self.busy_keys.remove(&key);
        let finished = finished.unwrap_or_else(|error| {
            let doubt = format!("the journal could not be written to its end: {error}");
            let ending = Ending::Halted(Halt::Journal(error.to_string()));
            Finished::new(ending, vec![doubt])
        });
        let now = self.now();
        let summary = finished.summary();
        let Finished { ending, doubts, interrupted, plan } = finished;
        // What it concluded, it concluded of changes that were only tried.
        let ending = match (ending, &plan) {
            (Ending::Concluded(_), Some(plan)) if plan.is_unfinished() => Ending::Halted(Halt::Planned),
            (ending, _) => ending,
        };
        if interrupted {
            if was_told && !is_seen_through {
                return self.interrupted.push(record);
            }
            tracing::info!(%run, incident = %id, policy, "interrupted; the next start goes on with it");
            return;
        }
        record.state = RunState::Ended;
        record.ended_at = Some(now);
        record.outcome = Some(ending.name().to_owned());
        record.summary = Some(summary.clone());
        let took = record.started_at.duration_until(now).try_into().unwrap_or_default();
        self.shared.metrics.run(&policy, ending.name(), took);
        tracing::info!(%run, incident = %id, policy, outcome = ending.name(), "{summary}");
        self.tell(|| Progress::Ended(Box::new(record.clone())));
        let mode = record.mode;
        self.unsaved.push(Change::Run(record));
        if self.incidents.get(&id).is_some_and(|incident| incident.evidence != evidence) {
            self.change(&id, |incident| incident.evidence = evidence);
        }
        if doubts.is_empty()
            && let Some(plan) =
                plan.filter(|plan| ending == Ending::Halted(Halt::Planned) && plan.is_unfinished())
            && mode != Mode::Observe
            && self.has_to_ask(&id)
        {
            return match is_approved {
                true => self.plan_anew(&id, summary),
                false => self.ask_approval(&id, run, &plan),
            };
        }
        // Asked for, approved or not: what comes now is something else.
        let goes_on = matches!(ending, Ending::Halted(Halt::Shutdown | Halt::Silenced(_)));
        if !goes_on && self.incidents.get(&id).is_some_and(|incident| incident.approval.is_some()) {
            self.change(&id, |incident| incident.approval = None);
        }
        self.conclude(&id, &policy, &ending, summary, &doubts);
    }
}

/// Passes on what a run does.
struct Watch {
    run: RunId,
    shared: Arc<Shared>,
    tail: Tail,
}

impl Observer for Watch {
    fn entry(&self, entry: &Entry) {
        self.tail.see(entry);
        if let Some(listeners) = &self.shared.listeners {
            let _ = listeners.send(Progress::Entry(self.run.clone(), Box::new(entry.clone())));
        }
    }

    fn waiting(&self, on: Option<&Prepared>) {
        tracing::debug!(waiting = on.is_some(), "wait");
        let now = self.shared.clock.now();
        self.shared.obstacles.waits(&self.run, on.map(|on| Wait::of(on, now)));
        let _ = self.shared.commands.send(Command::Waiting { run: self.run.clone(), waiting: on.is_some() });
    }

    fn suspended(&self, is_suspended: bool) {
        let wait = is_suspended.then(|| Wait::for_the_journal(self.shared.clock.now()));
        self.shared.obstacles.waits(&self.run, wait);
    }

    fn crowded(&self, is_crowded: bool) {
        let wait = is_crowded.then(|| Wait::for_a_place(self.shared.clock.now()));
        self.shared.obstacles.waits(&self.run, wait);
    }
}
