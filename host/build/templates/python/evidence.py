"""What can be seen of a Job's failure, in one sentence."""

from suture_policy import Error, kube, text
from suture_policy.kube import Job, Pod


def evidence(job: Job) -> str:
    """Why a Job failed: its condition, and the container that ended badly, with its last words."""
    reason = job.failure.reason if job.failure else ""
    why = f"{job} failed: {reason or 'it does not say why'}"
    pods = kube.list(Pod, job.namespace, labels={"batch.kubernetes.io/controller-uid": job.uid}, page=50)
    for pod in pods:
        for container in pod.containers:
            if container.ended and container.ended.exit_code != 0:
                ended = f"{container.ended.reason or 'Error'}, exit code {container.ended.exit_code}"
                return f"{why}; container {container.name} of pod {pod.name}: {ended}{last_line(pod, container.name)}"
    return why if pods else f"{why}; its pods are gone"


def last_line(pod: Pod, container: str) -> str:
    """The last line of a container's log, as the end of a sentence."""
    try:
        line = text.last_lines(kube.of(pod).logs(container, lines=5), 1, 200)
    except Error as error:
        # The evidence is worth having without the log, too.
        return f", its log can't be read ({error.reason})"
    return f", its log ends: {line}" if line else ""
