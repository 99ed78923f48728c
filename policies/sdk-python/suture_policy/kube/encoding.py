"""Objects to text and back."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from ..error import UNREADABLE, Error
from ..host import kube as wit
from .objects import Object

T = TypeVar("T", bound=Object)


def read(kind: type[T], text: str) -> T:
    """An object from its JSON.

    Raises `Error`, `Unreadable`, where it is none.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Error(f"{kind.kind}: {error}", UNREADABLE) from error
    if not isinstance(found, dict):
        raise Error(f"{kind.kind}: not an object", UNREADABLE)
    return kind(found)


def write(value: Any) -> str:
    """A value as JSON.

    Raises `TypeError` where something in it has no JSON: a set, a `Time` that was not made a text.
    """
    return json.dumps(value, allow_nan=False)


def filled(kind: type[Object], body: dict[str, Any], name: str | None = None) -> str:
    """An object that is to be written, with `apiVersion` and `kind` (and a name)."""
    metadata = {**(body.get("metadata") or {}), **({} if name is None else {"name": name})}
    return write({**body, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata})


def wit_kind(kind: type[Object]) -> wit.Kind:
    """A kind as the contract has it.

    Raises `TypeError` for a class that is no kind.
    """
    if not (isinstance(kind, type) and issubclass(kind, Object) and kind.kind):
        raise TypeError(f'{kind!r} is no kind; write `class Backup(Object, api_version="example.org/v1")`')
    return wit.Kind(kind.api_version, kind.kind)
