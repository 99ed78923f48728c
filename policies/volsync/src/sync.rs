//! One sync, started by hand and seen to its end.

use suture_policy::kube::{self, Ref, Undo, Waited, field, op};
use suture_policy::stop::{Stop, escalate, unnecessary};
use suture_policy::{Result, info, json};

use crate::cause::Cause;
use crate::manifest::Settings;
use crate::mover::Movers;
use crate::source::ReplicationSource;

const MANUAL: &str = "/spec/trigger/manual";

/// Run a sync under a tag of our own, and if asked, unlock the repository before it.
/// Leaving early gives the schedule back too: the host runs the undo.
pub fn run(source: &ReplicationSource, tag: &str, unlock: bool, settings: &Settings) -> Result<String, Stop> {
    let trigger = match start(source, tag, unlock) {
        Err(error) if unlock && error.message.contains("unknown field") => {
            return escalate(format!(
                "this VolSync has no `spec.restic.unlock`, so nothing was unlocked; set `unlock: job` ({})",
                error.message
            ));
        }
        trigger => trigger?,
    };
    let finished = field("/status/lastManualSync").equals(tag);
    let synced = match kube::of(source).wait(finished, settings.sync_timeout)? {
        Waited::Met(synced) => synced,
        Waited::Deleted => return unnecessary("the source was deleted while it was being repaired"),
        Waited::Timeout => {
            return escalate(format!("no sync ended within {}; {}", settings.sync_timeout, seen(source)?));
        }
    };
    if source.is_kopia() && synced.spec.paused {
        return escalate("it was paused meanwhile: what VolSync reports as a sync has backed up nothing");
    }
    if let Some(status) = synced.status.latest_mover_status.filter(|status| status.result != "Successful") {
        return escalate(format!("a sync ended, but its mover reports `{}`: {}", status.result, status.logs));
    }
    finish(source, trigger, tag)
}

/// Ask for the sync. The unlock is not taken back: it is plain `restic unlock`, done once,
/// and changing it while the mover runs would make VolSync delete the mover.
fn start(source: &ReplicationSource, tag: &str, unlock: bool) -> Result<Undo<ReplicationSource>> {
    if let Some(manual) = &source.spec.trigger.manual {
        info!("`spec.trigger.manual` was `{manual}`, left there by somebody; it gives way to {tag}");
    }
    let mut spec = json!({"trigger": {"manual": tag}});
    if unlock {
        spec["restic"] = json!({"unlock": tag});
    }
    let object: Ref<ReplicationSource> = kube::of(source);
    let back = match &source.spec.trigger.manual {
        // A source without a schedule must keep some tag: without any trigger VolSync
        // would sync without end.
        Some(before) if has_no_schedule(source) => op::replace(MANUAL, before.as_str()),
        _ => op::remove(MANUAL),
    };
    object.merge_patch(json!({"spec": spec})).undo(object.json_patch([op::test(MANUAL, tag), back])).send()
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

/// What there is to see of a sync that does not end.
fn seen(source: &ReplicationSource) -> Result<String, Stop> {
    let Some(source) = kube::of(source).find()? else { return unnecessary("the source is gone") };
    Ok(match Cause::of(&source, &Movers::of(&source)?)? {
        Cause::Missed => match source.error() {
            Some(error) => format!("VolSync can't begin it: {error}"),
            None => "no mover has failed".to_owned(),
        },
        Cause::Locked(lock) => format!("the mover still meets {lock}"),
        Cause::Failed(lines) => format!("the mover says: {lines}"),
    })
}
