//! Sees to backups of Kopiur that failed or are overdue. A retry of Kopiur's is a new Snapshot, a
//! Snapshot is its backup, and most of what fails the operator heals by itself: so this policy
//! reads everything first, waits for what heals, runs a backup once more where that may help, and
//! hands the rest to a person in the operator's own words.
//!
//! Why it does what it does stands in README.md.

mod backup;
mod clear;
mod failure;
mod gate;
mod history;
mod manifest;
mod need;
mod policy;
mod reference;
mod repository;
mod schedule;
mod seen;
mod snapshot;
mod tail;
mod target;

use suture_policy::kube;
use suture_policy::stop::{Stop, denied_is_for_people, escalate, retry, unnecessary};
use suture_policy::{Duration, Error, Incident, Manifest, Outcome, Policy, Time, clock, step};

use manifest::{Backups, Settings};
use need::Need;
use repository::Reach;
use seen::Seen;
use snapshot::Snapshot;
use target::Target;

/// How often it looks before it gives up: each look finds something changed.
const MOST_LOOKS: u32 = 8;
/// How long after a slot its run is looked at.
const AFTER_SLOT: Duration = Duration::minutes(5);

/// The policy.
pub struct Kopiur;

suture_policy::policy!(Kopiur);

impl Policy for Kopiur {
    type Settings = Settings;

    fn manifest() -> Manifest {
        manifest::manifest()
    }

    fn remediate(incident: Incident, settings: Settings) -> Result<Outcome, Error> {
        repair(&incident, &settings)
            .map(Outcome::remediated)
            .or_else(Stop::outcome)
            .or_else(denied_is_for_people)
    }
}

/// The whole repair. `Ok` says how a backup ended; every `?` ends it earlier.
fn repair(incident: &Incident, settings: &Settings) -> Result<String, Stop> {
    let target = Target::of(incident)?;
    let give_up = clock::now() + settings.patience;
    let mut before: Option<Need> = None;
    for _ in 0..MOST_LOOKS {
        step!("looking at the backups of SnapshotPolicy {target}");
        let seen = Seen::of(&target)?;
        need::is_met(&seen, &target, incident, settings)?;
        if let Some(run) = seen.history.unfinished() {
            if run.incident() == Some(incident.id.as_str()) {
                return backup::follow(run, &seen, settings);
            }
            wait_for(run, &seen, give_up, settings)?;
            before = None;
            continue;
        }
        let need = need::of(&seen, &target)?;
        if !is_reached(&seen, &need, give_up, settings)? {
            before = None;
            continue;
        }
        must_be_ours(&need, &seen, &target, settings)?;
        // What was judged is looked at once more: somebody may have been quicker.
        if before.as_ref().is_some_and(|before| need.is_still(before)) {
            return backup::run(&need, &seen, &target, incident, settings);
        }
        before = Some(need);
    }
    retry(
        settings.retry_after,
        format!("the backups of SnapshotPolicy {target} change all the time; nothing was started"),
    )
}

/// A run is at work, or waits for what comes by itself.
fn wait_for(run: &Snapshot, seen: &Seen, give_up: Time, settings: &Settings) -> Result<(), Stop> {
    gate::must_heal(run, Some(&seen.repository), seen.now, settings)?;
    step!("waiting for Snapshot {}, which is at work", run.shown());
    if !matches!(kube::of(run).wait(backup::over(), give_up.since(seen.now))?, kube::Waited::Timeout) {
        return Ok(());
    }
    let Some(now) = gate::again(run)? else { return Ok(()) };
    let doing = gate::must_heal(&now, Some(&seen.repository), clock::now(), settings)?;
    retry(settings.retry_after, format!("{doing}; nothing was started beside it"))
}

/// Whether the repository can be reached; where it could not and was waited for, all is to be
/// looked at again.
fn is_reached(seen: &Seen, need: &Need, give_up: Time, settings: &Settings) -> Result<bool, Stop> {
    let why = match seen.repository.reach()? {
        Reach::Ready => return Ok(true),
        Reach::Paused(why) => return unnecessary(why),
        Reach::Broken(why) => return escalate(format!("{why}; {need}. Nothing was started")),
        Reach::Heals(why) => why,
    };
    let left = give_up.since(seen.now);
    if left > Duration::millis(0) {
        step!("waiting for {}", seen.repository);
        seen.repository.wait(left)?;
        if seen.repository.reach()? == Reach::Ready {
            return Ok(false);
        }
    }
    retry(
        settings.retry_after,
        format!("{why}; the operator tries it again by itself, and nothing was started"),
    )
}

/// Nobody else runs it soon, and this policy may.
fn must_be_ours(need: &Need, seen: &Seen, target: &Target, settings: &Settings) -> Result<(), Stop> {
    if let Some(stuck) = seen.schedules.stuck(seen.now) {
        return escalate(format!("{stuck}; {need}. Nothing was started"));
    }
    if settings.backups == Backups::Never {
        return escalate(format!(
            "{need}: another run may help, and `backups` is `never`; nothing was started. `{}` runs it by hand",
            target.by_hand()
        ));
    }
    let usual = seen.history.usual_duration(need.failed()).unwrap_or_default();
    if let Some((at, schedule)) = seen.schedules.next(seen.now)
        && at.since(seen.now) < usual + settings.slot_margin
    {
        let wait = at.since(seen.now) + AFTER_SLOT;
        return retry(
            wait,
            format!("SnapshotSchedule {schedule} runs it at {at}; that is waited for. {need}"),
        );
    }
    Ok(())
}
