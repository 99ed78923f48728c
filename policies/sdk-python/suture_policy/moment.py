"""Moments in time, as Kubernetes writes them."""

from __future__ import annotations

import re
from functools import total_ordering

from .duration import Duration

_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


@total_ordering
class Time:
    """A moment, to the millisecond: `Time.parse("2026-11-22T04:10:00Z")`.

    Writes itself as RFC 3339, in UTC and whole seconds, as `metadata.creationTimestamp`
    does. The present one is `clock.now()`.
    """

    __slots__ = ("millis",)

    millis: int
    """Milliseconds since the Unix epoch."""

    def __init__(self, millis: int):
        self.millis = millis

    @staticmethod
    def parse(text: object) -> Time | None:
        """Read RFC 3339, with a fraction or an offset too. None of what is no time."""
        found = _RFC_3339.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            return None
        year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
        fraction, sign, hours, minutes = found.groups()[6:]
        if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
            return None
        offset = (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1) if sign else 0
        whole = ((_days(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second
        return Time(whole * 1_000 + int(f"{fraction or ''}000"[:3])) if whole >= 0 else None

    def since(self, earlier: Time) -> Duration:
        """How long after `earlier` this is; nothing where it is before."""
        return Duration(millis=self.millis - earlier.millis)

    def __add__(self, duration: Duration) -> Time:
        return Time(self.millis + duration.millis)

    def __sub__(self, duration: Duration) -> Time:
        return Time(max(0, self.millis - duration.millis))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self.millis == other.millis

    def __lt__(self, other: Time) -> bool:
        return self.millis < other.millis

    def __hash__(self) -> int:
        return self.millis

    def __str__(self) -> str:
        days, seconds = divmod(self.millis // 1_000, 86_400)
        year, month, day = _date(days)
        return f"{year:04}-{month:02}-{day:02}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"

    def __repr__(self) -> str:
        return f'Time.parse("{self}")'


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01. Years begin in March here, so that the leap day is a year's last."""
    year -= month <= 2
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * ((month + 9) % 12) + 2) // 5 + day - 719_469


def _date(days: int) -> tuple[int, int, int]:
    year = 1970 + days // 366
    while _days(year + 1, 1, 1) <= days:
        year += 1
    month = max(month for month in range(1, 13) if _days(year, month, 1) <= days)
    return year, month, days - _days(year, month, 1) + 1
