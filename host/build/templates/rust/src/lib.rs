//! Says why a Job failed. With the setting `retry` it runs the Job of a CronJob once more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use suture_policy::kube::{self, CronJob, Job, Pod, Waited, job, list};
use suture_policy::{Duration, Incident, Manifest, Outcome, Permission, Policy, Result, json, step, text};

/// What the operator may set. The comments, types, defaults and bounds become the manifest's schema; the
/// host has checked the values by it, and filled in the defaults.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Whether the Job of a CronJob is run once more.
    retry: bool,
    /// How long that Job may take.
    patience: Duration,
    /// How many of the last lines of a log are looked at.
    #[schemars(range(min = 1, max = 100))]
    log_lines: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { retry: false, patience: Duration::hours(1), log_lines: 20 }
    }
}

pub struct JobFailed;

suture_policy::policy!(JobFailed);

impl Policy for JobFailed {
    type Settings = Settings;

    /// A constant: what the policy is for, and what it asks for. No call to the host works here.
    fn manifest() -> Manifest {
        let read = Permission::resources("batch", ["cronjobs"], ["get"], "to run its CronJob's Job again");
        let change = Permission::resources("batch", ["jobs"], ["create", "delete"], "the same, and to clean up");
        Manifest::new("{{name}}", env!("CARGO_PKG_VERSION"), "Says why a Job failed; by setting runs it again.")
            .matcher(r#"alertname="KubeJobFailed""#)
            .key(["namespace", "job_name"])
            .permission("batch", ["jobs"], ["get"], "to see how the Job ended")
            .permission("", ["pods"], ["list"], "to see how its pods ended")
            .permission("", ["pods/log"], ["get"], "to quote the last line of their logs")
            .request(read.when("retry", true))
            .request(change.when("retry", true))
            .settings::<Settings>()
    }

    /// One run. Everything it does is a call to the host, which writes it down: after a crash the same
    /// code runs again on the recorded answers. An error (`?`) means that the host tries again later.
    fn remediate(incident: Incident, settings: Settings) -> Result<Outcome> {
        let (namespace, name) = (incident.key("namespace")?, incident.key("job_name")?);
        step!("looking at Job {name}");
        let Some(failed) = kube::find::<Job>(namespace, name)? else {
            return Ok(Outcome::unnecessary(format!("Job {name} is gone")));
        };
        if failed.failure().is_none() {
            return Ok(Outcome::unnecessary(format!("Job {name} has not failed")));
        }
        let pods = list::<Pod>().in_namespace(namespace).with_label("job-name", name).read()?;
        let why = evidence(&failed, pods.last(), settings.log_lines);

        let owner = failed.metadata.owner_references.iter().find(|owner| owner.kind == "CronJob");
        let Some(owner) = owner.filter(|_| settings.retry) else {
            return Ok(Outcome::escalate(format!("Job {name} failed: {why}")));
        };
        step!("running the Job of CronJob {} again", owner.name);
        let cron_job: CronJob = kube::get(namespace, &owner.name)?;
        // At most 63 characters, and the same at every attempt: it is never run twice.
        let again = format!("{}-again", text::start(name, 57));
        let object = json!({
            "metadata": {"name": again, "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob",
                "name": owner.name, "uid": owner.uid, "controller": true}]},
            "spec": cron_job.spec.job_template.spec,
        });
        // However this run ends, the host deletes that Job, unless it is told to keep it.
        let undo = kube::Ref::<Job>::new(namespace, &again).delete();
        let made = kube::create::<Job>(namespace, object).undo(undo).send()?;
        match kube::of(&made.object).wait(job::finished(), settings.patience)? {
            Waited::Met(job) if job.is_complete() => {
                made.keep()?;
                Ok(Outcome::remediated(format!("Job {name} failed ({why}); run again as {again} it completed")))
            }
            _ => Ok(Outcome::escalate(format!("Job {name} failed: {why}; {again} did not complete either"))),
        }
    }
}

/// What Kubernetes and the pod say, in one sentence.
fn evidence(job: &Job, pod: Option<&Pod>, lines: u32) -> String {
    let failure = job.failure().map_or("no reason", |failure| failure.reason.as_str());
    let Some(pod) = pod else { return format!("{failure}; its pods are gone") };
    let container = pod.telling_container(&job.containers());
    let ended = pod.how_it_ended(container);
    match kube::of(pod).logs(container, lines) {
        Ok(log) => format!("{failure}; {ended}; its log ends: {}", text::last_lines(&log, 1, 200)),
        Err(error) => format!("{failure}; {ended}; its log can't be read: {}", error.message),
    }
}

#[cfg(test)]
mod tests {
    use suture_policy::testing::job;

    use super::*;

    #[test]
    fn a_job_without_pods_is_still_explained() {
        let failed: Job = job("media", "thumbnails").failed("DeadlineExceeded", "too slow").read();
        assert_eq!(evidence(&failed, None, 20), "DeadlineExceeded; its pods are gone");
    }
}
