//! Repairs a VolSync backup that has fallen behind: a stale restic lock, a hung volume
//! snapshot, a sync that was missed; for kopia, a maintenance that is blocked.
//!
//! It looks at everything first and changes things only when it knows what is wrong;
//! whatever it does not know, it hands to a person with what it saw. Why it does what it
//! does stands in README.md.

mod activity;
mod cause;
mod holder;
mod lock;
mod log;
mod maintenance;
mod manifest;
mod mover;
mod owner;
mod probe;
mod progress;
mod proof;
mod snapshot;
mod source;
mod sync;
mod unlock;
mod volume;

use suture_policy::kube::{self, Pod};
use suture_policy::stop::{Stop, escalate, retry, unnecessary};
use suture_policy::{Error, Incident, Manifest, Outcome, Policy, step};

use cause::Cause;
use manifest::{Kopia, Settings, Unlock};
use mover::Movers;
use snapshot::Snapshot;
use source::ReplicationSource;
use unlock::UnlockJob;

/// The policy.
pub struct VolSync;

suture_policy::policy!(VolSync);

impl Policy for VolSync {
    type Settings = Settings;

    fn manifest() -> Manifest {
        manifest::manifest()
    }

    fn remediate(incident: Incident, settings: Settings) -> Result<Outcome, Error> {
        repair(&incident, &settings).map(Outcome::remediated).or_else(Stop::outcome)
    }
}

/// The whole repair. `Ok` says what was done; every `?` and `return` ends it with
/// nothing more changed.
fn repair(incident: &Incident, settings: &Settings) -> Result<String, Stop> {
    must_be_a_source(incident, settings)?;
    let (namespace, name) = (incident.key("obj_namespace")?, incident.key("obj_name")?);
    if maintenance::is_meant(incident) {
        return maintenance::repair(&find(namespace, name)?, incident, settings);
    }

    // Several sources may share a repository. Only one run at a time is at work on it, so
    // what is seen from here on is not changed by another.
    let repository = find(namespace, name)?.repository(settings)?.to_owned();
    step!("taking the repository {namespace}/{repository}");
    hold(&format!("{namespace}/{repository}"), settings)?;

    step!("looking at {namespace}/{name}");
    let source = find(namespace, name)?;
    let movers = Movers::of(&source)?;
    movers.must_be_idle(&source, settings)?;
    let cause = Cause::of(&source, &movers)?;
    let hung = Snapshot::hung(&source, settings)?;
    if hung.is_none() && matches!(cause, Cause::Missed) {
        progress::must_not_be_under_way(&source, &movers, settings)?;
    }

    let mut done = Vec::new();
    let lock = match &cause {
        Cause::Missed => None,
        Cause::Failed(how) => {
            return escalate(format!("the mover fails, but not for a lock that could be broken: {how}"));
        }
        Cause::Locked(lock) => {
            step!("looking for the holder of {lock}");
            let gone = holder::must_be_gone(lock, &source, settings)?;
            let symptom = probe::leaves(lock, &source, &movers)?;
            Some((lock, gone, symptom))
        }
    };
    if let Some(snapshot) = hung {
        step!("removing {snapshot}");
        done.push(snapshot.remove(settings)?);
    }
    if let Some((lock, gone, _)) = &lock {
        // Some time has passed, and VolSync may have gone on by itself: then it would
        // answer an unlock by deleting its new mover.
        let movers = Movers::of(&source)?;
        movers.must_be_idle(&source, settings)?;
        done.push(match settings.unlock {
            Unlock::Native => format!("removed {lock}, {}", gone.clause()),
            Unlock::Job => {
                // The same for the holder: what was seen before is not what is so now.
                let gone = holder::must_be_gone(lock, &source, settings)?;
                let whose = gone.clause();
                let (source, removal) = (&source, gone.removal);
                let job = UnlockJob { source, lock, removal, whose: &whose, incident, settings };
                job.run(movers.latest().and_then(Pod::finished_at))?
            }
        });
    }

    let unlock = lock.is_some() && settings.unlock == Unlock::Native;
    step!("starting a sync{}", if unlock { " that unlocks the repository first" } else { "" });
    let tag = format!("suture-{}-{}", incident.id, incident.attempt);
    let met = lock.as_ref().map(|(lock, ..)| *lock);
    done.push(sync::run(&source, &tag, unlock, met, settings)?);
    if let Some((_, gone, symptom)) = lock {
        done.push(gone.search());
        done.extend(symptom);
    }
    Ok(done.join("; "))
}

/// The alert fires for destinations and for other methods too.
fn must_be_a_source(incident: &Incident, settings: &Settings) -> Result<(), Stop> {
    match incident.label("role") {
        Some("source") => {}
        Some(role) => return unnecessary(format!("role is `{role}`: what restores data is left alone")),
        None => {
            return escalate(
                "the alert has no label `role`, so it may be about a destination; keep it in the rule",
            );
        }
    }
    match incident.label("method") {
        Some("restic") | None => Ok(()),
        Some("kopia") if settings.kopia == Kopia::Repair => Ok(()),
        Some("kopia") => escalate(
            "kopia has no stale locks to remove; look at its KopiaMaintenance (`kopia: repair` makes this policy do \
             for kopia what it can)",
        ),
        Some(method) => escalate(format!("method is `{method}`, and only restic backups are repaired here")),
    }
}

/// The source, if there is something to repair about it at all.
fn find(namespace: &str, name: &str) -> Result<ReplicationSource, Stop> {
    match kube::find::<ReplicationSource>(namespace, name)? {
        None => unnecessary(format!("{namespace}/{name} is gone; its metric stays until VolSync restarts")),
        Some(source) if source.metadata.is_terminating() => {
            let since = source
                .metadata
                .deletion_timestamp
                .map_or_else(String::new, |since| format!(" since {since}"));
            unnecessary(format!("{namespace}/{name} is being deleted{since}"))
        }
        Some(source) if source.spec.paused && source.is_kopia() => unnecessary(format!(
            "{namespace}/{name} is paused; as long as it is, VolSync reports syncs of kopia as complete and moves \
             lastSyncTime without a backup"
        )),
        Some(source) if source.spec.paused => unnecessary(format!("{namespace}/{name} is paused")),
        Some(source) => Ok(source),
    }
}

/// One repository at a time.
fn hold(repository: &str, settings: &Settings) -> Result<(), Stop> {
    match kube::exclusive(repository, settings.exclusive_timeout) {
        Err(error) if error.is_timeout() => {
            retry(settings.retry_after, "another source of this repository is being repaired")
        }
        held => Ok(held?),
    }
}
