//! What must hold, whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use suture_core::clock::later;
use suture_core::{IncidentId, Labels, Timestamp};
use suture_journal::{Filter, IncidentRecord, IncidentState, RunRecord};

use crate::host::Host;
use crate::plan::{Happening, Plan};
use crate::reach::Reach;
use crate::world::{labels, names};

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
    /// When each object broke last.
    broke: BTreeMap<usize, Timestamp>,
    /// Silences: object, from, until.
    silences: Vec<(usize, Timestamp, Timestamp)>,
    objects: usize,
}

impl Judge {
    pub fn new(plan: &Plan, start: Timestamp) -> Self {
        let silence = |event: &crate::plan::Event| match event.what {
            Happening::Silence(object, lasts) => {
                let from = later(start, event.at);
                Some((object, from, later(from, lasts)))
            }
            _ => None,
        };
        Self {
            calm_since: start,
            standing: BTreeMap::new(),
            firing: BTreeMap::new(),
            broke: BTreeMap::new(),
            silences: plan.events.iter().filter_map(silence).collect(),
            objects: plan.setup.objects,
        }
    }

    /// Something was wrong until now.
    pub fn disturbed_until(&mut self, now: Timestamp) {
        self.calm_since = now;
    }

    /// An object breaks.
    pub fn broke(&mut self, object: usize, now: Timestamp) {
        self.broke.insert(object, now);
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
            let is_silenced = monitoring.alertmanagers.iter().any(|by| by.is_suppressed(&of, now));
            if !monitoring.prometheus.is_firing(&of) || is_silenced || gaps.contains(&object) {
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
    pub fn finish(&self, now: Timestamp, host: &Host, reach: &Reach) -> Result<(usize, usize), Fault> {
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
        self.nothing_was_done_twice(now, reach)?;
        let engine = host.engine().clone();
        Ok(host.ask(async move {
            let all =
                |state: Option<String>| Filter { state, limit: Some(Filter::MAX_LIMIT), ..Filter::default() };
            let incidents = engine.journal().incidents(all(None)).await.map_or(0, |page| page.items.len());
            let runs = engine.journal().runs(all(None)).await.map_or(0, |page| page.items.len());
            (incidents, runs)
        }))
    }

    fn nothing_was_done_twice(&self, now: Timestamp, reach: &Reach) -> Result<(), Fault> {
        let mut done = BTreeSet::new();
        for performed in reach.cluster.mutations() {
            if performed.dry_run {
                continue;
            }
            let Some(step) = &performed.step else { continue };
            let undo = performed.patch.as_ref().is_some_and(|patch| patch["data"]["lock"].is_null());
            if performed.patch.is_some() && !done.insert((step.run.clone(), step.number, undo)) {
                return Err(Fault::new(now, format!("done twice: {step:?} {:?}", performed.patch)));
            }
            let Some(object) = (0..self.objects).find(|object| names(*object).1 == performed.object.name)
            else {
                continue;
            };
            let broke = self.broke.get(&object);
            let silenced = self.silences.iter().find(|(of, from, until)| {
                *of == object
                    && *from <= performed.at
                    && performed.at < *until
                    && broke.is_some_and(|broke| from < broke)
            });
            if let Some((_, from, until)) = silenced
                && broke.is_some_and(|broke| *broke <= performed.at)
            {
                let what = format!(
                    "{object} was touched at {} although silenced from {from} to {until}",
                    performed.at
                );
                return Err(Fault::new(now, what));
            }
        }
        Ok(())
    }
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
