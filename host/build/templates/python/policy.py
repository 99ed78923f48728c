"""{{name}}: says why a Job failed and, where the operator wants it, makes it anew, once."""

from dataclasses import dataclass

from evidence import evidence
from suture_policy import Duration, Error, Incident, Manifest, Outcome, Permission, kube, setting, step, stop
from suture_policy.kube import Job


@dataclass(frozen=True)
class Settings:
    """What the operator may set: a default, from which the type follows, and what it means."""

    retry: bool = setting(False, "Whether a failed Job is made anew, once, as NAME-again.")
    patience: Duration = setting(Duration("30m"), "How long the new Job may take.")


manifest = Manifest(
    name="{{name}}",
    version="0.1.0",
    description="Says why a Job failed and, by setting, makes it anew once.",
    # The alerts it is for, and the labels that say which Job it is about.
    matchers=['alertname="KubeJobFailed"'],
    key=["namespace", "job_name"],
    # What the operator is asked to allow, and why. The host allows nothing else.
    permissions=[
        Permission.to("batch", ["jobs"], ["get"], "to see whether the Job failed, and why"),
        Permission.to("", ["pods"], ["list"], "to see which of its containers failed"),
        Permission.to("", ["pods/log"], ["get"], "to show the last line of its log"),
        Permission.to("batch", ["jobs"], ["create", "delete"], "to make it anew, and to remove what did not end").when(
            "retry", True
        ),
    ],
    settings=Settings,
)


def remediate(incident: Incident, settings: Settings) -> Outcome:
    """Repair one incident. The same answers of the host always lead to the same calls."""
    job = kube.find(Job, incident.key("namespace"), incident.key("job_name"))
    if job is None:
        return Outcome.unnecessary("the Job is gone")
    if job.failure is None:
        return Outcome.unnecessary(f"{job} has not failed")
    why = evidence(job)
    if not settings.retry:
        return Outcome.escalate(f"{why}. `retry` is off: nothing was done")

    step(f"making {job.name} anew")
    # Where the `with` ends, and also if the run is killed in it, the new Job is deleted unless it was kept.
    with make_anew(job, why) as again:
        waited = kube.of(again.object).wait(kube.job_finished(), settings.patience)
        if waited.met is None:
            return Outcome.escalate(f"{why}. The new Job did not end within {settings.patience}: it is removed")
        again.keep()
    if not waited.met.is_complete:
        return Outcome.escalate(f"{why}. Made anew it failed again: {evidence(waited.met)}")
    return Outcome.remediated(f"{waited.met.name} completed, after: {why}")


def make_anew(job: Job, why: str) -> kube.Undo[Job]:
    """Make a Job anew, under a name that is always the same: a second one can't be made."""
    name = job.name[:57].rstrip("-.") + "-again"
    # What the Job's controller has added belongs to the old one.
    labels = {key: value for key, value in job.labels.items() if not key.endswith(("controller-uid", "job-name"))}
    template = {**job.at("/spec/template", {}), "metadata": {"labels": labels}}
    spec = {key: value for key, value in job.at("/spec", {}).items() if key != "selector"}
    body = {"metadata": {"name": name, "labels": labels}, "spec": {**spec, "template": template}}
    try:
        return kube.create(Job, job.namespace, body).undo_by_deleting().send()
    except Error as error:
        if error.is_already_exists:
            stop.escalate(
                f"{why}. It was made anew before: see `kubectl -n {job.namespace} describe job {name}`"
            )
        raise
