//! Whether a source without a failure needs time or a person.

use suture_policy::stop::{Stop, escalate, retry};
use suture_policy::{Result, clock};

use crate::manifest::Settings;
use crate::mover::Movers;
use crate::snapshot::Snapshot;
use crate::source::ReplicationSource;
use crate::volume;

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
        if clock::now().since(since) <= settings.sync_start_timeout {
            return retry(settings.retry_after, "a sync is in progress and nothing is wrong with it");
        }
        let seen = what_is_wrong(source)?.unwrap_or_else(|| {
            "there is no mover at work, no snapshot and no volume that is waited for; look at VolSync itself"
                .to_owned()
        });
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

/// What a sync waits for that can be seen outside of its movers.
pub fn what_is_wrong(source: &ReplicationSource) -> Result<Option<String>> {
    Ok(match Snapshot::what_is_wrong(source)? {
        None => volume::what_is_wrong(source)?,
        wrong => wrong,
    })
}
