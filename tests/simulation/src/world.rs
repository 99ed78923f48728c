//! A day, as it is played.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use serde_json::json;
use suture_core::clock::later;
use suture_core::effect::Target;
use suture_core::object::Kind;
use suture_core::{AlertRelabeling, Clock, Envelope, Labels, ObjectRef, Timestamp, VirtualClock};
use suture_engine::{Hold, PauseOrder};
use suture_journal::Filter;
use suture_simulator::alertmanager::{Flushed, Route, Suppression};
use suture_simulator::prometheus::AlertingRule;
use suture_simulator::{Fixture, SimulatedAlertmanager, SimulatedCluster, SimulatedPrometheus};

use crate::heal::ALERTNAME;
use crate::host::Host;
use crate::judge::{Fault, Judge};
use crate::plan::{Cause, DAY, Happening, Plan, TROUBLE_ENDS};
use crate::reach::{Monitoring, Reach};

/// How often the rule is evaluated.
const EVALUATED_EVERY: Duration = Duration::from_secs(30);
/// How often the judge looks.
const JUDGED_EVERY: Duration = Duration::from_secs(180);
/// How long a peer waits for the one before it (`--cluster.peer-timeout`).
const PEER_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest pause between tries to deliver a notification.
const MOST_BACKOFF: Duration = Duration::from_secs(60);
/// How long after it was asked a controller mends an object.
const SLOW: Duration = Duration::from_secs(600);
/// How often the server asks the Alertmanagers what they have, and has handled what never came
/// (`reconcileEvery`; the engine's part of it is the real one).
const RECONCILED_EVERY: Duration = Duration::from_secs(300);
const GROUP_INTERVAL: Duration = Duration::from_secs(300);

/// What is to be done at a time.
#[derive(Debug)]
enum Task {
    Evaluate,
    Judge,
    Reconcile,
    Flush(usize),
    Deliver {
        from: usize,
        life: u32,
        flushed: Box<Flushed>,
        backoff: Duration,
        until: Timestamp,
    },
    /// It arrived, after a delay.
    Answered {
        from: usize,
        life: u32,
        flushed: Box<Flushed>,
    },
    Happen(usize),
    End(Over),
}

/// What is over.
#[derive(Clone, Copy, Debug)]
enum Over {
    Prometheus,
    ScrapeGap(usize),
    Alertmanager(usize),
    Gossip,
    WebhooksLost,
    AnswersLost,
    Slow(usize),
    HostAway,
    Api,
    Paused,
    Held,
    Asked(usize),
    Trouble,
}

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
    World::new(plan).play()
}

struct World<'a> {
    plan: &'a Plan,
    clock: VirtualClock,
    start: Timestamp,
    folder: tempfile::TempDir,
    reach: Reach,
    host: Option<Host>,
    tasks: BinaryHeap<Reverse<(Timestamp, u64)>>,
    bodies: BTreeMap<u64, Task>,
    next_task: u64,
    version: u32,
    /// How many of each keep something from being well.
    gaps: BTreeSet<usize>,
    /// The objects' data as of a version of the cluster: most of a day nothing changes.
    seen: (u64, Vec<serde_json::Value>),
    asked: BTreeSet<usize>,
    lives: Vec<u32>,
    flush_at: Vec<Option<Timestamp>>,
    slow: Vec<Duration>,
    gossip_cut: u32,
    webhooks_lost: u32,
    answers_lost: u32,
    host_away: u32,
    paused: u32,
    held: u32,
    judge: Judge,
    day: Day,
}

/// A folder in memory, where there is one: what is tried here is no disk.
fn folder() -> tempfile::TempDir {
    let in_memory = std::path::Path::new("/dev/shm");
    let made = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
    #[expect(clippy::unwrap_used, reason = "a test without a folder can't be")]
    made.unwrap()
}

/// An object's namespace and name.
pub(crate) fn names(object: usize) -> (String, String) {
    (format!("ns-{}", object % 3), format!("app-{object}"))
}

fn reference(object: usize) -> ObjectRef {
    let (namespace, name) = names(object);
    Target {
        kind: Kind::new("v1", "ConfigMap"),
        namespace: Some(namespace),
        name,
        uid: None,
        subresource: None,
    }
    .reference()
}

/// The labels of an object's alert, but for its name.
pub(crate) fn labels(object: usize) -> Labels {
    let (namespace, name) = names(object);
    [("namespace".to_owned(), namespace), ("name".to_owned(), name), ("replica".to_owned(), "a".to_owned())]
        .into()
}

impl<'a> World<'a> {
    #[expect(clippy::unwrap_used, reason = "constants")]
    fn new(plan: &'a Plan) -> Self {
        let start: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let setup = &plan.setup;
        let clock = VirtualClock::new(start, later(start, 2 * DAY));
        let object = |object: usize| {
            let (namespace, name) = names(object);
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace},
                "data": {"state": "healthy"}})
        };
        let objects = (0..setup.objects).map(object).collect();
        let fixture = Fixture { now: start, objects, ..Fixture::default() };
        let cluster = SimulatedCluster::new(fixture, std::sync::Arc::new(clock.clone())).unwrap();
        let mut relabeling = AlertRelabeling::default();
        if setup.relabels {
            relabeling.external_labels.insert("cluster".to_owned(), "home".to_owned());
            let rule = json!({"action": "labeldrop", "regex": "replica"});
            relabeling.rules.push(serde_json::from_value(rule).unwrap());
        }
        let rule = AlertingRule {
            alertname: ALERTNAME.to_owned(),
            hold: setup.hold,
            keep_firing_for: setup.keep_firing_for,
            interval: EVALUATED_EVERY,
        };
        let mut group_by = vec!["alertname".to_owned()];
        group_by.extend(setup.grouped_by_namespace.then(|| "namespace".to_owned()));
        let route = Route {
            for_people: "Suture".to_owned(),
            group_by,
            group_wait: Duration::from_secs(30),
            group_interval: GROUP_INTERVAL,
            repeat_interval: setup.repeat_interval,
            resolve_timeout: GROUP_INTERVAL,
            inhibit: Vec::new(),
            max_alerts: 0,
        };
        let monitoring = Monitoring {
            prometheus: SimulatedPrometheus::new(rule, relabeling),
            alertmanagers: vec![SimulatedAlertmanager::new(route); setup.alertmanagers],
            is_prometheus_away: false,
            is_alertmanager_away: vec![false; setup.alertmanagers],
            is_api_away: false,
        };
        let reach = Reach::new(cluster, monitoring, clock.clone());
        Self {
            plan,
            start,
            folder: folder(),
            reach,
            host: None,
            tasks: BinaryHeap::new(),
            bodies: BTreeMap::new(),
            next_task: 0,
            version: 1,
            gaps: BTreeSet::new(),
            seen: (u64::MAX, Vec::new()),
            asked: BTreeSet::new(),
            lives: vec![0; setup.alertmanagers],
            flush_at: vec![None; setup.alertmanagers],
            slow: vec![Duration::ZERO; setup.alertmanagers],
            gossip_cut: 0,
            webhooks_lost: 0,
            answers_lost: 0,
            host_away: 0,
            paused: 0,
            held: 0,
            judge: Judge::new(plan, start),
            day: Day::default(),
            clock,
        }
    }

    fn play(mut self) -> Result<Day, Fault> {
        self.wake_host()?;
        self.later(Duration::from_secs(7), Task::Evaluate);
        self.later(JUDGED_EVERY, Task::Judge);
        self.later(RECONCILED_EVERY, Task::Reconcile);
        self.later(TROUBLE_ENDS, Task::End(Over::Trouble));
        for index in 0..self.plan.events.len() {
            self.later(self.plan.events[index].at, Task::Happen(index));
        }
        let end = later(self.start, DAY);
        while let Some(Reverse((at, number))) = self.tasks.pop() {
            let Some(task) = self.bodies.remove(&number) else { continue };
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
        self.next_task += 1;
        self.tasks.push(Reverse((later(self.clock.now(), after), self.next_task)));
        self.bodies.insert(self.next_task, task);
    }

    fn perform(&mut self, task: Task) -> Result<(), Fault> {
        match task {
            Task::Evaluate => self.evaluate(),
            Task::Judge => {
                self.judge()?;
                self.later(JUDGED_EVERY, Task::Judge);
            }
            Task::Reconcile => {
                self.reconcile();
                self.later(RECONCILED_EVERY, Task::Reconcile);
            }
            Task::Flush(of) => self.flush(of),
            Task::Deliver { from, life, flushed, backoff, until } => {
                self.deliver(from, life, flushed, backoff, until)
            }
            Task::Answered { from, life, flushed } => self.answered(from, life, &flushed),
            Task::Happen(index) => {
                let what = self.plan.events[index].what.clone();
                self.happen(&what);
            }
            Task::End(over) => self.end(over)?,
        }
        Ok(())
    }

    fn evaluate(&mut self) {
        self.later(EVALUATED_EVERY, Task::Evaluate);
        let now = self.clock.now();
        self.controllers();
        if self.reach.monitoring.lock().is_prometheus_away {
            return;
        }
        let broken = (0..self.plan.setup.objects).filter(|object| !self.gaps.contains(object));
        let broken = broken.filter(|object| self.seen.1[*object]["state"] != "healthy").map(labels).collect();
        {
            let mut monitoring = self.reach.monitoring.lock();
            monitoring.prometheus.evaluate(now, &broken);
            let posted = monitoring.prometheus.to_post(now);
            let Monitoring { alertmanagers, is_alertmanager_away, .. } = &mut *monitoring;
            for (of, alertmanager) in alertmanagers.iter_mut().enumerate() {
                if !is_alertmanager_away[of] {
                    posted.iter().for_each(|alert| alertmanager.receive(alert.clone(), now));
                }
            }
        }
        (0..self.lives.len()).for_each(|of| self.flush_later(of));
    }

    /// Look at an Alertmanager's groups when the next is due.
    fn flush_later(&mut self, of: usize) {
        let Some(at) = self.reach.monitoring.lock().alertmanagers[of].next_flush() else { return };
        if self.flush_at[of].is_none_or(|known| at < known) {
            self.flush_at[of] = Some(at);
            let now = self.clock.now();
            self.later(now.duration_until(at).try_into().unwrap_or_default(), Task::Flush(of));
        }
    }

    /// What controllers in the cluster do.
    fn controllers(&mut self) {
        let version = self.reach.cluster.version();
        if self.seen.0 != version {
            self.seen = (version, (0..self.plan.setup.objects).map(|object| self.data(object)).collect());
        }
        for object in 0..self.plan.setup.objects {
            let data = &self.seen.1[object];
            if data["asked"] == "yes" && data["state"] != "healthy" && self.asked.insert(object) {
                self.later(SLOW, Task::End(Over::Asked(object)));
            }
        }
    }

    fn flush(&mut self, of: usize) {
        let now = self.clock.now();
        self.flush_at[of] = None;
        let flushed = {
            let mut monitoring = self.reach.monitoring.lock();
            if monitoring.is_alertmanager_away[of] {
                return;
            }
            monitoring.alertmanagers[of].flush(now)
        };
        self.flush_later(of);
        let until = later(now, GROUP_INTERVAL);
        let position = u32::try_from(of).unwrap_or(0);
        for flushed in flushed {
            let flushed = Box::new(flushed);
            let backoff = Duration::from_secs(1);
            let (from, life) = (of, self.lives[of]);
            self.later(position * PEER_TIMEOUT, Task::Deliver { from, life, flushed, backoff, until });
        }
    }

    fn deliver(
        &mut self,
        from: usize,
        life: u32,
        flushed: Box<Flushed>,
        backoff: Duration,
        until: Timestamp,
    ) {
        let now = self.clock.now();
        if life != self.lives[from] || now >= until {
            return;
        }
        if !self.reach.monitoring.lock().alertmanagers[from].is_news(&flushed) {
            return self.answered(from, life, &flushed);
        }
        let is_told = self.webhooks_lost == 0 && self.told(&flushed);
        if is_told && self.answers_lost == 0 {
            return self.later(self.slow[from], Task::Answered { from, life, flushed });
        }
        let next = (2 * backoff).min(MOST_BACKOFF);
        self.later(backoff, Task::Deliver { from, life, flushed, backoff: next, until });
    }

    /// The host takes a notification.
    fn told(&mut self, flushed: &Flushed) -> bool {
        let Some(host) = &self.host else { return false };
        let Ok(body) = serde_json::to_vec(&flushed.notification) else { return false };
        let is_told = host.deliver(Envelope::from(&flushed.notification), body).is_ok();
        self.day.notifications += usize::from(is_told);
        is_told
    }

    /// What the Alertmanagers have for the receiver, and do not keep back.
    fn reconcile(&mut self) {
        let now = self.clock.now();
        let notifications: Vec<_> = {
            let monitoring = self.reach.monitoring.lock();
            let away = &monitoring.is_alertmanager_away;
            let reached = monitoring.alertmanagers.iter().zip(away).filter(|(_, is_away)| !*is_away);
            reached.map(|(alertmanager, _)| alertmanager.active(now)).collect()
        };
        let Some(host) = &self.host else { return };
        for notification in notifications.iter().filter(|notification| !notification.alerts.is_empty()) {
            if let Ok(body) = serde_json::to_vec(notification) {
                let _ = host.deliver(Envelope::from(notification), body);
            }
        }
    }

    fn answered(&mut self, from: usize, life: u32, flushed: &Flushed) {
        if life != self.lives[from] {
            return;
        }
        let mut monitoring = self.reach.monitoring.lock();
        for (of, alertmanager) in monitoring.alertmanagers.iter_mut().enumerate() {
            if of == from {
                alertmanager.delivered(flushed);
            } else if self.gossip_cut == 0 {
                alertmanager.gossip(flushed);
            }
        }
    }

    fn happen(&mut self, what: &Happening) {
        match *what {
            Happening::Break(object, cause) => self.break_(object, cause),
            Happening::Mend(object) => self.mend(object),
            Happening::PrometheusAway(lasts) => {
                self.reach.monitoring.lock().is_prometheus_away = true;
                self.later(lasts, Task::End(Over::Prometheus));
            }
            Happening::ScrapeGap(object, lasts) => {
                self.gaps.insert(object);
                self.later(lasts, Task::End(Over::ScrapeGap(object)));
            }
            Happening::AlertmanagerAway(of, lasts) => {
                self.reach.monitoring.lock().is_alertmanager_away[of] = true;
                self.lives[of] += 1;
                self.later(lasts, Task::End(Over::Alertmanager(of)));
            }
            Happening::GossipCut(lasts) => {
                self.gossip_cut += 1;
                self.later(lasts, Task::End(Over::Gossip));
            }
            Happening::WebhooksLost(lasts) => {
                self.webhooks_lost += 1;
                self.later(lasts, Task::End(Over::WebhooksLost));
            }
            Happening::AnswersLost(lasts) => {
                self.answers_lost += 1;
                self.later(lasts, Task::End(Over::AnswersLost));
            }
            Happening::Slow(of, by, lasts) => {
                self.slow[of] = by;
                self.later(lasts, Task::End(Over::Slow(of)));
            }
            Happening::Killed(lasts) => {
                self.host_away += 1;
                self.host = None;
                self.later(lasts, Task::End(Over::HostAway));
            }
            Happening::Stopped(lasts) => {
                self.host_away += 1;
                if let Some(host) = self.host.take() {
                    host.stop();
                }
                self.later(lasts, Task::End(Over::HostAway));
            }
            Happening::ApiAway(lasts) => {
                self.reach.monitoring.lock().is_api_away = true;
                self.later(lasts, Task::End(Over::Api));
            }
            Happening::Paused(lasts) => {
                self.paused += 1;
                self.pause(later(self.clock.now(), lasts));
                self.later(lasts, Task::End(Over::Paused));
            }
            Happening::Held(lasts) => {
                self.held += 1;
                self.control();
                self.later(lasts, Task::End(Over::Held));
            }
            Happening::Cancel => self.cancel(),
            Happening::Swap => {
                self.version += 1;
                if let Some(host) = &self.host {
                    host.swap(&self.reach, self.version);
                }
            }
            Happening::Retry => self.retry(),
            Happening::Silence(object, lasts) => self.silence(object, lasts),
        }
    }

    fn end(&mut self, over: Over) -> Result<(), Fault> {
        let now = self.clock.now();
        self.judge.disturbed_until(now);
        match over {
            Over::Prometheus => {
                let mut monitoring = self.reach.monitoring.lock();
                monitoring.is_prometheus_away = false;
                monitoring.prometheus.restart();
            }
            Over::ScrapeGap(object) => drop(self.gaps.remove(&object)),
            Over::Alertmanager(of) => {
                let mut monitoring = self.reach.monitoring.lock();
                monitoring.is_alertmanager_away[of] = false;
                monitoring.alertmanagers[of].restart();
            }
            Over::Gossip => self.gossip_cut -= 1,
            Over::WebhooksLost => self.webhooks_lost -= 1,
            Over::AnswersLost => self.answers_lost -= 1,
            Over::Slow(of) => self.slow[of] = Duration::ZERO,
            Over::HostAway => {
                self.host_away -= 1;
                if self.host_away == 0 {
                    self.wake_host()?;
                }
            }
            Over::Api => self.reach.monitoring.lock().is_api_away = false,
            Over::Paused => self.paused -= 1,
            Over::Held => {
                self.held -= 1;
                self.control();
            }
            Over::Asked(object) => {
                self.asked.remove(&object);
                if self.data(object)["asked"] == "yes" {
                    self.edit(object, |data| {
                        data["state"] = json!("healthy");
                        data["asked"] = json!("done");
                    });
                }
            }
            Over::Trouble => (0..self.plan.setup.objects).for_each(|object| self.mend(object)),
        }
        Ok(())
    }

    fn wake_host(&mut self) -> Result<(), Fault> {
        self.day.lives += 1;
        let started =
            Host::start(self.folder.path(), &self.clock, &self.reach, self.plan.setup.storm, self.version);
        let host = started
            .map_err(|error| Fault::new(self.clock.now(), format!("the host does not start: {error}")))?;
        self.host = Some(host);
        self.control();
        Ok(())
    }

    /// Whether the policy is held back, whoever starts it finds out.
    fn control(&self) {
        let Some(host) = &self.host else { return };
        let hold = if self.held > 0 { Hold::all("it may not") } else { Hold::default() };
        host.engine().hold("heal", hold);
    }

    /// A pause outlives the host, and ends by itself.
    fn pause(&self, until: Timestamp) {
        let Some(host) = &self.host else { return };
        let engine = host.engine().clone();
        host.ask(async move {
            let order = PauseOrder { until: Some(until), ..PauseOrder::of_host("somebody") };
            let _ = engine.pause(order).await;
        });
    }

    fn cancel(&self) {
        let Some(host) = &self.host else { return };
        let engine = host.engine().clone();
        host.ask(async move {
            for run in engine.journal().unfinished_runs().await.unwrap_or_default() {
                let _ = engine.cancel(&run.id, "somebody said so").await;
            }
        });
    }

    fn retry(&self) {
        let Some(host) = &self.host else { return };
        let engine = host.engine().clone();
        host.ask(async move {
            let filter = Filter { state: Some("escalated".to_owned()), ..Filter::default() };
            let Ok(found) = engine.journal().incidents(filter).await else { return };
            for incident in found.items.iter().filter(|incident| incident.closed_at.is_none()) {
                let _ = engine.retry(&incident.id, "somebody").await;
            }
        });
    }

    fn silence(&mut self, object: usize, lasts: Duration) {
        let (namespace, name) = names(object);
        let of = Labels::from([("namespace".to_owned(), namespace), ("name".to_owned(), name)]);
        let from = self.clock.now();
        let suppression = Suppression { labels: of, from, until: later(from, lasts) };
        let mut monitoring = self.reach.monitoring.lock();
        monitoring.alertmanagers.iter_mut().for_each(|to| to.suppress(suppression.clone()));
    }

    fn break_(&mut self, object: usize, cause: Cause) {
        if self.state(object) != "healthy" {
            return;
        }
        self.judge.broke(object, self.clock.now());
        self.edit(object, |data| {
            *data = json!({"state": "broken", "cause": cause.as_str(), "lock": data["lock"]});
        });
    }

    fn mend(&mut self, object: usize) {
        self.edit(object, |data| data["state"] = json!("healthy"));
    }

    fn data(&self, object: usize) -> serde_json::Value {
        self.reach.cluster.object(&reference(object)).map(|object| object["data"].clone()).unwrap_or_default()
    }

    fn state(&self, object: usize) -> String {
        self.data(object)["state"].as_str().unwrap_or_default().to_owned()
    }

    fn edit(&self, object: usize, change: impl FnOnce(&mut serde_json::Value)) {
        #[expect(clippy::unwrap_used, reason = "nobody deletes it")]
        self.reach
            .cluster
            .edit(&reference(object), |object| {
                change(&mut object["data"]);
                if let Some(data) = object["data"].as_object_mut() {
                    data.retain(|_, value| !value.is_null());
                }
            })
            .unwrap();
    }

    fn is_disturbed(&self) -> bool {
        let monitoring = self.reach.monitoring.lock();
        self.host.is_none()
            || monitoring.is_prometheus_away
            || monitoring.is_api_away
            || monitoring.is_alertmanager_away.contains(&true)
            || self.webhooks_lost + self.answers_lost + self.paused + self.held > 0
    }

    fn judge(&mut self) -> Result<(), Fault> {
        let now = self.clock.now();
        if self.is_disturbed() {
            self.judge.disturbed_until(now);
        }
        let Some(host) = &self.host else { return Ok(()) };
        self.judge.look(now, host, &self.reach, &self.gaps)
    }

    fn finish(mut self) -> Result<Day, Fault> {
        let now = self.clock.now();
        let Some(host) = &self.host else {
            return Err(Fault::new(now, "the host is away at the end".to_owned()));
        };
        let (incidents, runs) = self.judge.finish(now, host, &self.reach)?;
        for object in 0..self.plan.setup.objects {
            let data = self.data(object);
            if !data["lock"].is_null() {
                return Err(Fault::new(now, format!("what was to be taken back of {object} is not: {data}")));
            }
        }
        (self.day.incidents, self.day.runs) = (incidents, runs);
        Ok(self.day)
    }
}
