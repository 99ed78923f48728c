"""Changes, and how they are taken back."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Generic, Literal, Self, TypeVar

from ..error import Error
from ..host import call
from ..host import kube as wit
from .encoding import read
from .objects import Object

T = TypeVar("T", bound=Object)

_PROPAGATION = {
    "background": wit.Propagation.BACKGROUND,
    "foreground": wit.Propagation.FOREGROUND,
    "orphan": wit.Propagation.ORPHAN,
}


class Change(Generic[T]):
    """A change that has not been made yet: `send` makes it."""

    def __init__(self, kind: type[T], mutation: wit.Mutation):
        self._kind, self._mutation = kind, mutation

    def at_version(self, version: str) -> Change[T]:
        """Only if the object is still at this version; otherwise the error is `Conflict`. Does
        nothing to a create or an apply, which name no version."""
        match self._mutation:
            case wit.Mutation_Patch(patch):
                return Change(self._kind, wit.Mutation_Patch(replace(patch, resource_version=version)))
            case wit.Mutation_Delete(delete):
                return Change(self._kind, wit.Mutation_Delete(replace(delete, resource_version=version)))
        return self

    def force(self) -> Change[T]:
        """Of an apply: take fields that another manager owns."""
        match self._mutation:
            case wit.Mutation_Apply(apply):
                return Change(self._kind, wit.Mutation_Apply(replace(apply, force=True)))
        return self

    def propagation(self, policy: Literal["background", "foreground", "orphan"]) -> Change[T]:
        """Of a delete: what becomes of the objects that this one owns. In the background, where it
        is not said."""
        match self._mutation:
            case wit.Mutation_Delete(delete):
                return Change(self._kind, wit.Mutation_Delete(replace(delete, propagation=_PROPAGATION[policy])))
        return self

    def undo(self, undo: Change[Object] | Change[T]) -> Undoable[T]:
        """Arm a change that takes this one back. The host makes it at the end of the run, however
        the run ends, unless it was settled before."""
        return Undoable(self._kind, self._mutation, undo._mutation)

    def undo_by_deleting(self) -> Undoable[T]:
        """Of a create: arm the deletion of what is made, whatever its name will be, and of what it
        owns."""
        match self._mutation:
            case wit.Mutation_Create(create):
                target = wit.Target(create.kind, create.namespace, "", None, None)
                delete = wit.Mutation_Delete(wit.DeleteOp(target, wit.Propagation.BACKGROUND, None))
                return Undoable(self._kind, self._mutation, delete)
        raise TypeError("`undo_by_deleting` is for a create; say with `undo` what takes this change back")

    def send(self) -> T:
        """Make the change, for good. Returns the object after it.

        Raises what the host says; then the change was not made, unless the reason is `Unknown`.
        """
        made = call(lambda host: host.mutate(self._mutation, None))
        return read(self._kind, made.object)


class Undoable(Generic[T]):
    """A change with what takes it back: `send` makes it."""

    def __init__(self, kind: type[T], mutation: wit.Mutation, undo: wit.Mutation):
        self._kind, self._mutation, self._undo = kind, mutation, undo

    def send(self) -> Undo[T]:
        """Make the change. From now on the host sees to it that it is taken back.

        Raises as `Change.send` does.
        """
        made = call(lambda host: host.mutate(self._mutation, self._undo))
        return Undo(made.step, read(self._kind, made.object))


class Undo(Generic[T]):
    """A change that was made and will be taken back: at the latest by the host at the end of the
    run, however it ends; earlier with `undo`, never with `keep`.

    As a guard it is taken back where the `with` ends, unless it was kept:

        with change.undo(other).send() as made:
            …
            made.keep()
    """

    object: T
    """The object after the change."""

    def __init__(self, step: str, made: T):
        self._step, self.object, self._settled = step, made, False

    def undo(self) -> None:
        """Take the change back now. Does nothing where it was settled before.

        Raises what the host says. It tries again at the end of the run.
        """
        self._settle(True)

    def keep(self) -> None:
        """The change is to stay. Does nothing where it was settled before.

        Raises what the host says.
        """
        self._settle(False)

    def _settle(self, run_undo: bool) -> None:
        if not self._settled:
            call(lambda host: host.settle(self._step, run_undo))
            self._settled = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.undo()
        except Error:
            # Where something else is on its way out, that is what counts.
            if error is None:
                raise
