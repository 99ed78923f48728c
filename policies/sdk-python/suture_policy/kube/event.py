"""Events: what Kubernetes tells of an object that does not stand in the object."""

from __future__ import annotations

from .. import text as texts
from ..moment import Time
from .listing import list as read_all
from .objects import Object

_PAGE = 50
_SHOWN = 1_000
# Told again and again beside the warnings that say what holds something up.
_BESIDE = ("FailedToRetrieveImagePullSecret", "DNSConfigForming", "PolicyViolation")


class Event(Object, api_version="v1"):
    """What a component of Kubernetes has to say about an object."""

    @property
    def reason(self) -> str:
        """Why, in one word: `FailedMount`, `FailedCreate`."""
        return self.text("/reason")

    @property
    def message(self) -> str:
        """The same, for people."""
        return self.text("/message")

    @property
    def is_warning(self) -> bool:
        """Whether something is wrong."""
        return self.text("/type") == "Warning"

    @property
    def count(self) -> int:
        """How often it was told."""
        return max(self.number("/count"), self.number("/series/count"), 1)

    @property
    def last_seen(self) -> Time | None:
        """When it was told last."""
        pointers = ("/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp")
        return next((time for time in map(self.time, pointers) if time is not None), None)

    def __str__(self) -> str:
        return f"{self.reason}: {texts.end(texts.one_line(self.message), _SHOWN)}"


def events_of(about: Object) -> list[Event]:
    """The events about an object, the oldest first. Kubernetes keeps them for an hour.

    Raises `Error` with what the host says; that events are not granted is one of it.
    """
    kind = about.text("/kind") or about.kind
    selector = f"involvedObject.kind={kind},involvedObject.name={about.name}"
    # Those of an object that has no namespace stand in `default`.
    found = read_all(Event, about.namespace or "default", fields=selector, page=_PAGE)
    # Another object may have had the name; of one that is not known by its uid, any may be.
    uids = ("", about.uid)
    own = [event for event in found if not about.uid or event.text("/involvedObject/uid") in uids]
    return sorted(own, key=lambda event: event.last_seen or Time(0))


def last_warning(about: Object) -> Event | None:
    """The latest warning about an object, of those that hold it up if there are any.

    Raises as `events_of` does.
    """
    warnings = [event for event in events_of(about) if event.is_warning]
    telling = [event for event in warnings if event.reason not in _BESIDE]
    return next(reversed(telling or warnings), None)
