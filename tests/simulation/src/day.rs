//! A day, as it is played.

mod agenda;
mod objects;
mod path;
mod people;
mod setting;
mod trouble;

use std::time::Duration;

use suture_core::clock::later;
use suture_core::{Clock, Mode, Timestamp, VirtualClock};

use crate::configuration::Configuration;
use crate::host::{Disk, Host, Start};
use crate::judge::{Fault, Judge};
use crate::plan::{DAY, Plan, TROUBLE_ENDS};
use crate::reach::Reach;
use agenda::{Agenda, Over, Task};
use objects::Objects;
pub(crate) use objects::{NAMESPACES, labels, names};
use path::Sender;
use trouble::Trouble;

/// How often the judge looks.
const JUDGED_EVERY: Duration = Duration::from_secs(180);
/// When the rules are evaluated first.
const FIRST_EVALUATED: Duration = Duration::from_secs(7);

/// What one day was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Day {
    /// Incidents that were opened.
    pub incidents: usize,
    /// Runs that were begun.
    pub runs: usize,
    /// Notifications that were accepted.
    pub notifications: usize,
    /// Lives of the host.
    pub lives: usize,
}

/// Play a day.
///
/// # Errors
/// The first thing that was not as it must be.
pub fn play(plan: &Plan) -> Result<Day, Fault> {
    DayRun::new(plan).play()
}

struct DayRun<'a> {
    plan: &'a Plan,
    clock: VirtualClock,
    start: Timestamp,
    agenda: Agenda,
    reach: Reach,
    objects: Objects,
    trouble: Trouble,
    /// For each Alertmanager.
    senders: Vec<Sender>,
    disk: Disk,
    host: Option<Host>,
    version: u32,
    configuration: Configuration,
    judge: Judge,
    /// What somebody decides about plans.
    decisions: fastrand::Rng,
    day: Day,
}

impl<'a> DayRun<'a> {
    #[expect(clippy::unwrap_used, reason = "a constant")]
    fn new(plan: &'a Plan) -> Self {
        let start: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let setup = &plan.setup;
        let clock = VirtualClock::new(start, later(start, 2 * DAY));
        let cluster = setting::cluster(setup, start, &clock);
        let objects = Objects::new(cluster.clone(), setup.objects);
        let reach = Reach::new(cluster, setting::monitoring(setup), clock.clone());
        Self {
            plan,
            start,
            agenda: Agenda::default(),
            judge: Judge::new(plan, start, &reach),
            reach,
            objects,
            trouble: Trouble::default(),
            senders: vec![Sender::default(); setup.alertmanagers],
            disk: Disk::new(),
            host: None,
            version: 1,
            configuration: Configuration::Usual,
            decisions: fastrand::Rng::with_seed(plan.seed),
            day: Day::default(),
            clock,
        }
    }

    fn play(mut self) -> Result<Day, Fault> {
        self.wake_host()?;
        self.later(FIRST_EVALUATED, Task::Evaluate);
        self.later(JUDGED_EVERY, Task::Judge);
        self.later(TROUBLE_ENDS, Task::End(Over::Trouble));
        if let Some(every) = self.plan.setup.approvals {
            self.later(every, Task::Decide);
        }
        for index in 0..self.plan.events.len() {
            self.later(self.plan.events[index].at, Task::Happen(index));
        }
        let end = later(self.start, DAY);
        while let Some((at, task)) = self.agenda.take_next() {
            if at > end {
                break;
            }
            self.pass_until(at);
            self.perform(task)?;
        }
        self.finish()
    }

    /// Let time pass, and the host do what it has to do.
    fn pass_until(&self, at: Timestamp) {
        loop {
            if let Some(host) = &self.host {
                host.settle();
            }
            if !self.clock.step(at) {
                break;
            }
        }
        if let Some(host) = &self.host {
            host.settle();
        }
    }

    fn later(&mut self, after: Duration, task: Task) {
        self.agenda.enter(later(self.clock.now(), after), task);
    }

    fn perform(&mut self, task: Task) -> Result<(), Fault> {
        match task {
            Task::Evaluate => {
                self.judge.see_kept_back(self.clock.now(), &self.reach);
                self.evaluate();
            }
            Task::Judge => {
                self.judge()?;
                self.later(JUDGED_EVERY, Task::Judge);
            }
            Task::Decide => {
                self.decide();
                if let Some(every) = self.plan.setup.approvals {
                    self.later(every, Task::Decide);
                }
            }
            Task::Flush(of) => {
                self.judge.see_kept_back(self.clock.now(), &self.reach);
                self.flush(of);
            }
            Task::Deliver(delivery) => self.deliver(delivery),
            Task::Answered(delivery) => self.answered(&delivery),
            Task::Happen(index) => {
                let what = self.plan.events[index].what.clone();
                self.happen(&what);
                self.judge.see_kept_back(self.clock.now(), &self.reach);
            }
            Task::End(over) => {
                self.end(over)?;
                self.judge.see_kept_back(self.clock.now(), &self.reach);
            }
        }
        Ok(())
    }

    /// The mode of the policy, unless the configuration has its own.
    fn mode(&self) -> Mode {
        if self.plan.setup.approvals.is_some() { Mode::Approve } else { Mode::Enforce }
    }

    /// Start the host, unless it is there, or something keeps it from being there.
    fn wake_host(&mut self) -> Result<(), Fault> {
        let Ok(configuration) = self.configuration.read(self.mode()) else { return Ok(()) };
        if self.host.is_some() || self.trouble.host_away > 0 {
            return Ok(());
        }
        self.day.lives += 1;
        let start =
            Start { reach: &self.reach, storm: self.plan.setup.storm, version: self.version, configuration };
        let started = Host::start(&self.disk, &self.clock, start);
        let host = started
            .map_err(|error| Fault::new(self.clock.now(), format!("the host does not start: {error}")))?;
        self.host = Some(host);
        self.control();
        Ok(())
    }

    fn is_disturbed(&self) -> bool {
        let monitoring = self.reach.monitoring.lock();
        self.host.as_ref().is_none_or(|host| !host.has_policy())
            || monitoring.is_prometheus_away
            || monitoring.is_api_away
            || monitoring.is_alertmanager_away.contains(&true)
            || self.trouble.keeps_back()
    }

    fn judge(&mut self) -> Result<(), Fault> {
        let now = self.clock.now();
        if self.is_disturbed() {
            self.judge.disturbed_until(now);
        }
        let Some(host) = &self.host else { return Ok(()) };
        self.judge.look(now, host, &self.reach, &self.trouble.gaps)
    }

    fn finish(mut self) -> Result<Day, Fault> {
        let now = self.clock.now();
        let Some(host) = &self.host else {
            return Err(Fault::new(now, "the host is away at the end".to_owned()));
        };
        let (incidents, runs) = self.judge.finish(now, host, &self.reach)?;
        for object in self.objects.all() {
            let data = self.objects.data(object);
            // What today's grants forbid to take back is a doubt, and a person is told.
            let (namespace, _) = names(object);
            let is_told = incidents.iter().any(|incident| {
                incident.key.values().any(|value| *value == namespace)
                    && incident.summary.contains("the undo of")
            });
            if !data["lock"].is_null() && !is_told {
                return Err(Fault::new(now, format!("what was to be taken back of {object} is not: {data}")));
            }
        }
        (self.day.incidents, self.day.runs) = (incidents.len(), runs);
        Ok(self.day)
    }
}
