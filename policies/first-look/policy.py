"""first-look: what a person would look up first for an alert, in the escalation. It changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from look import Look
from subject import subject_of
from suture_policy import Duration, Error, Incident, Manifest, Outcome, Permission, setting
from words import MOST, command, joined

_APPS = ["deployments", "statefulsets", "daemonsets", "replicasets"]


@dataclass(frozen=True)
class Settings:
    """What the operator may set."""

    logs: bool = setting(True, "Whether the last lines of logs are shown. What looks like a password is left out.")
    log_lines: int = setting(5, "How many of the last lines of a container's log are shown.", minimum=1, maximum=50)
    events: int = setting(3, "How many events are shown: the latest warnings.", minimum=1, maximum=20)
    pods: int = setting(2, "How many pods of a workload are looked at closely: the worst.", minimum=1, maximum=5)
    changes_within: Duration = setting(Duration("24h"), "How old a change of a spec may be to be shown.")


manifest = Manifest(
    name="first-look",
    version="0.1.0",
    description="For any alert: collects what a person would look up first (state, owner, Events, the logs' last lines, "
    "recent changes by field managers) into the escalation. Changes nothing.",
    # Never what Suture itself tells people; nor what fires always, or says nothing of an object.
    matchers=['alertname!~"Suture.*|Watchdog|InfoInhibitor"'],
    permissions=[
        Permission.to("", ["pods"], ["get", "list"], "to see the pod of the alert, or the worst pods of a workload"),
        Permission.to("", ["events"], ["list"], "to show the latest warnings about what the alert is about"),
        Permission.to("", ["pods/log"], ["get"], "to show the last lines of the container that tells most").when("logs"),
        Permission.to("apps", _APPS, ["get"], "to see a workload's state, and who changed it lately"),
        Permission.to("batch", ["jobs", "cronjobs"], ["get"], "to see a Job's state, and who changed it lately"),
        Permission.to("", ["persistentvolumeclaims", "services"], ["get"], "to see the claim or Service of the alert"),
        Permission.to("", ["nodes"], ["get"], "to see whether the node is well, of the alert or of its pod"),
        Permission.to("autoscaling", ["horizontalpodautoscalers"], ["get"], "to see why it does not scale"),
        Permission.to("policy", ["poddisruptionbudgets"], ["get"], "to see how many pods it misses"),
    ],
    settings=Settings,
)


def remediate(incident: Incident, settings: Settings) -> Outcome:
    """Look, and tell."""
    if not incident.alert.firing:
        return Outcome.unnecessary("the alert is resolved")
    subject = subject_of(incident.alert.labels)
    if isinstance(subject, str):
        return Outcome.escalate(f"nothing was looked up: {subject}")
    try:
        found = subject.ref().find()
    except Error as error:
        if error.is_unavailable and incident.attempt == 1:
            return Outcome.retry(Duration("1m"), f"{subject} can't be read: {error.message}")
        return Outcome.escalate(joined([f"{subject} can't be read: {error}", command(subject)], MOST))
    look = Look(settings)
    if found is None:
        look.gone(subject)
    else:
        look.at(found, subject.container)
    return Outcome.escalate(joined([*look.said, command(subject)], MOST))
