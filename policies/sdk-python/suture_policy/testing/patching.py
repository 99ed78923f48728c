"""JSON patches of both kinds."""

from __future__ import annotations

import copy
from typing import Any

from ..contract import kube as wit
from ..contract.results import Err
from ..error import INVALID
from ..kube.objects import at


def merged(one: Any, patch: Any) -> Any:
    """After a merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(one) if isinstance(one, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def json_patched(one: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """After a JSON patch (RFC 6902) of `test`, `add`, `replace` and `remove`.

    Raises `Err`, `Invalid`, where a test fails or a place is not there.
    """
    whole: dict[str, Any] = {"": copy.deepcopy(one)}
    for operation in operations:
        op, path = operation["op"], operation["path"]
        if op == "test":
            if at(one := whole[""], path) != operation["value"]:
                raise _invalid(f"the value at {path} is {at(one, path)!r}")
            continue
        above, _, last = path.rpartition("/")
        place, name = at(whole[""], above), last.replace("~1", "/").replace("~0", "~")
        if isinstance(place, list):
            index = len(place) if name == "-" else int(name)
            place[index : index + (op != "add")] = [] if op == "remove" else [operation["value"]]
        elif isinstance(place, dict) and (op == "add" or name in place):
            place.pop(name, None)
            if op != "remove":
                place[name] = operation["value"]
        else:
            raise _invalid(f"nothing is at {path}")
    patched: dict[str, Any] = whole[""]
    return patched


def _invalid(message: str) -> Err[wit.Error]:
    return Err(wit.Error(INVALID, message, 422, None))
