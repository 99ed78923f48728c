"""Objects as the API server writes them, with a careful way to read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ..moment import Time
from ..quantity import Quantity
from .condition import Condition
from .managers import ManagedFields


class Object(dict[str, Any]):
    """An object of a kind: its JSON, as a `dict`. A kind is a class:

        class ReplicationSource(Object, api_version="volsync.backube/v1alpha1"):
            \"\"\"What VolSync backs up.\"\"\"

    whose name is the kind's, unless `kind=` says another. `kube.kind(…)` makes one where it is
    known only in a run.

    Anything in it may be missing or odd. `at`, `text`, `number`, `items` and `time` read at a JSON
    pointer and never fail: what is not there, or is something else, is nothing.
    """

    api_version: ClassVar[str] = ""
    """`v1`, `batch/v1`."""
    kind: ClassVar[str] = ""
    """`Pod`, `Job`."""

    def __init_subclass__(cls, api_version: str | None = None, kind: str | None = None, **more: object):
        super().__init_subclass__(**more)
        if api_version is not None:
            cls.api_version, cls.kind = api_version, kind or cls.__name__

    def at(self, pointer: str, default: Any = None) -> Any:
        """What stands at a JSON pointer (RFC 6901): `/spec/containers/0/name`."""
        return at(self, pointer, default)

    def text(self, pointer: str) -> str:
        """The text there; empty where there is none."""
        return text(self, pointer)

    def number(self, pointer: str) -> int:
        """The whole number there; 0 where there is none."""
        return number(self, pointer)

    def items_at(self, pointer: str) -> list[dict[str, Any]]:
        """The objects in the list there."""
        return items(self, pointer)

    def quantity(self, pointer: str) -> Quantity | None:
        """The amount there: `/spec/resources/requests/storage`."""
        return Quantity.parse(self.at(pointer))

    def time(self, pointer: str) -> Time | None:
        """The moment there."""
        return Time.parse(self.at(pointer))

    @property
    def name(self) -> str:
        """Its name."""
        return self.text("/metadata/name")

    @property
    def namespace(self) -> str | None:
        """Its namespace, where its kind has one."""
        return self.text("/metadata/namespace") or None

    @property
    def uid(self) -> str:
        """Identifies it among all that ever had its name."""
        return self.text("/metadata/uid")

    @property
    def resource_version(self) -> str:
        """Changes whenever it does."""
        return self.text("/metadata/resourceVersion")

    @property
    def generation(self) -> int:
        """Counts what was asked of it, where its kind counts; else 0. Its status speaks of the present
        once its `observedGeneration` is this."""
        return self.number("/metadata/generation")

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return texts(self, "/metadata/labels")

    @property
    def annotations(self) -> dict[str, str]:
        """Its annotations."""
        return texts(self, "/metadata/annotations")

    @property
    def created(self) -> Time | None:
        """When it was made."""
        return self.time("/metadata/creationTimestamp")

    @property
    def deleted_since(self) -> Time | None:
        """Since when it is being deleted, if it is."""
        return self.time("/metadata/deletionTimestamp")

    @property
    def is_terminating(self) -> bool:
        """Whether it is being deleted."""
        return self.at("/metadata/deletionTimestamp") is not None

    @property
    def finalizers(self) -> list[str]:
        """What must happen before it can go."""
        found = self.at("/metadata/finalizers", [])
        return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []

    @property
    def owners(self) -> list[Owner]:
        """Whose it is."""
        return [Owner(one) for one in self.items_at("/metadata/ownerReferences")]

    @property
    def controller(self) -> Owner | None:
        """The owner that manages it, if there is one."""
        return next((owner for owner in self.owners if owner.at("/controller") is True), None)

    def is_owned_by(self, uid: str) -> bool:
        """Whether the object with this uid owns it."""
        return bool(uid) and any(owner.uid == uid for owner in self.owners)

    @property
    def conditions(self) -> list[Condition]:
        """What its status says in conditions."""
        return [Condition.read(one) for one in self.items_at("/status/conditions")]

    def condition(self, name: str) -> Condition | None:
        """A condition of it, by its type."""
        return next((condition for condition in self.conditions if condition.name == name), None)

    @property
    def managed_fields(self) -> list[ManagedFields]:
        """Who owns which of its fields. The host shows it where one object is read (`kube.get`), and
        nowhere else."""
        return [ManagedFields.read(one) for one in self.items_at("/metadata/managedFields")]

    def managers_of(self, pointer: str) -> list[ManagedFields]:
        """Who owns the field at a JSON pointer: whoever applies it, or wrote it last."""
        return [fields for fields in self.managed_fields if fields.owns(pointer)]

    def __str__(self) -> str:
        kind = self.text("/kind") or self.kind
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


class Owner(Object):
    """An object that owns another: an entry of `metadata.ownerReferences`."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.text("/name")

    @property
    def uid(self) -> str:
        """Its uid."""
        return self.text("/uid")

    @property
    def resource(self) -> type[Object]:
        """Its kind, to read it with."""
        return kind(self.text("/apiVersion"), self.text("/kind"))


def kind(api_version: str, name: str) -> type[Object]:
    """A kind that is known only in a run: `kube.get(kube.kind("apps/v1", "Deployment"), …)`."""
    known = next((one for one in _kinds(Object) if (one.api_version, one.kind) == (api_version, name)), None)
    return known or type(name, (Object,), {"api_version": api_version, "kind": name})


def _kinds(above: type[Object]) -> Iterator[type[Object]]:
    for below in above.__subclasses__():
        yield below
        yield from _kinds(below)


def at(value: Any, pointer: str, default: Any = None) -> Any:
    """What stands at a JSON pointer in any JSON value."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return default
    return default if value is None else value


def text(value: Any, pointer: str) -> str:
    """The text at a JSON pointer; empty where there is none."""
    found = at(value, pointer)
    return found if isinstance(found, str) else ""


def number(value: Any, pointer: str) -> int:
    """The whole number at a JSON pointer; 0 where there is none."""
    found = at(value, pointer)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def items(value: Any, pointer: str) -> list[dict[str, Any]]:
    """The objects in the list at a JSON pointer."""
    found = at(value, pointer)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def texts(value: Any, pointer: str) -> dict[str, str]:
    """The names and texts at a JSON pointer."""
    found = at(value, pointer)
    return {key: one for key, one in found.items() if isinstance(one, str)} if isinstance(found, dict) else {}
