"""What to wait for, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..host import kube as wit
from .encoding import write
from .objects import Object

T = TypeVar("T", bound=Object)

Test = wit.Test
"""One question about an object: made with `field`."""
Predicate = wit.Predicate
"""What to wait for: made with `all`, `any` and `deleted`."""


@dataclass(frozen=True)
class Waited(Generic[T]):
    """How a wait ended: it was met, or the object is deleted, or the time was up.

        match job.wait(finished, Duration("1h")):
            case Waited(met=Job() as job): …
            case Waited(deleted=True): …
            case _: …  # the time was up
    """

    met: T | None = None
    """The object as it was then, where it was as described."""
    deleted: bool = False
    """The object is gone. For `kube.deleted()` this is success."""

    @property
    def timeout(self) -> bool:
        """It did not happen in time."""
        return self.met is None and not self.deleted


class Field:
    """A field of an object that is about to be compared."""

    def __init__(self, pointer: str):
        self._pointer = pointer

    def exists(self) -> Test:
        """It is there, and not null."""
        return Test(self._pointer, wit.Op.EXISTS, "")

    def absent(self) -> Test:
        """It is not there, or null."""
        return Test(self._pointer, wit.Op.ABSENT, "")

    def equals(self, value: Any) -> Test:
        """It is this."""
        return Test(self._pointer, wit.Op.EQUALS, write(value))

    def differs_from(self, value: Any) -> Test:
        """It is not this; perhaps it is not there."""
        return Test(self._pointer, wit.Op.NOT_EQUALS, write(value))


def field(pointer: str) -> Field:
    """A field of the object, by its JSON pointer: `/status/phase`."""
    return Field(pointer)


def deleted() -> Predicate:
    """The object is gone, or replaced by another of its name."""
    return wit.Predicate_Deleted()


def all(*tests: Test) -> Predicate:
    """All of these hold."""
    return wit.Predicate_All(list(tests))


def any(*tests: Test) -> Predicate:
    """At least one of these holds."""
    return wit.Predicate_Any(list(tests))
