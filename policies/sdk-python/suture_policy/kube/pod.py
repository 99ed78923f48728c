"""Pods, as far as policies look at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import text as texts
from ..moment import Time
from .objects import Object, number, text

_SHOWN = 500
# What a container waits for that does not come by itself.
_STUCK = (
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
)


class Container(dict[str, Any]):
    """What a container is: an entry of a pod's `containerStatuses` or `initContainerStatuses`."""

    @property
    def name(self) -> str:
        """Its name."""
        return text(self, "/name")

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(0, number(self, "/restartCount"))

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return isinstance(self.get("state"), dict) and isinstance(self["state"].get("running"), dict)

    @property
    def waiting(self) -> str:
        """Why it has not begun, in one word: `ContainerCreating`, `ImagePullBackOff`; empty where it has."""
        return text(self, "/state/waiting/reason")

    @property
    def waiting_message(self) -> str:
        """The same, for people."""
        return text(self, "/state/waiting/message")

    @property
    def ended(self) -> Ended | None:
        """How it ended, now or before it was started again."""
        for state in ("state", "lastState"):
            found = self.get(state)
            if isinstance(found, dict) and isinstance(found.get("terminated"), dict):
                return Ended(found["terminated"])
        return None

    @property
    def has_started(self) -> bool:
        """Whether it has begun, now or before it was started again."""
        return self.is_running or self.ended is not None


class Ended(dict[str, Any]):
    """How a container has ended."""

    @property
    def exit_code(self) -> int:
        """What the process returned; 137 is killed (9), 143 is asked to go (15)."""
        return number(self, "/exitCode")

    @property
    def reason(self) -> str:
        """`Completed`, `Error`, `OOMKilled`, …"""
        return text(self, "/reason")

    @property
    def at(self) -> Time | None:
        """When."""
        return Time.parse(self.get("finishedAt"))

    def __str__(self) -> str:
        said = f"exit code {self.exit_code}"
        if self.reason not in ("", "Error", "Completed"):
            said += f" ({self.reason})"
        message = texts.end(texts.one_line(text(self, "/message")), _SHOWN)
        return f"{said}: {message}" if message else said


class Pod(Object, api_version="v1"):
    """A pod."""

    @property
    def phase(self) -> str:
        """`Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`."""
        return self.text("/status/phase")

    @property
    def node(self) -> str:
        """The node that it is on; empty as long as it has none."""
        return self.text("/spec/nodeName")

    @property
    def is_finished(self) -> bool:
        """Whether its work is over, well or badly."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def is_failed(self) -> bool:
        """Whether its work is over and it did not succeed."""
        return self.phase == "Failed"

    @property
    def containers(self) -> list[Container]:
        """What its containers are: the main ones first, then the init containers."""
        pointers = ("/status/containerStatuses", "/status/initContainerStatuses")
        return [Container(one) for pointer in pointers for one in self.items_at(pointer)]

    def container(self, name: str) -> Container | None:
        """What a container of it is, by its name."""
        return next((one for one in self.containers if one.name == name), None)

    @property
    def is_ready(self) -> bool:
        """Whether it is ready to serve."""
        condition = self.condition("Ready")
        return condition is not None and condition.is_true

    @property
    def stuck(self) -> Container | None:
        """The container for which it will not start by itself: it waits for an image or a
        configuration that is not there."""
        return next((one for one in self.containers if one.waiting in _STUCK), None)

    @property
    def has_started(self) -> bool:
        """Whether a container of it has begun, and perhaps ended: something was done."""
        return self.is_finished or any(one.has_started for one in self.containers)

    def telling_container(self, main: Sequence[str] = ()) -> str:
        """The container that tells most about a pod that was made for the work of `main`: of those
        that failed one of these, else another, an init container last; where none has failed the
        first of `main`. By name, never by position, for a service mesh puts its own in front."""
        default = self.annotations.get("kubectl.kubernetes.io/default-container", "")
        inits = {text(one, "/name") for one in self.items_at("/status/initContainerStatuses")}

        def rank(one: Container) -> tuple[bool, bool, bool, bool, int]:
            at = one.ended.at if one.ended else None
            # What failed first has ended the others.
            early = -at.millis if at else 0
            return (one.name in main, one.name not in inits, one.name == default, at is not None, early)

        failed = [one for one in self.containers if one.ended and one.ended.exit_code != 0]
        if failed:
            return max(failed, key=rank).name
        names = [text(one, "/name") for one in self.items_at("/spec/containers")]
        named = next((name for name in main if name in names), "")
        return named or default or (names[0] if names else "")

    def how_it_ended(self, container: str) -> str:
        """How it ended, without its name and its log: the container's exit code, reason and last
        words, and what Kubernetes says of the pod as a whole."""
        status = self.container(container)
        ended = status.ended if status else None
        said = [f"container {container}: {ended if ended else 'no exit code'}"]
        if status and not ended and status.waiting:
            said.append(reason_and_message(status.waiting, status.waiting_message))
        return "; ".join([*said, *self.verdict()])

    def verdict(self) -> list[str]:
        """Why Kubernetes ended the pod as a whole, if it did: evicted, out of time, drained."""
        said = [reason_and_message(self.text("/status/reason"), self.text("/status/message"))]
        disruption = self.condition("DisruptionTarget")
        if disruption and disruption.is_true:
            said.append(reason_and_message(disruption.reason, disruption.message))
        return [one for one in said if one]


def reason_and_message(reason: str, message: str) -> str:
    """`Reason: message`, or what there is of it, on one line and cut."""
    return ": ".join(one for one in (reason, texts.start(texts.one_line(message), _SHOWN)) if one)
