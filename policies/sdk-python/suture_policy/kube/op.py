"""The operations of a JSON patch (RFC 6902)."""

from typing import Any

Operation = dict[str, Any]
"""One operation of a JSON patch."""


def test(pointer: str, value: Any) -> Operation:
    """Go on only if this is the value at the pointer."""
    return {"op": "test", "path": pointer, "value": value}


def add(pointer: str, value: Any) -> Operation:
    """Add a value, or replace the one that is there."""
    return {"op": "add", "path": pointer, "value": value}


def replace(pointer: str, value: Any) -> Operation:
    """Replace the value that is there."""
    return {"op": "replace", "path": pointer, "value": value}


def remove(pointer: str) -> Operation:
    """Remove the value that is there."""
    return {"op": "remove", "path": pointer}
