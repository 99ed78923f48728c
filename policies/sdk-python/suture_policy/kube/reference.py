"""One object, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from ..duration import Duration
from ..error import Error
from ..host import call
from ..host import kube as wit
from . import wait as waits
from .change import Change
from .encoding import filled, read, wit_kind, write
from .objects import Object
from .op import Operation
from .wait import Predicate, Test, Waited

T = TypeVar("T", bound=Object)


class Ref(Generic[T]):
    """One object of a kind, by name. Nothing is read or changed before a method says so."""

    def __init__(
        self,
        kind: type[T],
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        subresource: str | None = None,
    ):
        self._kind = kind
        self._target = wit.Target(wit_kind(kind), namespace, name, uid, subresource)

    def subresource(self, name: str) -> Ref[T]:
        """A subresource of it: `status`, `scale`."""
        target = self._target
        return Ref(self._kind, target.namespace, target.name, uid=target.uid, subresource=name)

    def get(self) -> T:
        """Read it.

        Raises `Error`: `NotFound` where it is not there; what the host says.
        """
        return read(self._kind, call(lambda host: host.get(self._target)))

    def find(self) -> T | None:
        """Read it, if it is there.

        Raises as `get` does, but for `NotFound`.
        """
        try:
            return self.get()
        except Error as error:
            if error.is_not_found:
                return None
            raise

    def merge_patch(self, body: dict[str, Any]) -> Change[T]:
        """Change it by a JSON merge patch (RFC 7386)."""
        return self._patch(wit.PatchType.MERGE, write(body))

    def json_patch(self, operations: Sequence[Operation]) -> Change[T]:
        """Change it by a JSON patch (RFC 6902), written with `kube.op`."""
        return self._patch(wit.PatchType.JSON, write(list(operations)))

    def _patch(self, patch_type: wit.PatchType, body: str) -> Change[T]:
        return Change(self._kind, wit.Mutation_Patch(wit.PatchOp(self._target, patch_type, body, None)))

    def apply(self, body: dict[str, Any]) -> Change[T]:
        """Server-side apply: own these fields. `apiVersion`, `kind` and name are filled in."""
        text = filled(self._kind, body, self._target.name)
        return Change(self._kind, wit.Mutation_Apply(wit.ApplyOp(self._target, text, False)))

    def delete(self) -> Change[T]:
        """Delete it. It may live on, terminating, while it has finalizers: wait for
        `kube.deleted()` to know."""
        operation = wit.DeleteOp(self._target, wit.Propagation.BACKGROUND, None)
        return Change(self._kind, wit.Mutation_Delete(operation))

    def wait(self, until: Predicate | Test, timeout: Duration) -> Waited[T]:
        """Wait until it is as described, or gone, or the time is up.

        Raises what the host says; that the time is up is no error.
        """
        predicate = waits.all(until) if isinstance(until, Test) else until
        match call(lambda host: host.wait(self._target, predicate, timeout.millis)):
            case wit.Waited_Met(text):
                return Waited(met=read(self._kind, text))
            case wit.Waited_Deleted():
                return Waited(deleted=True)
        return Waited()

    def logs(self, container: str = "", *, lines: int = 0, limit: int = 0) -> str:
        """Of a pod: the last lines that a container has written, at most `limit` bytes (0: 1 MiB).
        `container` may be empty where the pod has one.

        Raises what the host says.
        """
        return call(lambda host: host.logs(self._target, container, lines, limit))

    def __str__(self) -> str:
        target = self._target
        where = f"{target.namespace}/{target.name}" if target.namespace else target.name
        return f"{target.kind.kind} {where}"


def ref(kind: type[T], namespace: str | None, name: str) -> Ref[T]:
    """An object by its name; the namespace is None for a kind that has none."""
    return Ref(kind, namespace, name)


def of(found: T) -> Ref[T]:
    """The object that was read: with its uid, so never another of the same name."""
    return Ref(type(found), found.namespace, found.name, uid=found.uid or None)
