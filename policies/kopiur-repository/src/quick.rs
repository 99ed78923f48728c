//! A quick maintenance, asked for by annotation. It rewrites indexes and removes no content; the
//! operator honours each request once, so it is not taken back either.

use suture_policy::kube::{self, Waited, field};
use suture_policy::stop::{Stop, escalate, retry};
use suture_policy::{Time, clock, json, step};

use crate::maintenance::{Lease, Maintenance};
use crate::manifest::Settings;
use crate::reference::{GROUP, RepositoryRef};
use crate::repository::Repository;
use crate::words::word;

/// What the operator is asked by: a moment, and which kind of run.
const REQUESTED: &str = "kopiur.home-operations.com/run-requested";
const MODE: &str = "kopiur.home-operations.com/run-mode";

/// Whether one may be asked for.
enum May {
    /// It may.
    Ask,
    /// Somebody has asked, and the answer is not there yet.
    Follow(String),
    /// It may not: why.
    No(String),
}

/// Ask for one and see it to its end, or stop. `why` says what it is for.
pub fn run(
    named: &RepositoryRef,
    repository: &Repository,
    why: &str,
    settings: &Settings,
) -> Result<(), Stop> {
    let Some(maintenance) = only(named, repository, why)? else {
        return retry(settings.retry_after, format!("{why}; its Maintenance was deleted just now"));
    };
    let requested = match may(&maintenance, clock::now(), settings) {
        May::No(not) => {
            return escalate(format!(
                "{why}, and no maintenance was asked for: {not}. Look with `{}`",
                maintenance.describe()
            ));
        }
        May::Follow(requested) => requested,
        May::Ask => ask(&maintenance, why, settings)?,
    };
    follow(&maintenance, &requested, why, settings)
}

/// The Maintenance of a repository, with who manages its fields.
fn only(named: &RepositoryRef, repository: &Repository, why: &str) -> Result<Option<Maintenance>, Stop> {
    match Maintenance::of(named, repository)?.as_slice() {
        [only] => Ok(kube::of(only).find()?),
        [] => {
            escalate(format!("{why}, and no Maintenance of it can be seen; look with `{}`", named.describe()))
        }
        several => escalate(format!(
            "{why}, and there are {} Maintenances of it, so none was asked; look with `kubectl get maintenances.{GROUP} -A`",
            several.len()
        )),
    }
}

fn may(maintenance: &Maintenance, now: Time, settings: &Settings) -> May {
    let shown = maintenance.shown();
    if maintenance.metadata.is_terminating() {
        return May::No(format!("{shown} is being deleted"));
    }
    let pointer = format!("/metadata/annotations/{}", REQUESTED.replace('/', "~1"));
    if let Some(owner) = maintenance.metadata.managers_of(&pointer).find_map(kube::ManagedFields::gitops) {
        return May::No(format!("{owner} writes its annotation {REQUESTED}"));
    }
    match maintenance.lease() {
        Lease::Owned => {}
        Lease::Untold => return May::No(format!("{shown} does not say who holds its lease")),
        Lease::HeldByOther(why) | Lease::WaitsForRepository(why) | Lease::Failing(why) => {
            return May::No(format!("{shown} does not own its lease ({why})"));
        }
    }
    if let Some(stalled) = maintenance.stalled() {
        return May::No(format!("{shown} is stalled ({stalled})"));
    }
    let is_recent = |at: Time| now.since(at) < settings.maintenance_every;
    let run = &maintenance.status.manual_run;
    let asked = maintenance.metadata.annotations.get(REQUESTED).map(String::as_str);
    if let Some(asked) = asked.filter(|asked| Time::parse(asked).is_some_and(is_recent)) {
        return match run.requested_at == asked && run.phase != "Running" {
            true => {
                May::No(format!("one was asked for at {} already and is {}", word(asked), word(&run.phase)))
            }
            false => May::Follow(asked.to_owned()),
        };
    }
    if run.phase == "Running" {
        return May::Follow(run.requested_at.clone());
    }
    match maintenance.last_run().filter(|at| is_recent(*at)) {
        Some(at) => May::No(format!("{shown} ran at {at} already ({})", maintenance.runs())),
        None => May::Ask,
    }
}

/// Ask for one: the annotation that the operator answers.
fn ask(maintenance: &Maintenance, why: &str, settings: &Settings) -> Result<String, Stop> {
    step!("asking {} for a quick run", maintenance.shown());
    let seconds = clock::now().as_millis() / 1_000;
    let requested = Time::from_millis(seconds * 1_000).to_string();
    let asking = kube::of(maintenance)
        .merge_patch(json!({"metadata": {"annotations": {REQUESTED: requested, MODE: "quick"}}}))
        .at_version(&maintenance.metadata.resource_version);
    match asking.send() {
        Ok(_) => Ok(requested),
        Err(error) if error.is_conflict() || error.is_not_found() => retry(
            settings.retry_after,
            format!("{why}; {} changed just now, so nothing was asked of it", maintenance.shown()),
        ),
        Err(error) => Err(error.into()),
    }
}

/// See a request to its end. A run that yields ends as a success, so its trace is asked for too.
fn follow(maintenance: &Maintenance, requested: &str, why: &str, settings: &Settings) -> Result<(), Stop> {
    let shown = maintenance.shown();
    step!("waiting for the run that {shown} was asked for at {requested}");
    let over = kube::all([
        field("/status/manualRun/requestedAt").equals(requested),
        field("/status/manualRun/phase").exists(),
        field("/status/manualRun/phase").differs_from("Running"),
    ]);
    let done = match kube::of(maintenance).wait(over, settings.maintenance_timeout)? {
        Waited::Met(done) => done,
        Waited::Deleted => {
            return escalate(format!("{why}, and {shown}, which was asked for a quick run, was deleted"));
        }
        Waited::Timeout => {
            return retry(
                settings.retry_after,
                format!(
                    "{why}; the run that {shown} was asked for at {requested} is not over after {}; it is waited for again",
                    settings.maintenance_timeout
                ),
            );
        }
    };
    let has_run = Time::parse(requested).is_some_and(|asked| done.last_run().is_some_and(|ran| ran >= asked));
    match done.status.manual_run.phase.as_str() {
        "Succeeded" if has_run && done.lease() == Lease::Owned => Ok(()),
        "Succeeded" => escalate(format!(
            "{why}, and the maintenance that was asked for at {requested} has not run, though it is Succeeded: it yields \
             to another owner; {}. Look with `{}`",
            done.runs(),
            done.describe()
        )),
        other => escalate(format!(
            "{why}, and the maintenance that was asked for at {requested} is {}{}; {}. Look with `{}` and `kubectl -n {} \
             get jobs -l {GROUP}/maintenance={}`",
            word(other),
            match done.lease() {
                Lease::HeldByOther(why) | Lease::WaitsForRepository(why) | Lease::Failing(why) =>
                    format!(" ({why})"),
                Lease::Owned | Lease::Untold => String::new(),
            },
            done.runs(),
            done.describe(),
            done.namespace(),
            done.metadata.name
        )),
    }
}

/// What is said about a repository's maintenance to a person who must look at it.
pub fn for_a_person(named: &RepositoryRef, repository: &Repository) -> Result<String, Stop> {
    let all = match Maintenance::of(named, repository) {
        Ok(all) => all,
        Err(error) if error.is_denied() || error.is_forbidden() => {
            return Ok(format!("whether it is maintained could not be looked at: {}", error.message));
        }
        Err(error) => return Err(error.into()),
    };
    let Some(maintenance) = all.first() else { return Ok("no Maintenance of it can be seen".to_owned()) };
    let lease = match maintenance.lease() {
        Lease::Owned => "owns its lease".to_owned(),
        Lease::Untold => "does not say who holds its lease".to_owned(),
        Lease::HeldByOther(why) | Lease::WaitsForRepository(why) | Lease::Failing(why) => {
            format!("does not own its lease ({why})")
        }
    };
    Ok(format!(
        "{} {lease}; {}. `kubectl -n {} annotate maintenances.{GROUP} {} --overwrite {REQUESTED}=$(date -u \
         +%Y-%m-%dT%H:%M:%SZ) {MODE}=quick` asks for a quick run, which rewrites indexes and removes no backup",
        maintenance.shown(),
        maintenance.runs(),
        maintenance.namespace(),
        maintenance.metadata.name
    ))
}
