//! Failed Snapshots that a newer success has made obsolete, and that keep an alert alive.
//!
//! A Snapshot is its backup: to delete it deletes the data. So only those go that own none, each
//! set to `Retain` before, under which the operator lets an object go without touching the
//! repository. That is not taken back: it makes nothing worse, whatever comes after.

use suture_policy::kube::{self, Job, Metadata, Ref, Waited};
use suture_policy::stop::{Stop, unnecessary};
use suture_policy::{Duration, Outcome, Result, info, json, step, warn};

use crate::history::History;
use crate::manifest::Settings;
use crate::snapshot::{Phase, Snapshot};

/// How long the operator may take to let one go.
const TO_GO: Duration = Duration::minutes(2);
/// Of one that somebody else removed.
const GONE: &str = "it is gone already";

/// Why none is removed for a success that is gone.
const NO_SUCCESS: &str = "the newer success is not there any more, or owns no data";

/// Remove those that failed before `success`. Always stops: there is nothing else to do.
pub fn superseded(success: &Snapshot, history: &History, settings: &Settings) -> Result<(), Stop> {
    let failed = history.superseded(success);
    let name = success.shown();
    if failed.is_empty() {
        return unnecessary(format!(
            "no failed Snapshot is older than the success {name}; nothing is to be cleared"
        ));
    }
    step!("clearing failed Snapshots that are older than the success {name}");
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    // The oldest first.
    for one in failed.iter().rev() {
        if gone.len() >= settings.clear_at_most as usize {
            kept.push(format!("{}: one run removes {} at most", one.metadata.name, settings.clear_at_most));
            continue;
        }
        match remove(one, success)? {
            Ok(()) => gone.push(one.metadata.name.as_str()),
            Err(why) => kept.push(format!("{}: {why}", one.metadata.name)),
        }
    }
    let rest = match kept.len() {
        0 => String::new(),
        more => format!(
            "; {more} others were not removed ({})",
            kept.iter().take(3).cloned().collect::<Vec<_>>().join("; ")
        ),
    };
    if gone.is_empty() {
        return unnecessary(format!(
            "the latest run, Snapshot {name}, succeeded, and no failed one could be cleared{rest}"
        ));
    }
    Err(Stop::Outcome(Outcome::remediated(format!(
        "removed failed Snapshots that own no data and are older than the success {name}: {}{rest}",
        gone.join(", ")
    ))))
}

/// Remove one; the inner error says why it stays.
fn remove(listed: &Snapshot, success: &Snapshot) -> Result<Result<(), String>> {
    if !is_still_there(success)? {
        return Ok(Err(NO_SUCCESS.to_owned()));
    }
    let Some(failed) = kube::of(listed).find()? else { return Ok(Err(GONE.to_owned())) };
    if let Some(why) = must_stay(&failed) {
        return Ok(Err(why));
    }
    let job: Option<Job> =
        Ref::new(failed.metadata.namespace.as_deref().unwrap_or_default(), failed.job()).find()?;
    if job.is_some_and(|job| !job.is_finished()) {
        return Ok(Err(format!("its Job {} is not over", failed.job())));
    }
    if let Some(words) = failed.last_words() {
        info!("{} is removed; it had said: {words}", failed.shown());
    }
    let retain = kube::of(&failed).merge_patch(json!({"spec": {"deletionPolicy": "Retain"}}));
    let retained = match failed.spec.deletion_policy.as_deref() {
        Some("Retain") => failed,
        _ => match retain.at_version(&failed.metadata.resource_version).send() {
            Ok(retained) => retained,
            Err(error) if error.is_conflict() => return Ok(Err("somebody changed it just now".to_owned())),
            Err(error) if error.is_not_found() => return Ok(Err(GONE.to_owned())),
            Err(error) => return Err(error),
        },
    };
    let is_retained = retained.spec.deletion_policy.as_deref() == Some("Retain");
    if !is_retained || must_stay(&retained).is_some() {
        return Ok(Err("it could not be set to `deletionPolicy: Retain`".to_owned()));
    }
    // Somebody may have removed it meanwhile. What is left between this look and the deletion can't be closed:
    // Kubernetes has no condition over two objects.
    if !is_still_there(success)? {
        return Ok(Err(NO_SUCCESS.to_owned()));
    }
    match kube::of(&retained).delete().at_version(&retained.metadata.resource_version).send() {
        Ok(_) => {}
        Err(error) if error.is_not_found() => return Ok(Err(GONE.to_owned())),
        Err(error) if error.is_conflict() => return Ok(Err("somebody changed it just now".to_owned())),
        Err(error) => return Err(error),
    }
    if !matches!(kube::of(&retained).wait(kube::deleted(), TO_GO)?, Waited::Deleted) {
        warn!("{} is being deleted, and the operator has not let it go yet", retained.shown());
    }
    Ok(Ok(()))
}

/// Whether the success is there, and owns data.
fn is_still_there(success: &Snapshot) -> Result<bool> {
    let now = kube::of(success).find()?;
    Ok(now.is_some_and(|now| {
        now.phase() == Phase::Succeeded && now.kopia_id().is_some() && !now.metadata.is_terminating()
    }))
}

/// Why one stays.
fn must_stay(failed: &Snapshot) -> Option<String> {
    let Metadata { deletion_timestamp, .. } = &failed.metadata;
    let why = if failed.phase() != Phase::Failed {
        "it is not Failed any more"
    } else if failed.status.snapshot.is_some() {
        "it owns data in the repository"
    } else if deletion_timestamp.is_some() {
        "it is being deleted already"
    } else if failed.spec.pin || failed.status.pinned {
        "it is pinned"
    } else if !failed.is_run() {
        "it is no run of the operator's or of a person's"
    } else if let Some(gitops) = failed.metadata.gitops() {
        return Some(format!("it comes from {gitops}"));
    } else {
        return None;
    };
    Some(why.to_owned())
}
