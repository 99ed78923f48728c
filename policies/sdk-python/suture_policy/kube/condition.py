"""What the status of many kinds says in the same form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..moment import Time


@dataclass(frozen=True)
class Condition:
    """Something that is so, or not, or not known."""

    name: str
    """What: the field `type`."""
    status: str = ""
    """`True`, `False` or `Unknown`."""
    reason: str = ""
    """Why, in one word."""
    message: str = ""
    """Why, for people."""
    last_transition_time: Time | None = None
    """Since when the status is what it is. A new reason alone does not move it."""

    @property
    def is_true(self) -> bool:
        """Whether it is so."""
        return self.status == "True"

    @staticmethod
    def read(condition: dict[str, Any]) -> Condition:
        """From an entry of `status.conditions`."""
        texts = (condition.get(name) for name in ("type", "status", "reason", "message"))
        name, status, reason, message = (one if isinstance(one, str) else "" for one in texts)
        return Condition(name, status, reason, message, Time.parse(condition.get("lastTransitionTime")))
