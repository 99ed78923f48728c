//! One sync, started by hand and seen to its end.

use suture_policy::kube::{self, Predicate, Ref, Undo, Waited, field, op};
use suture_policy::stop::{Stop, escalate, retry, unnecessary};
use suture_policy::{Result, Time, clock, info, json};

use crate::activity::Activity;
use crate::cause::Cause;
use crate::lock::Lock;
use crate::manifest::Settings;
use crate::mover::Movers;
use crate::source::ReplicationSource;
use crate::{owner, probe, progress, volume};

const MANUAL: &str = "/spec/trigger/manual";
const UNLOCK: &str = "/spec/restic/unlock";
const PAUSED: &str = "/spec/paused";

/// Run a sync under a tag of our own, and if asked, unlock the repository before it.
/// Leaving early gives the schedule back too: the host runs the undo.
/// `met` is the lock that was in the way of the sync before.
pub fn run(
    source: &ReplicationSource,
    tag: &str,
    unlock: bool,
    met: Option<&Lock>,
    settings: &Settings,
) -> Result<String, Stop> {
    let asked = clock::now();
    let trigger = match start(source, tag, unlock) {
        Err(error) if unlock && error.message.contains("unknown field") => {
            return escalate(format!(
                "this VolSync has no `spec.restic.unlock`, so nothing was unlocked; set `unlock: job` ({})",
                error.message
            ));
        }
        trigger => trigger?,
    };
    let Some(synced) = wait(source, tag, unlock, settings)? else {
        let evidence = evidence(source, asked, met, settings)?;
        return escalate(format!("no sync ended within {}; {evidence}", settings.sync_timeout));
    };
    if source.is_kopia() && synced.spec.paused {
        let who = owner::who_set_back(&synced, PAUSED)?;
        return escalate(format!(
            "it was paused meanwhile by {who}: what VolSync reports as a sync has backed up nothing"
        ));
    }
    if let Some(status) = synced.status.latest_mover_status.filter(|status| status.result != "Successful") {
        return escalate(format!("a sync ended, but its mover reports `{}`: {}", status.result, status.logs));
    }
    finish(source, trigger, tag)
}

/// Ask for the sync. The unlock is not taken back: it is plain `restic unlock`, done once,
/// and changing it while the mover runs would make VolSync delete the mover.
fn start(source: &ReplicationSource, tag: &str, unlock: bool) -> Result<Undo<ReplicationSource>> {
    let manual = source.spec.trigger.manual.as_deref();
    if let Some(manual) = manual {
        info!("`spec.trigger.manual` was `{manual}`, left there by somebody; it gives way to {tag}");
    }
    owner::say_who_sets_back(source, MANUAL, manual);
    let mut spec = json!({"trigger": {"manual": tag}});
    if unlock {
        spec["restic"] = json!({"unlock": tag});
        if let Some(before) = source.unlock() {
            info!("`spec.restic.unlock` was `{before}`; it gives way to {tag}");
        }
        owner::say_who_sets_back(source, UNLOCK, source.unlock());
        info!(
            "`spec.restic.unlock` stays, however this ends: a tag that was used does nothing, one that was not unlocks \
             stale locks before the next sync, and to take it away while a mover runs would have VolSync delete the mover"
        );
    }
    let object: Ref<ReplicationSource> = kube::of(source);
    let back = match manual {
        // A source without a schedule must keep some tag: without any trigger VolSync
        // would sync without end.
        Some(before) if has_no_schedule(source) => op::replace(MANUAL, before),
        _ => op::remove(MANUAL),
    };
    object.merge_patch(json!({"spec": spec})).undo(object.json_patch([op::test(MANUAL, tag), back])).send()
}

/// Wait for the end of the sync, unless somebody takes back what was asked for; none where it does not
/// end in time.
fn wait(
    source: &ReplicationSource,
    tag: &str,
    unlock: bool,
    settings: &Settings,
) -> Result<Option<ReplicationSource>, Stop> {
    let mut watched = vec![MANUAL];
    if unlock {
        watched.push(UNLOCK);
    }
    loop {
        let mut until = vec![field("/status/lastManualSync").equals(tag)];
        until.extend(watched.iter().map(|pointer| field(pointer).differs_from(tag)));
        if !source.is_kopia() {
            until.push(field("/spec/paused").equals(true));
        }
        let seen = match kube::of(source).wait(Predicate::Any(until), settings.sync_timeout)? {
            Waited::Met(seen) => seen,
            Waited::Deleted => {
                let (namespace, name) = (source.namespace(), source.name());
                if kube::find::<ReplicationSource>(namespace, name)?.is_some() {
                    return retry(
                        settings.retry_after,
                        "the source was deleted and made anew while it was being repaired; the new one is looked at",
                    );
                }
                return unnecessary("the source was deleted while it was being repaired");
            }
            Waited::Timeout => return Ok(None),
        };
        if seen.status.last_manual_sync.as_deref() == Some(tag) {
            return Ok(Some(seen));
        }
        if seen.spec.paused {
            let who = owner::who_set_back(&seen, PAUSED)?;
            return escalate(format!(
                "it was paused while its sync was waited for, by {who}, so no sync will end"
            ));
        }
        let without = "nothing was unlocked; where it stands in Git, take it out there, or set `unlock: job`";
        let is_taken = watched.contains(&UNLOCK) && seen.unlock() != Some(tag);
        let is_lost = is_taken && seen.status.restic.last_unlocked.as_deref() != Some(tag);
        if seen.spec.trigger.manual.as_deref() != Some(tag) {
            let consequence = match is_lost {
                true => format!("its sync may not run; `spec.restic.unlock` went with it, so {without}"),
                false => "its sync may not run".to_owned(),
            };
            return taken_back(&seen, MANUAL, tag, seen.spec.trigger.manual.as_deref(), &consequence);
        }
        if is_lost {
            return taken_back(&seen, UNLOCK, tag, seen.unlock(), without);
        }
        info!("`spec.restic.unlock` was set back after it had been used");
        watched.retain(|pointer| *pointer != UNLOCK);
    }
}

/// Somebody has set back what was asked for, so its effect is not waited for any more.
fn taken_back<T>(
    source: &ReplicationSource,
    pointer: &str,
    tag: &str,
    now: Option<&str>,
    consequence: &str,
) -> Result<T, Stop> {
    let now = now.map_or_else(|| "removed".to_owned(), |now| format!("set back to `{now}`"));
    let (field, who) = (owner::dotted(pointer), owner::who_set_back(source, pointer)?);
    let what = format!("`{field}`, which this policy had set to `{tag}`, was {now} by {who}");
    info!("{what}");
    escalate(format!("{what} while its effect was waited for: {consequence}"))
}

/// Give the schedule back. Where there is none but a manual trigger, ours is the one that
/// is done and has to stay: the one before would start yet another sync.
fn finish(source: &ReplicationSource, trigger: Undo<ReplicationSource>, tag: &str) -> Result<String, Stop> {
    if has_no_schedule(source) && source.spec.trigger.manual.is_some() {
        trigger.keep()?;
        return Ok(format!("a sync succeeded; there is no schedule, so `{tag}` stays the manual trigger"));
    }
    trigger.undo()?;
    Ok(match &source.spec.trigger.schedule {
        Some(schedule) => format!("a sync succeeded, and the schedule `{schedule}` is back"),
        None => "a sync succeeded, and the next follow by themselves".to_owned(),
    })
}

fn has_no_schedule(source: &ReplicationSource) -> bool {
    source.spec.trigger.schedule.is_none()
}

/// What there is to see of a sync that does not end. What movers have met before it was asked for
/// says nothing of it.
fn evidence(
    source: &ReplicationSource,
    asked: Time,
    met: Option<&Lock>,
    settings: &Settings,
) -> Result<String, Stop> {
    let Some(source) = kube::of(source).find()? else { return unnecessary("the source is gone") };
    let all = Movers::of(&source)?;
    let movers = all.clone().made_since(asked);
    let activity = movers.activity(settings);
    if let Some(Activity::Stuck(why)) = activity {
        return Ok(format!("the mover {}", volume::explained(why, &source)?));
    }
    let cause = match movers.latest() {
        Some(_) => Cause::of(&source, &movers)?,
        // What VolSync has kept of a mover may be of one before.
        None => Cause::of_job(&source, &movers).unwrap_or(Cause::Missed),
    };
    Ok(match cause {
        Cause::Missed => match (source.error(), activity) {
            (Some(error), _) => format!("VolSync can't begin it: {error}"),
            (None, Some(Activity::AtWork(doing) | Activity::Stuck(doing))) => {
                format!("a mover is active: {}", volume::explained(doing, &source)?)
            }
            (None, None) => match progress::what_is_wrong(&source)? {
                Some(wrong) => format!("no mover has failed since: {wrong}"),
                None if source.status.last_sync_start_time.is_none_or(|began| began < asked) => {
                    "no mover has run since, and VolSync has not begun it; look at VolSync itself".to_owned()
                }
                None => "no mover has failed since".to_owned(),
            },
        },
        Cause::Locked(lock) => match probe::leaves(&lock, &source, &all)? {
            Some(symptom) => format!("the mover still meets {lock}; {symptom}"),
            None if met.is_some_and(|met| met.id != lock.id) => {
                format!("the mover meets another lock, {lock}; {}", probe::another(&lock, &all))
            }
            None => format!("the mover still meets {lock}"),
        },
        Cause::Failed(words) => format!("the mover fails: {words}"),
    })
}
