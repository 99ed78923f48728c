"""What a policy concluded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .duration import Duration


@dataclass(frozen=True)
class Outcome:
    """What a policy concluded: `Outcome.remediated("…")` and its like.

    Each comes with a sentence for people: it stands in the timeline, in the API, and in the
    alert that tells them.
    """

    kind: Literal["remediated", "unnecessary", "retry", "escalate"]
    """Which of the four."""
    summary: str
    """The sentence for people."""
    after: Duration | None = None
    """Of `retry`: how long to wait before another run. The host may wait longer."""

    @staticmethod
    def remediated(summary: str) -> Outcome:
        """The repair is done. The host now watches that the alert clears."""
        return Outcome("remediated", summary)

    @staticmethod
    def unnecessary(summary: str) -> Outcome:
        """There is nothing to repair."""
        return Outcome("unnecessary", summary)

    @staticmethod
    def retry(after: Duration, reason: str) -> Outcome:
        """Not now, but after this long. Counts as an attempt."""
        return Outcome("retry", reason, after)

    @staticmethod
    def escalate(summary: str) -> Outcome:
        """A person must look: what was seen, and what was not done because of it."""
        return Outcome("escalate", summary)
