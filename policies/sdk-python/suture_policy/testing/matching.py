"""Selectors and predicates, as far as tests of policies need them."""

from __future__ import annotations

import json
import re
from typing import Any

from ..contract import kube as wit
from ..kube.objects import at, texts

_SET = re.compile(r"\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*")


def is_selected(one: dict[str, Any], labels: str, fields: str) -> bool:
    """Whether a label selector and a field selector select an object."""
    own = texts(one, "/metadata/labels")
    by_labels = all(_label_fits(own, part) for part in re.split(r",(?![^(]*\))", labels) if part)
    return by_labels and all(_field_fits(one, part) for part in fields.split(",") if part)


def _label_fits(labels: dict[str, str], part: str) -> bool:
    found = _SET.fullmatch(part)
    if found:
        values = [value.strip() for value in found[3].split(",")]
        return (labels.get(found[1]) in values) == (found[2] == "in")
    for sign in ("!=", "==", "="):
        name, is_there, value = part.partition(sign)
        if is_there:
            return (labels.get(name.strip()) == value.strip()) == (sign != "!=")
    return part.strip("! ") not in labels if part.strip().startswith("!") else part.strip() in labels


def _field_fits(one: dict[str, Any], part: str) -> bool:
    sign = "!=" if "!=" in part else "="
    name, _, value = part.partition(sign)
    found = at(one, "/" + name.replace(".", "/"), "")
    return (str(found) == value.lstrip("=")) == (sign == "=")


def holds(predicate: wit.Predicate, one: dict[str, Any]) -> bool:
    """Whether what is waited for is so."""
    match predicate:
        case wit.Predicate_All(tests):
            return all(_is_so(test, one) for test in tests)
        case wit.Predicate_Any(tests):
            return any(_is_so(test, one) for test in tests)
    return False


def _is_so(test: wit.Test, one: dict[str, Any]) -> bool:
    found = at(one, test.pointer)
    match test.op:
        case wit.Op.EXISTS:
            return found is not None
        case wit.Op.ABSENT:
            return found is None
        case wit.Op.EQUALS:
            return bool(found == json.loads(test.value))
    return bool(found != json.loads(test.value))
