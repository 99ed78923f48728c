//! A growth: from its plan to its end.

use suture_policy::kube::{self, Waited, any, field, last_warning};
use suture_policy::stop::{Stop, escalate, unnecessary};
use suture_policy::{Duration, Error, Outcome, clock, json};

use crate::bounds::Bounds;
use crate::claim::{INFEASIBLE, Name, PersistentVolumeClaim};
use crate::evidence::Evidence;
use crate::manifest::Settings;
use crate::mark::Mark;
use crate::quantity::Quantity;
use crate::usage::Usage;
use crate::{size, tell};

/// Less than this, and what was won is told to a person, too.
const TOO_SHORT: Duration = Duration::hours(24);

/// What is about to be done.
pub struct Growth {
    claim: PersistentVolumeClaim,
    pub from: Quantity,
    pub to: Quantity,
    /// Who bounds it, if it goes no further after this.
    is_last: Option<String>,
}

impl Growth {
    /// The next step, if there is one.
    pub fn plan(
        claim: PersistentVolumeClaim,
        settings: &Settings,
        usage: &Usage,
        bounds: &Bounds,
        evidence: &Evidence,
    ) -> Result<Self, Stop> {
        let (from, name) = (claim.size()?, &usage.name);
        let Some(to) = size::next(from, bounds.largest, settings) else {
            return tell(
                &format!(
                    "claim {name} is of {from}, and {} says that {} is the most; it was not grown",
                    bounds.said_by, bounds.largest
                ),
                evidence,
            );
        };
        let is_last = (to == bounds.largest).then(|| bounds.said_by.clone());
        Ok(Self { claim, from, to, is_last })
    }

    pub fn name(&self) -> Name {
        self.claim.name()
    }

    /// By how much.
    pub fn by(&self) -> Quantity {
        self.to.minus(self.from)
    }

    /// Ask for it, and leave the mark in the same write: one can't be there without the other. It is made
    /// only if nothing about the claim has changed since it was looked at: None where something has. It has no undo, for volumes don't
    /// shrink.
    pub fn start(&self) -> Result<Option<PersistentVolumeClaim>, Stop> {
        let mark = Mark { at: clock::now(), from: self.from, to: self.to };
        let patch = json!({
            "metadata": mark.written(),
            "spec": {"resources": {"requests": {"storage": self.to.exact()}}},
        });
        let name = self.name();
        let version = &self.claim.metadata.resource_version;
        match kube::of(&self.claim).merge_patch(patch).at_version(version).send() {
            Ok(claim) => Ok(Some(claim)),
            Err(error) if error.is_conflict() => Ok(None),
            Err(error) => self.refused(&name, error),
        }
    }

    fn refused<T>(&self, name: &Name, error: Error) -> Result<T, Stop> {
        if error.is_not_found() {
            return unnecessary(format!("claim {name} was deleted before it was grown"));
        }
        if error.is_forbidden() || error.reason == suture_policy::reason::INVALID {
            return escalate(format!(
                "the API server does not let claim {name} grow from {} to {}: {}",
                self.from, self.to, error.message
            ));
        }
        Err(Stop::Error(error))
    }

    /// What is concluded once it is done: a person is told, too, where it does not last.
    pub fn outcome(&self, usage: &Usage, settings: &Settings, evidence: &Evidence) -> Outcome {
        let mut done = format!("claim {} was grown from {} to {}", usage.name, self.from, self.to);
        if let Some(set) = evidence.stateful_set() {
            done.push_str(&format!("; the template of StatefulSet {set} still says the old size, for replicas that are yet to come"));
        }
        let (free, whole) = (usage.free.plus(self.by()), usage.size.plus(self.by()));
        let mut but = Vec::new();
        if let Some(lasts) = evidence.lasts(free).filter(|lasts| *lasts < TOO_SHORT) {
            but.push(format!(
                "as fast as it fills, it is full in {lasts}, and is not grown again within 24 hours"
            ));
        }
        if let Some(said_by) = &self.is_last {
            but.push(format!("that is the most that {said_by} allows"));
        }
        if free < whole.percent(settings.grow_below) {
            but.push(format!("less than {}% of it are free even now", settings.grow_below));
        }
        match but.is_empty() {
            true => Outcome::remediated(format!("{done}. Before that {evidence}")),
            false => Outcome::escalate(format!("{done}, but {}. Before that {evidence}", but.join(", and "))),
        }
    }
}

/// Wait until a claim has what it asks for.
pub fn wait(mut claim: PersistentVolumeClaim, timeout: Duration) -> Result<PersistentVolumeClaim, Stop> {
    let end = clock::now() + timeout;
    loop {
        let name = claim.name();
        if !claim.is_growing() {
            return Ok(claim);
        }
        let left = end.since(clock::now());
        if claim.is_infeasible() || left == Duration::default() {
            return not_grown(&claim, timeout);
        }
        let status = "/status/allocatedResourceStatuses/storage";
        let until = any([
            field("/status/capacity/storage").differs_from(claim.written_size()),
            field("/spec/resources/requests/storage").differs_from(claim.written_request()),
            field("/metadata/deletionTimestamp").exists(),
            field(status).equals(INFEASIBLE[0]),
            field(status).equals(INFEASIBLE[1]),
        ]);
        match kube::of(&claim).wait(until, left)? {
            Waited::Met(now) if now.metadata.is_terminating() => {
                return unnecessary(format!("claim {name} is being deleted while it grows"));
            }
            Waited::Met(now) => {
                // Its sizes must stay readable.
                now.size().and(now.asked())?;
                claim = now;
            }
            Waited::Deleted => return unnecessary(format!("claim {name} was deleted while it grew")),
            // What it says of the reason is newer than what was read.
            Waited::Timeout => match name.reference().find()? {
                Some(now) if now.is_growing() => return not_grown(&now, timeout),
                Some(now) => claim = now,
                None => return unnecessary(format!("claim {name} was deleted while it grew")),
            },
        }
    }
}

/// Why a growth is not done, in the words of who does it.
fn not_grown<T>(claim: &PersistentVolumeClaim, timeout: Duration) -> Result<T, Stop> {
    let (name, asked, size) = (claim.name(), claim.asked()?, claim.size()?);
    let event = match last_warning(claim) {
        Ok(event) => event.map(|event| event.to_string()),
        Err(error) => Some(format!("its events can't be read ({})", error.reason)),
    };
    let why: Vec<_> = claim.why_not_grown().into_iter().chain(event).collect();
    let why = if why.is_empty() { "nobody says why".to_owned() } else { why.join("; ") };
    let next = if claim.waits_for_its_node() {
        format!(
            "The volume has grown, and its file system grows when its pod is started again: `kubectl -n {} describe pvc {}` \
             says which (`Used By`)",
            name.namespace, name.name
        )
    } else {
        format!(
            "`kubectl -n {} describe pvc {}` shows how it goes on; it is asked for no more meanwhile",
            name.namespace, name.name
        )
    };
    let how =
        if claim.is_infeasible() { "can't grow".to_owned() } else { format!("has not grown in {timeout}") };
    escalate(format!("claim {name} is asked to be of {asked}, and {how} from {size}: {why}. {next}"))
}
