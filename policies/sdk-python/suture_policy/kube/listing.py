"""Many objects of a kind."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import TypeVar

from ..error import Error
from ..host import call
from ..host import kube as wit
from .encoding import read, wit_kind
from .objects import Object

T = TypeVar("T", bound=Object)

_TRIES = 5
"""How often a list is begun that expires before it is read."""


def list(
    kind: type[T],
    namespace: str | None = None,
    *,
    labels: str | dict[str, str] = "",
    fields: str = "",
    page: int = 0,
    metadata_only: bool = False,
) -> builtins.list[T]:
    """The objects of a kind, page after page, to the last; in all namespaces that the grants allow
    where none is given.

    `labels` is a label selector as kubectl takes it, or names and values; `fields` a field selector
    (`status.phase=Running`); `page` how many to ask for at a time (0: 500; less where objects are
    large, for a page may be larger than one call is allowed to be). With `metadata_only` each has
    nothing but `apiVersion`, `kind` and `metadata`.

    Where so much has changed meanwhile that the list can't be continued, it is begun anew.

    Raises `Error` with what the host says of any page; `Expired` where it expires again and again.
    """
    for begun in range(1, _TRIES + 1):
        try:
            return [*each(kind, namespace, labels=labels, fields=fields, page=page, metadata_only=metadata_only)]
        except Error as error:
            if not error.is_expired or begun == _TRIES:
                raise
    raise AssertionError("the last try returns or raises")


def each(
    kind: type[T],
    namespace: str | None = None,
    *,
    labels: str | dict[str, str] = "",
    fields: str = "",
    page: int = 0,
    metadata_only: bool = False,
) -> Iterator[T]:
    """As `list`, but a page is read only once its first object is asked for: to stop early, or to
    look at many without having all of them at once. Where it can't be continued it raises `Expired`."""
    if isinstance(labels, dict):
        labels = ",".join(f"{name}={value}" for name, value in labels.items())
    after: str | None = None
    while True:
        query = wit.Query(wit_kind(kind), namespace, labels, fields, page, after, metadata_only)
        found = call(lambda host, query=query: host.list(query))  # type: ignore[misc]
        for item in found.items:
            yield read(kind, item)
        after = found.next
        if after is None:
            return
