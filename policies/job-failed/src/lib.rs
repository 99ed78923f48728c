//! Says why a Job failed (alert `KubeJobFailed`), and, by setting, removes it once a later Job of
//! its CronJob has succeeded, or runs it again once.
//!
//! Why it does what it does stands in README.md.

mod again;
mod cleanup;
mod evidence;
mod failed;
mod family;
mod manifest;
mod owner;

use suture_policy::kube::{self, Job};
use suture_policy::stop::{Stop, denied_is_for_people, escalate, retry};
use suture_policy::{Error, Incident, Manifest, Outcome, Policy, info, step};

use cleanup::clean_up;
use evidence::Evidence;
use failed::{Case, shown};
use family::Family;
use manifest::{CleanUp, RunAgain, Settings};
use owner::Owner;

/// The policy.
pub struct JobFailed;

suture_policy::policy!(JobFailed);

impl Policy for JobFailed {
    type Settings = Settings;

    fn manifest() -> Manifest {
        manifest::manifest()
    }

    fn remediate(incident: Incident, settings: Settings) -> Result<Outcome, Error> {
        run(&incident, &settings.bounded())
            .map(Outcome::remediated)
            .or_else(Stop::outcome)
            .or_else(denied_is_for_people)
    }
}

/// The whole run. `Ok` says what was repaired; every `?` ends it earlier.
fn run(incident: &Incident, settings: &Settings) -> Result<String, Stop> {
    let (namespace, name) = (incident.key("namespace")?, incident.key("job_name")?);
    step!("looking at Job {namespace}/{name}");
    let job = failed::find(namespace, name, settings)?;
    let evidence = Evidence::of(&job, settings.log_lines);
    let case = Case { job, evidence };
    info!("{}", case.why());

    let Owner::CronJob { name: cron_job, uid } = Owner::of(&case.job) else {
        return escalate(format!("{}. {}", case.why(), Owner::of(&case.job).advice(&case.job)));
    };
    if settings.may_act() {
        // Of several alerts about one CronJob one acts at a time.
        hold(&format!("{namespace}/{cron_job}"), settings)?;
    }
    step!("looking for later Jobs of CronJob {namespace}/{cron_job}");
    let family = Family::settled(&case, &cron_job, &uid, settings)?;
    if let Some(success) = family.success() {
        return clean_up(&case, success, settings);
    }
    if let Some(newer) = family.newest_failure() {
        return escalate(format!(
            "{}. A later Job of CronJob {namespace}/{cron_job} failed as well: {}; {}",
            case.why(),
            newer.metadata.name,
            family.record()
        ));
    }
    if let Some(newer) = family.newest() {
        return escalate(format!(
            "{}. A later Job of CronJob {namespace}/{cron_job}, {}, has not ended and is not at work either; nothing was \
             changed. Next: {}",
            case.why(),
            newer.metadata.name,
            describe_command(newer)
        ));
    }
    let done = again::run_again(&case, &family, settings)?;
    clean_up(&case, &done, settings)
}

fn hold(cron_job: &str, settings: &Settings) -> Result<(), Stop> {
    match kube::exclusive(cron_job, settings.patience) {
        Err(error) if error.is_timeout() => retry(
            settings.retry_after,
            format!("another run is at work on CronJob {cron_job}; nothing was changed"),
        ),
        held => Ok(held?),
    }
}

/// The command that removes a Job for good: it ends the alert, and takes the pods' logs along.
pub(crate) fn delete_command(job: &Job) -> String {
    let namespace = job.metadata.namespace.as_deref().unwrap_or_default();
    format!("kubectl -n {namespace} delete job {}", job.metadata.name)
}

pub(crate) fn describe_command(job: &Job) -> String {
    let namespace = job.metadata.namespace.as_deref().unwrap_or_default();
    format!("kubectl -n {namespace} describe job {}", job.metadata.name)
}

impl Settings {
    fn may_act(&self) -> bool {
        self.clean_up != CleanUp::Never || self.run_again != RunAgain::Never
    }
}

impl Case {
    /// Why it failed, in one sentence without its end.
    pub(crate) fn why(&self) -> String {
        let Self { job, evidence } = self;
        let failure = failed::said(job);
        format!("Job {} failed: {failure}; {}", shown(job), evidence.words)
    }
}
