"""What an operator may set: a dataclass whose fields carry their schema.

    @dataclass(frozen=True)
    class Settings:
        retry: bool = setting(False, "Whether the Job is made anew.")
        start_timeout: Duration = setting(Duration("10m"), "How long it may take to start.")
        lines: int = setting(10, "How many lines are shown.", minimum=1, maximum=100)

In JSON a field is called in camel case: `startTimeout`. The host checks the operator's
settings against the schema and fills in the defaults before the policy sees them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from .duration import Duration
from .error import UNREADABLE, Error

T = TypeVar("T")
S = TypeVar("S")

_MOST = 2**32 - 1


def setting(
    default: T,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[str] | None = None,
    pattern: str | None = None,
    schema: Mapping[str, object] | None = None,
) -> T:
    """A field of a settings dataclass: its default, from which its type follows, and what it
    means, for operators.

    `minimum` and `maximum` bound a number (an `int` is at least 0 unless it is said), or the
    number of a list's items; `choices` are the only values of a text, `pattern` a regular
    expression (ECMA 262) that it must fit; `schema` is more JSON Schema (draft 2020-12) where
    these do not say enough.
    """
    property = _property(default)
    limits = {"array": ("minItems", "maxItems"), "string": ("minLength", "maxLength")}
    low, high = limits.get(str(property["type"]), ("minimum", "maximum"))
    said = {low: minimum, high: maximum, "enum": list(choices) if choices else None, "pattern": pattern}
    property |= {key: value for key, value in said.items() if value is not None}
    property |= {"description": description, **(schema or {})}
    metadata = {"schema": property}
    if isinstance(default, (list, dict)):
        made: T = dataclasses.field(default_factory=default.copy, metadata=metadata)  # type: ignore[assignment]
        return made
    return dataclasses.field(default=default, metadata=metadata)


Type = Literal["string", "integer", "number", "boolean", "duration"]
"""The type of a required setting."""


def required(kind: Type, description: str, **more: object) -> Any:
    """A field that the operator must set. `more` is JSON Schema: `pattern="^[a-z]+$"`, `maxLength=63`."""
    typed: dict[str, object] = {"type": kind}
    if kind == "duration":
        typed = {"type": "string", "pattern": Duration.PATTERN}
    return dataclasses.field(metadata={"schema": {**typed, "description": description, **more}})


def _property(default: object) -> dict[str, object]:
    match default:
        case bool():
            return {"type": "boolean", "default": default}
        case int():
            return {"type": "integer", "minimum": 0, "maximum": _MOST, "default": default}
        case float():
            return {"type": "number", "default": default}
        case str():
            return {"type": "string", "default": default}
        case Duration():
            return {"type": "string", "pattern": Duration.PATTERN, "default": str(default)}
        case list():
            return {"type": "array", "items": {"type": "string"}, "default": default}
        case dict():
            return {"type": "object", "additionalProperties": {"type": "string"}, "default": default}
    raise TypeError(f"a setting is a bool, int, float, str, Duration, list or dict, not {type(default).__name__}")


def schema(settings: type) -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of a settings dataclass."""
    properties, needed = {}, []
    for field in _fields(settings):
        if "schema" not in field.metadata:
            raise TypeError(
                f"{settings.__name__}.{field.name} has no description; write it as "
                f'`{field.name}: … = setting(DEFAULT, "what it means")`'
            )
        properties[_camel(field.name)] = dict(field.metadata["schema"])
        if field.default is field.default_factory is dataclasses.MISSING:
            needed.append(_camel(field.name))
    whole: dict[str, object] = {"type": "object", "additionalProperties": False, "properties": properties}
    return whole | {"required": needed} if needed else whole


def read(settings: type[S], text: str) -> S:
    """The operator's settings.

    Raises `Error`, `Unreadable`, where they are not what the dataclass expects.
    """
    try:
        said = json.loads(text)
        names = {_camel(field.name): field for field in _fields(settings)}
        values = {names[key].name: _value(names[key], value) for key, value in said.items() if key in names}
        return settings(**values)
    except (TypeError, ValueError, AttributeError) as error:
        raise Error(f"the settings do not fit {settings.__name__}: {error}", UNREADABLE) from error


def plain(text: str) -> dict[str, Any]:
    """The operator's settings as they are, where the manifest has a whole schema and no dataclass."""
    said = json.loads(text)
    return said if isinstance(said, dict) else {}


def _value(field: dataclasses.Field[Any], value: Any) -> Any:
    is_duration = field.metadata.get("schema", {}).get("pattern") == Duration.PATTERN
    return Duration(value) if is_duration and isinstance(value, str) else value


def _fields(settings: type) -> tuple[dataclasses.Field[Any], ...]:
    if not dataclasses.is_dataclass(settings):
        raise TypeError(f"{settings.__name__} is not a dataclass; write `@dataclass(frozen=True)` above it")
    return dataclasses.fields(settings)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
