//! Runs a CronJob's Job once for an alert, and says how it ended: an existing remediation
//! script, with everything around it that a script does not do.
//!
//! Why it does what it does stands in README.md.

mod claim;
mod environment;
mod evidence;
mod follow;
mod jobs;
mod manifest;
mod needs;
mod target;
mod template;

use suture_policy::stop::{Stop, denied_is_for_people, retry};
use suture_policy::{Error, Incident, Manifest, Outcome, Policy, clock, kube, step};

use claim::Work;
use environment::Environment;
use manifest::Settings;
use target::Target;

/// The policy.
pub struct RunCronJob;

suture_policy::policy!(RunCronJob);

impl Policy for RunCronJob {
    type Settings = Settings;

    fn manifest() -> Manifest {
        manifest::manifest()
    }

    fn remediate(incident: Incident, settings: Settings) -> Result<Outcome, Error> {
        run(&incident, &settings)
            .map(Outcome::remediated)
            .or_else(Stop::outcome)
            .or_else(denied_is_for_people)
    }
}

/// The whole run. `Ok` says how the Job completed; every `?` ends it earlier.
fn run(incident: &Incident, settings: &Settings) -> Result<String, Stop> {
    let target = Target::of(incident, &settings.cron_job)?;
    let environment = Environment::of(incident, settings)?;

    // Whatever alert it is for: one run of a CronJob at a time.
    step!("taking CronJob {target}");
    let give_up = clock::now() + settings.patience;
    hold(&target, settings)?;

    step!("looking at CronJob {target}");
    let cron_job = target.find(settings)?;
    let work = Work { incident, settings, target: &target, cron_job, environment, give_up };
    let claimed = work.claim()?;

    step!("waiting for the end of Job {}", claimed.job.metadata.name);
    claimed.follow(settings)
}

fn hold(target: &Target, settings: &Settings) -> Result<(), Stop> {
    match kube::exclusive(&target.to_string(), settings.patience) {
        Err(error) if error.is_timeout() => retry(
            settings.retry_after,
            format!("another run of CronJob {target} is at work; nothing was started beside it"),
        ),
        held => Ok(held?),
    }
}
