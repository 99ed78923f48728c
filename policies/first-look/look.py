"""The look itself: an object, what it belongs to, its pods, events, logs and changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from changes import changes
from state import state
from subject import Node, Subject
from suture_policy import Error, clock, info, kube, step, text
from suture_policy.kube import Event, Object, Owner, Pod
from words import age, redacted

if TYPE_CHECKING:
    from policy import Settings

T = TypeVar("T")

_OWNERS = 3
_PAGE = 100
_MOST_PODS = 500
_LOG_SHOWN = 500
_EVENT_SHOWN = 240
# Owners that are read; of others their kind and name are told.
_READ = ("ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


class Look:
    """Collects what is seen. What can't be read is said to be so, and keeps nothing else back."""

    def __init__(self, settings: Settings):
        self.said: list[str] = []
        self._settings = settings
        self._now = clock.now()

    def gone(self, subject: Subject) -> None:
        """An object that is not there: perhaps its events are."""
        self._say(f"{subject} is not there any more")
        name, namespace = subject.name, subject.namespace
        about = Object(kind=subject.kind.kind, metadata={"name": name, "namespace": namespace} if namespace else {"name": name})
        self._events([about])

    def at(self, found: Object, container: str) -> None:
        """An object, and all around it."""
        step(f"looking at {found}")
        self._say(f"{found} ({age(found.created, self._now)} old): {state(found, self._now)}")
        pods = self._pods(found)
        owners = self._owners(found)
        self._node(found)
        self._events([found, *pods, *owners[:1]])
        for pod in [found] if isinstance(found, Pod) else pods:
            if isinstance(pod, Pod):
                self._log(pod, container)
        self._changes([found, *owners])

    def _pods(self, found: Object) -> list[Pod]:
        """The worst pods of a workload or a Job."""
        labels = found.at("/spec/selector/matchLabels")
        if found.kind == "Job":
            labels = {"batch.kubernetes.io/controller-uid": found.uid}
        elif found.kind == "Service":
            labels = found.at("/spec/selector")
        elif found.kind not in _WORKLOADS:
            return []
        if not isinstance(labels, dict) or not labels or not all(isinstance(one, str) for one in labels.values()):
            return []
        pods = self._tried("its pods", lambda: self._listed(found, labels))
        if pods is None:
            return []
        if not pods:
            self._say("it has no pods")
            return []
        bad = sorted((pod for pod in pods if badness(pod)), key=badness, reverse=True)
        worst = bad[: self._settings.pods]
        more = f", {len(bad) - len(worst)} more like that" if len(bad) > len(worst) else ""
        count = text.counted(len(pods), "pod")
        self._say(f"{len(bad)} of {count} {'is' if len(bad) == 1 else 'are'} not well{more}" if bad else f"its {count} are well" if len(pods) > 1 else "its pod is well")
        for pod in worst:
            self._say(f"{pod}: {state(pod, self._now)}")
        return worst

    def _listed(self, found: Object, labels: dict[str, str]) -> list[Pod]:
        pods: list[Pod] = []
        for pod in kube.each(Pod, found.namespace, labels=labels, page=_PAGE):
            pods.append(pod)
            if len(pods) >= _MOST_PODS:
                self._say(f"only the first {_MOST_PODS} pods were looked at")
                break
        return pods

    def _owners(self, found: Object) -> list[Object]:
        """What an object belongs to, up to the top."""
        owners: list[Object] = []
        below = found
        for _ in range(_OWNERS):
            owner = below.controller
            if owner is None:
                break
            read = self._owner(owner, below.namespace)
            if read is None:
                break
            self._say(f"it belongs to {read}: {state(read, self._now)}" if below is found else f"that to {read}: {state(read, self._now)}")
            owners.append(read)
            below = read
        return owners

    def _owner(self, owner: Owner, namespace: str | None) -> Object | None:
        kind, name = owner.text("/kind"), owner.name
        if kind not in _READ or not name:
            self._say(f"it belongs to {text.start(text.one_line(f'{kind} {name}'), 200)}")
            return None
        read = self._tried(f"its owner {kind} {name}", kube.ref(owner.resource, namespace, name).find)
        if read is not None and read.uid != owner.uid:
            self._say(f"its owner {kind} {name} is gone; another has its name")
            return None
        return read

    def _node(self, found: Object) -> None:
        """Whether the node of a pod is well."""
        if not isinstance(found, Pod) or not found.node:
            return
        node = self._tried(f"its node {found.node}", kube.ref(Node, None, found.node).find)
        if node is None:
            return
        ready = node.condition("Ready")
        if ready is None or not ready.is_true or node.at("/spec/unschedulable") is True:
            self._say(f"its node {node.name}: {state(node, self._now)}")

    def _events(self, about: list[Object]) -> None:
        """The latest warnings, or, where there are none, the latest of all."""
        found: list[tuple[Object, Event]] = []
        for one in about:
            events = self._tried(f"Events of {one}", lambda one=one: kube.events_of(one))  # type: ignore[misc]
            if events is None:
                return
            found += [(one, event) for event in events]
        warnings = [(one, event) for one, event in found if event.is_warning]
        latest = sorted(warnings or found, key=lambda pair: (pair[1].last_seen is None, pair[1].last_seen or self._now))
        for one, event in reversed(latest[-self._settings.events :]):
            often = f", {event.count} times" if event.count > 1 else ""
            which = "" if one is about[0] else f" on {one}"
            said = text.shortened(redacted(str(event)), _EVENT_SHOWN)
            self._say(f"Event{which} {age(event.last_seen, self._now)} ago{often}: {said}")
        if not found:
            self._say("no Events")

    def _log(self, pod: Pod, container: str) -> None:
        """The last lines of the container that the alert names, or that tells most."""
        if not self._settings.logs or not pod.has_started:
            return
        which = container if pod.container(container) else pod.telling_container()
        lines = self._settings.log_lines
        log = self._tried(f"the log of {which}", lambda: kube.of(pod).logs(which, lines=lines, limit=16_384))
        if log is None:
            return
        said = text.last_lines(redacted(log), lines, _LOG_SHOWN)
        self._say(f"log of {pod.name}/{which} ends: {said}" if said else f"log of {pod.name}/{which} is empty")

    def _changes(self, objects: list[Object]) -> None:
        """Who changed it lately. Only where one object was read its managers are known."""
        within = self._settings.changes_within
        found = [(one, said) for one in objects for said in changes(one, within, self._now)]
        for one, said in found[:3]:
            self._say(f"changed: {one.kind} {one.name} by {said}")
        if not found:
            self._say(f"nobody changed its spec in the last {within}")

    def _tried(self, what: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Error as error:
            why = "not granted" if error.is_denied else "forbidden to the host" if error.is_forbidden else error.reason
            self._say(f"{what} can't be read ({why})")
            return None

    def _say(self, said: str) -> None:
        self.said.append(said)
        info(said)


def badness(pod: Pod) -> int:
    """How bad a pod is: the higher, the sooner it is looked at; 0 is well."""
    if pod.phase == "Succeeded":
        return 0
    restarts = sum(one.restarts for one in pod.containers)
    if pod.is_failed or pod.stuck:
        return 3_000_000 + restarts
    if any(one.waiting == "CrashLoopBackOff" for one in pod.containers):
        return 2_000_000 + restarts
    if not pod.is_ready:
        return 1_000_000 + restarts
    return 0
