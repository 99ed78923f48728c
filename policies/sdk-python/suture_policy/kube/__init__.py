"""The Kubernetes API, as far as the operator's grants reach.

    class Backup(kube.Object, api_version="example.org/v1"):
        \"\"\"What the operator of example.org makes.\"\"\"

    backup = kube.find(Backup, "media", "plex")
    if backup is None:
        stop.unnecessary("there is no backup any more")
    plex = kube.of(backup)
    trigger = plex.merge_patch({"spec": {"trigger": "now"}}).undo(
        plex.json_patch([op.test("/spec/trigger", "now"), op.remove("/spec/trigger")])
    )
    with trigger.send():
        plex.wait(kube.field("/status/done").equals("now"), Duration("1h"))
"""

from __future__ import annotations

from typing import Any, TypeVar

from ..duration import Duration
from ..host import call
from ..host import kube as _wit
from . import op
from .change import Change, Undo, Undoable
from .condition import Condition
from .encoding import filled, wit_kind
from .event import Event, events_of, last_warning
from .job import CronJob, Job, has_condition, job_finished
from .listing import each, list
from .managers import ManagedFields
from .objects import Object, Owner, kind
from .pod import Container, Ended, Pod, reason_and_message
from .reference import Ref, of, ref
from .wait import Field, Predicate, Test, Waited, all, any, deleted, field

__all__ = [
    "Change", "Condition", "Container", "CronJob", "Ended", "Event", "Field", "Job", "ManagedFields", "Object",
    "Owner", "Pod", "Predicate", "Ref", "Test", "Undo", "Undoable", "Waited", "all", "any", "create", "deleted",
    "each", "events_of", "exclusive", "field", "find", "get", "has_condition", "job_finished", "kind", "last_warning",
    "list", "of", "op", "reason_and_message", "ref",
]  # fmt: skip

T = TypeVar("T", bound=Object)


def get(kind: type[T], namespace: str | None, name: str) -> T:
    """Read one object; the namespace is None for a kind that has none.

    Raises `Error`: `NotFound` where there is none; what the host says.
    """
    return Ref(kind, namespace, name).get()


def find(kind: type[T], namespace: str | None, name: str) -> T | None:
    """Read one object that may not be there.

    Raises as `get` does, but for `NotFound`. (`NotServed` is one: where the whole kind is not
    there, nothing is known of the object.)
    """
    return Ref(kind, namespace, name).find()


def create(kind: type[T], namespace: str | None, body: dict[str, Any]) -> Change[T]:
    """Create an object. `apiVersion` and `kind` are filled in; with `metadata.generateName` the
    host chooses the name."""
    operation = _wit.CreateOp(wit_kind(kind), namespace, filled(kind, body), None)
    return Change(kind, _wit.Mutation_Create(operation))


def exclusive(name: str, timeout: Duration) -> None:
    """Take the lock `name` until this run ends: of all runs of this policy, one at a time has it.

    Raises `Error`: `Timeout` where it stays taken for so long.
    """
    call(lambda host: host.exclusive(name, timeout.millis))
