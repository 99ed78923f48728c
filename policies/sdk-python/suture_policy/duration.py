"""Lengths of time, as settings write them."""

from __future__ import annotations

import re
from functools import total_ordering

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_PART = re.compile(r"([0-9]{1,15})(d|h|ms|m|s)")


@total_ordering
class Duration:
    """A length of time, to the millisecond: `Duration("1h30m")`, `Duration(seconds=5)`.

    Reads and writes itself like `500ms`, `4s`, `10m` or `1h30m`, so it can stand in
    settings. Never negative: a difference below nothing is nothing.
    """

    __slots__ = ("millis",)

    PATTERN = "^([0-9]+(d|h|m|s|ms))+$"
    """A regular expression (ECMA 262) for what can be read, for JSON schemas."""

    millis: int
    """How many milliseconds that is."""

    def __init__(self, text: str = "", *, hours: float = 0, minutes: float = 0, seconds: float = 0, millis: float = 0):
        """From a text, or from parts that are added up.

        Raises `ValueError` where the text is no duration.
        """
        parts = hours * 3_600_000 + minutes * 60_000 + seconds * 1_000 + millis
        self.millis = max(0, int(parts)) + (_read(text) if text else 0)

    def __add__(self, other: Duration) -> Duration:
        return Duration(millis=self.millis + other.millis)

    def __sub__(self, other: Duration) -> Duration:
        return Duration(millis=self.millis - other.millis)

    def __mul__(self, times: float) -> Duration:
        return Duration(millis=self.millis * times)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self.millis == other.millis

    def __lt__(self, other: Duration) -> bool:
        return self.millis < other.millis

    def __hash__(self) -> int:
        return self.millis

    def __bool__(self) -> bool:
        return self.millis > 0

    def __str__(self) -> str:
        rest, text = self.millis, ""
        for unit, factor in _UNITS.items():
            if rest >= factor:
                text += f"{rest // factor}{unit}"
                rest %= factor
        return text or "0s"

    def __repr__(self) -> str:
        return f'Duration("{self}")'


def _read(text: str) -> int:
    parts = list(_PART.finditer(text))
    if "".join(part[0] for part in parts) != text:
        raise ValueError(f"`{text}` is not a duration; write it like `30s`, `10m` or `1h30m`")
    return sum(int(part[1]) * _UNITS[part[2]] for part in parts)
