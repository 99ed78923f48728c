"""Ending a run from deep inside it.

    def newest(backups: list[Backup]) -> Backup:
        if not backups:
            stop.escalate("there is no backup")
        return backups[-1]
"""

from __future__ import annotations

from typing import NoReturn

from .duration import Duration
from .outcome import Outcome


class Stop(BaseException):
    """The run goes no further: it has come to a conclusion.

    Not an `Exception`, so that `except Exception` lets it pass. A `with` of an undo takes its
    change back on the way out.
    """

    outcome: Outcome
    """The conclusion."""

    def __init__(self, outcome: Outcome):
        super().__init__(outcome.summary)
        self.outcome = outcome


def remediated(summary: str) -> NoReturn:
    """Stop: the repair is done."""
    raise Stop(Outcome.remediated(summary))


def unnecessary(why: str) -> NoReturn:
    """Stop: there is nothing to repair."""
    raise Stop(Outcome.unnecessary(why))


def escalate(why: str) -> NoReturn:
    """Stop: a person must look."""
    raise Stop(Outcome.escalate(why))


def retry(after: Duration, why: str) -> NoReturn:
    """Stop, and look again after so long, or later."""
    raise Stop(Outcome.retry(after, why))
