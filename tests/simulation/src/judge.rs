//! What must hold, whatever happens.

mod approved;
mod kept_back;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use suture_core::clock::later;
use suture_core::{IncidentId, Labels, Timestamp};
use suture_journal::{Filter, IncidentRecord, IncidentState, RunRecord};
use suture_simulator::Performed;

use crate::day::{labels, names};
use crate::host::Host;
use crate::plan::Plan;
use crate::reach::Reach;
use kept_back::KeptBack;

/// How long an incident that the host has to do with may stand as it stands, while nothing is wrong.
const STUCK: Duration = Duration::from_secs(5400);
/// How long an alert may fire without an incident, while nothing is wrong.
const UNHEARD: Duration = Duration::from_secs(1800);
/// How long an escalation may be unknown to an Alertmanager, while nothing is wrong.
const UNTOLD: Duration = Duration::from_secs(180);

/// Something that was not as it must be.
#[derive(Clone, Debug)]
pub struct Fault {
    /// When it was seen.
    pub at: Timestamp,
    /// What.
    pub what: String,
}

impl Fault {
    pub(crate) fn new(at: Timestamp, what: String) -> Self {
        Self { at, what }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// Looks on.
pub(crate) struct Judge {
    /// Since when nothing is wrong.
    calm_since: Timestamp,
    /// How each active incident stands, and since when.
    standing: BTreeMap<IncidentId, (String, Timestamp)>,
    /// Since when each object's alert fires without a break.
    firing: BTreeMap<usize, Timestamp>,
    kept_back: KeptBack,
    objects: usize,
}

impl Judge {
    pub fn new(plan: &Plan, start: Timestamp, reach: &Reach) -> Self {
        Self {
            calm_since: start,
            standing: BTreeMap::new(),
            firing: BTreeMap::new(),
            kept_back: KeptBack::of(plan, &reach.relabeling()),
            objects: plan.setup.objects,
        }
    }

    /// See whose alerts the Alertmanagers keep to themselves.
    pub fn see_kept_back(&mut self, now: Timestamp, reach: &Reach) {
        self.kept_back.see(now, &reach.monitoring.lock().alertmanagers);
    }

    /// Something was wrong until now.
    pub fn disturbed_until(&mut self, now: Timestamp) {
        self.calm_since = now;
    }

    fn is_calm_for(&self, now: Timestamp, lasts: Duration) -> bool {
        later(self.calm_since, lasts) <= now
    }

    /// Look at everything.
    pub fn look(
        &mut self,
        now: Timestamp,
        host: &Host,
        reach: &Reach,
        gaps: &BTreeSet<usize>,
    ) -> Result<(), Fault> {
        let (open, runs) = read(host).map_err(|error| Fault::new(now, error))?;
        self.one_run_a_key(now, &open, &runs)?;
        self.nothing_is_stuck(now, &open)?;
        self.people_know(now, &open, reach)?;
        self.nothing_is_unheard(now, &open, reach, gaps)
    }

    fn one_run_a_key(
        &self,
        now: Timestamp,
        open: &[IncidentRecord],
        runs: &[RunRecord],
    ) -> Result<(), Fault> {
        let mut at_work: BTreeMap<&Labels, &RunRecord> = BTreeMap::new();
        for run in runs {
            let Some(incident) = open.iter().find(|incident| incident.id == run.incident) else { continue };
            if let Some(other) = at_work.insert(&incident.key, run) {
                let what = format!("two runs at once of {:?}: {} and {}", incident.key, run.id, other.id);
                return Err(Fault::new(now, what));
            }
        }
        Ok(())
    }

    fn nothing_is_stuck(&mut self, now: Timestamp, open: &[IncidentRecord]) -> Result<(), Fault> {
        let mut standing = BTreeMap::new();
        for incident in open.iter().filter(|incident| incident.state.is_active()) {
            let how = format!(
                "{:?} {:?} {:?} {:?}",
                incident.state, incident.due, incident.attempts, incident.runs
            );
            let since = match self.standing.remove(&incident.id) {
                Some((before, since)) if before == how => since,
                Some(_) | None => now,
            };
            if later(since, STUCK) <= now && self.is_calm_for(now, STUCK) {
                return Err(Fault::new(now, format!("it is stuck since {since}: {incident:?}")));
            }
            standing.insert(incident.id.clone(), (how, since));
        }
        self.standing = standing;
        Ok(())
    }

    /// What is escalated stands in every Alertmanager.
    fn people_know(&self, now: Timestamp, open: &[IncidentRecord], reach: &Reach) -> Result<(), Fault> {
        if !self.is_calm_for(now, UNTOLD) {
            return Ok(());
        }
        let monitoring = reach.monitoring.lock();
        for incident in open {
            match incident.state {
                IncidentState::AwaitingApproval => {
                    approved::people_are_asked(now, incident, &monitoring.alertmanagers, UNTOLD)
                        .map_err(|what| Fault::new(now, what))?;
                    continue;
                }
                IncidentState::Escalated if later(incident.opened_at, UNTOLD) <= now => {}
                IncidentState::Failed if self.is_calm_for(now, Duration::from_secs(900)) => {
                    return Err(Fault::new(now, format!("nobody was told, and nobody is: {incident:?}")));
                }
                _ => continue,
            }
            let is_it =
                |labels: &&Labels| labels.get("incident").map(String::as_str) == Some(incident.id.as_str());
            let mut alertmanagers = monitoring.alertmanagers.iter();
            if !alertmanagers.all(|of| of.holding(now).any(|labels| is_it(&labels))) && incident.paged {
                return Err(Fault::new(
                    now,
                    format!("an escalation does not stand in Alertmanager: {incident:?}"),
                ));
            }
            if !incident.paged && self.is_calm_for(now, Duration::from_secs(900)) {
                return Err(Fault::new(now, format!("nobody was told of it: {incident:?}")));
            }
        }
        Ok(())
    }

    /// What fires has an incident.
    fn nothing_is_unheard(
        &mut self,
        now: Timestamp,
        open: &[IncidentRecord],
        reach: &Reach,
        gaps: &BTreeSet<usize>,
    ) -> Result<(), Fault> {
        let monitoring = reach.monitoring.lock();
        for object in 0..self.objects {
            let of = labels(object);
            let sent = monitoring.prometheus.relabeling().as_sent(&of).unwrap_or_default();
            let is_kept_back = monitoring.alertmanagers.iter().any(|by| by.is_suppressed(&sent, now));
            if !monitoring.prometheus.is_firing(&of) || is_kept_back || gaps.contains(&object) {
                self.firing.remove(&object);
                continue;
            }
            let since = *self.firing.entry(object).or_insert(now);
            let (namespace, name) = names(object);
            let is_known = open.iter().any(|incident| {
                incident.key.get("namespace") == Some(&namespace) && incident.key.get("name") == Some(&name)
            });
            if !is_known && later(since, UNHEARD) <= now && self.is_calm_for(now, UNHEARD) {
                return Err(Fault::new(now, format!("{name} fires since {since}, and no incident is open")));
            }
        }
        Ok(())
    }

    /// Look back at the day.
    pub fn finish(
        &self,
        now: Timestamp,
        host: &Host,
        reach: &Reach,
    ) -> Result<(Vec<IncidentRecord>, usize), Fault> {
        let (open, runs) = read(host).map_err(|error| Fault::new(now, error))?;
        if let Some(run) = runs.first() {
            return Err(Fault::new(now, format!("a run is at work at the end: {run:?}")));
        }
        if let Some(incident) = open.first() {
            return Err(Fault::new(now, format!("an incident is open at the end: {incident:?}")));
        }
        let inbox = host.engine().journal().inbox_len();
        if inbox > 0 {
            return Err(Fault::new(now, format!("{inbox} notifications were never routed")));
        }
        let monitoring = reach.monitoring.lock();
        for alertmanager in &monitoring.alertmanagers {
            if let Some(left) = alertmanager.holding(now).next() {
                return Err(Fault::new(now, format!("it stands in Alertmanager at the end: {left:?}")));
            }
        }
        drop(monitoring);
        let (incidents, runs) = all(host).map_err(|error| Fault::new(now, error))?;
        approved::nothing_else_was_done(host).map_err(|what| Fault::new(now, what))?;
        self.nothing_was_done_twice(now, reach)?;
        self.what_is_kept_back_was_left_alone(now, reach, &incidents)?;
        Ok((incidents, runs))
    }

    fn nothing_was_done_twice(&self, now: Timestamp, reach: &Reach) -> Result<(), Fault> {
        let mut done = BTreeSet::new();
        for performed in changes(reach) {
            let Some(step) = &performed.step else { continue };
            let undo = performed.patch.as_ref().is_some_and(|patch| patch["data"]["lock"].is_null());
            if performed.patch.is_some() && !done.insert((step.run.clone(), step.number, undo)) {
                return Err(Fault::new(now, format!("done twice: {step:?} {:?}", performed.patch)));
            }
        }
        Ok(())
    }

    /// Nothing was begun for what was silenced or inhibited. A run that had begun to change things
    /// before may go on.
    fn what_is_kept_back_was_left_alone(
        &self,
        now: Timestamp,
        reach: &Reach,
        incidents: &[IncidentRecord],
    ) -> Result<(), Fault> {
        let mut begun = BTreeSet::new();
        for performed in changes(reach) {
            let at = performed.at;
            let Some(step) = &performed.step else { continue };
            if !begun.insert(step.run.clone()) {
                continue;
            }
            let of_object = |object: &usize| names(*object).1 == performed.object.name;
            let Some(object) = (0..self.objects).find(of_object) else { continue };
            let Some(incident) = incidents.iter().find(|incident| incident.runs.contains(&step.run)) else {
                return Err(Fault::new(now, format!("no incident has the run of {step:?}")));
            };
            if let Some(from) = self.kept_back.since(object, at).filter(|from| *from < at) {
                let what =
                    format!("{object} was touched at {at} although kept back since {from}: {incident:?}");
                return Err(Fault::new(now, what));
            }
        }
        Ok(())
    }
}

/// What was changed in the cluster.
fn changes(reach: &Reach) -> impl Iterator<Item = Performed> {
    reach.cluster.mutations().into_iter().filter(|performed| !performed.dry_run)
}

/// All incidents of the day, and how many runs there were.
fn all(host: &Host) -> Result<(Vec<IncidentRecord>, usize), String> {
    let engine = host.engine().clone();
    host.ask(async move {
        let all = || Filter { limit: Some(Filter::MAX_LIMIT), ..Filter::default() };
        let incidents = engine.journal().incidents(all()).await.map_err(|error| error.to_string())?;
        let runs = engine.journal().runs(all()).await.map_err(|error| error.to_string())?;
        Ok((incidents.items, runs.items.len()))
    })
}

/// The open incidents, and the runs at work.
fn read(host: &Host) -> Result<(Vec<IncidentRecord>, Vec<RunRecord>), String> {
    let engine = host.engine().clone();
    host.ask(async move {
        let filter = Filter { limit: Some(Filter::MAX_LIMIT), ..Filter::default() };
        let page = engine.journal().incidents(filter).await.map_err(|error| error.to_string())?;
        let open = page.items.into_iter().filter(|incident| incident.closed_at.is_none()).collect();
        let runs = engine.journal().unfinished_runs().await.map_err(|error| error.to_string())?;
        Ok((open, runs))
    })
}
