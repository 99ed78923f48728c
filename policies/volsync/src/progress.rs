//! Whether a source without a failure needs time or a person.

use suture_policy::stop::{Stop, escalate, retry};
use suture_policy::{Duration, Result, Time, clock};

use crate::manifest::Settings;
use crate::mover::Movers;
use crate::snapshot::Snapshot;
use crate::source::ReplicationSource;
use crate::volume::{self, Seen};

/// Where nothing has failed, a sync that is under way needs time; one that VolSync can't begin,
/// or that shows nothing for too long, needs a person.
pub fn must_not_be_under_way(
    source: &ReplicationSource,
    movers: &Movers,
    settings: &Settings,
) -> Result<(), Stop> {
    if let Some(error) = source.error() {
        if source.is_error_fresh() {
            return retry(
                settings.retry_after,
                format!("VolSync has just met an error, which may pass: {error}"),
            );
        }
        return escalate(format!("VolSync can't begin a sync: {error}"));
    }
    if let Some(began) = source.status.last_sync_start_time {
        // What has ended is to be cleaned up yet.
        let since = movers.latest().and_then(|pod| pod.finished_at()).map_or(began, |ended| ended.max(began));
        let seen = look(source)?;
        let lasts = |since: Time, patience: Duration| clock::now().since(since) > patience;
        let is_refused =
            matches!(&seen, Seen::Unwell(_, Some(at)) if lasts(*at, settings.mover_start_timeout));
        if !lasts(since, settings.sync_start_timeout) && !is_refused {
            let how = match seen {
                Seen::Unwell(what, _) => format!("a sync is in progress, and waits: {what}"),
                Seen::Well | Seen::Unreadable(_) => {
                    "a sync is in progress and nothing is wrong with it".to_owned()
                }
            };
            return retry(settings.retry_after, how);
        }
        let seen = match seen {
            Seen::Unwell(what, _) => what,
            Seen::Well => {
                "there is no mover at work, no snapshot and no volume that is waited for; look at VolSync itself"
                    .to_owned()
            }
            Seen::Unreadable(why) => {
                format!("there is no mover at work and no snapshot, and its volumes may not be read: {why}")
            }
        };
        return escalate(format!("a sync began at {began} and does not get on: {seen}"));
    }
    let Some(tag) = source.pending_manual() else { return Ok(()) };
    match source.asked_at() {
        Some(asked) if clock::now().since(asked) > settings.mover_start_timeout => escalate(format!(
            "somebody asked for the manual sync `{tag}` at {asked}, and VolSync has not begun it; look at VolSync itself"
        )),
        _ => retry(settings.retry_after, format!("somebody's manual sync `{tag}` is about to start")),
    }
}

/// What a sync waits for that can be seen outside of its movers. A snapshot has deadlines of its own.
fn look(source: &ReplicationSource) -> Result<Seen> {
    Ok(match Snapshot::what_is_wrong(source)? {
        None => volume::look(source)?,
        Some(wrong) => Seen::Unwell(wrong, None),
    })
}

/// The same, in words, if there is anything.
pub fn what_is_wrong(source: &ReplicationSource) -> Result<Option<String>> {
    Ok(match look(source)? {
        Seen::Unwell(what, _) => Some(what),
        Seen::Well | Seen::Unreadable(_) => None,
    })
}
