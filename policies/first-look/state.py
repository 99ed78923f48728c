"""How an object is: what is not as it should be, in words."""

from __future__ import annotations

from suture_policy import Time, kube, text
from suture_policy.kube import Condition, Object, Pod
from words import age

_SHOWN = 240
# Conditions that are bad news when they are true; of all others it is bad news when they are false.
_BAD = ("Failed", "FailureTarget", "ReplicaFailure", "DisruptionTarget", "NetworkUnavailable", "ScalingLimited")
# (what there should be, what there is) by kind.
_COUNTS = {
    "Deployment": ("/spec/replicas", "/status/availableReplicas"),
    "StatefulSet": ("/spec/replicas", "/status/readyReplicas"),
    "ReplicaSet": ("/spec/replicas", "/status/readyReplicas"),
    "DaemonSet": ("/status/desiredNumberScheduled", "/status/numberReady"),
    "PodDisruptionBudget": ("/status/desiredHealthy", "/status/currentHealthy"),
}


def state(one: Object, now: Time) -> str:
    """The state of an object, in part of a sentence: counts, phase, bad conditions."""
    said = []
    if one.is_terminating:
        finalizers = f", held by {', '.join(one.finalizers[:3])}" if one.finalizers else ""
        said.append(f"being deleted for {age(one.deleted_since, now)}{finalizers}")
    if one.kind in _COUNTS:
        wanted, there = (one.number(pointer) for pointer in _COUNTS[one.kind])
        said.append(f"{there} of {text.counted(wanted, 'pod')} {'healthy' if 'Budget' in one.kind else 'ready'}")
    if one.kind == "HorizontalPodAutoscaler":
        said.append(f"{one.number('/status/currentReplicas')} of at most {one.number('/spec/maxReplicas')} pods")
    if one.kind == "Job":
        counts = (f"{one.number(f'/status/{what}')} {what}" for what in ("active", "succeeded", "failed"))
        said.append(", ".join(counts))
    if one.at("/spec/suspend") is True or one.at("/spec/unschedulable") is True:
        said.append("suspended" if one.at("/spec/suspend") is True else "cordoned")
    if one.kind in ("Pod", "PersistentVolumeClaim") and one.text("/status/phase"):
        said.append(one.text("/status/phase"))
    if isinstance(one, Pod):
        said += [*one.verdict()[:1], *containers(one)]
    said += [bad(condition, now) for condition in one.conditions if is_bad(condition)][:3]
    return "; ".join(said) or "nothing in its status is wrong"


def containers(pod: Pod) -> list[str]:
    """Those of a pod's containers that wait, have failed, or were started again."""
    said = []
    for one in pod.containers:
        about = []
        if one.waiting and one.waiting != "PodInitializing":
            about.append(kube.reason_and_message(one.waiting, text.start(one.waiting_message, _SHOWN)))
        if one.ended and (one.ended.exit_code != 0 or one.restarts > 0):
            about.append(f"{'last ' if one.is_running or one.waiting else ''}{one.ended}")
        if one.restarts > 0:
            about.append(f"{text.counted(one.restarts, 'restart')}")
        if about:
            said.append(f"container {one.name}: {', '.join(about)}")
    return said[:4]


def is_bad(condition: Condition) -> bool:
    """Whether a condition is bad news."""
    if condition.status not in ("True", "False"):
        return condition.status == "Unknown"
    bad_when_true = condition.name in _BAD or condition.name.endswith("Pressure")
    # A pod that is over is not ready, and need not be.
    over = condition.reason == "PodCompleted" or condition.name in ("Suspended", "Complete", "SuccessCriteriaMet")
    return not over and condition.is_true == bad_when_true


def bad(condition: Condition, now: Time) -> str:
    """A condition in words."""
    why = kube.reason_and_message(condition.reason, text.start(condition.message, _SHOWN))
    since = f" for {age(condition.last_transition_time, now)}" if condition.last_transition_time else ""
    return f"{condition.name} is {condition.status}{since}{f' ({why})' if why else ''}"
