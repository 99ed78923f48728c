"""Words for people: short, and without what must not be passed on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from suture_policy import Duration, Time, text

if TYPE_CHECKING:
    from subject import Subject

MOST = 2_500
"""The longest summary, in characters."""

# What a log may say that belongs to nobody else: `password=x`, `"token": "x"`, `Bearer x`, `//user:x@host`.
_NAMED = re.compile(
    r"""(?i)((?:password|passwd|pwd|secret|token|api[-_]?key|access[-_]?key|authorization|credential)[\w-]{0,20}["']?\s{0,2}[=:]\s{0,2})"""
    r"""(?:(?:bearer|basic)\s{1,2})?("[^"]{1,200}"|'[^']{1,200}'|[^\s"',;|]{1,200})"""
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s{1,2}[\w.~+/=-]{8,}")
_IN_URL = re.compile(r"(//[^\s/:@]{0,100}:)[^\s/@]{1,200}@")


def redacted(said: str) -> str:
    """A text without what looks like a password, a token or a key."""
    said = _IN_URL.sub(r"\1…@", said)
    said = _BEARER.sub(r"\1 …", said)
    return _NAMED.sub(r"\1…", said)


def age(since: Time | None, now: Time) -> str:
    """How long something is so, in its largest unit: `3d`, `4h`, `12m`, `5s`."""
    if since is None:
        return "an unknown time"
    seconds = now.since(since).millis // 1_000
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * length or (seconds >= length and unit != "d"):
            return f"{seconds // length}{unit}"
    return str(Duration(seconds=seconds))


def joined(parts: Iterable[str], most: int) -> str:
    """Parts of a sentence as one, cut in the middle part where it would be too long: what comes last
    is what to type next."""
    *others, last = [part[0].upper() + part[1:] for part in parts if part]
    start = text.shortened(". ".join(others), most - len(last) - 2)
    return f"{start}. {last}" if start else last


def command(subject: Subject) -> str:
    """What to type to see more."""
    where = f" -n {subject.namespace}" if subject.namespace else ""
    return f"Next: kubectl{where} describe {subject.kind.kind.lower()} {subject.name}"
