"""Why something failed."""

from __future__ import annotations

from .duration import Duration

NOT_FOUND = "NotFound"
"""The object does not exist."""
NOT_SERVED = "NotServed"
"""The API server has no such kind: its definition is not installed, or the version is gone."""
ALREADY_EXISTS = "AlreadyExists"
"""An object of that name exists."""
CONFLICT = "Conflict"
"""The object is not at the version or uid that was asked for."""
FORBIDDEN = "Forbidden"
"""The API server refuses it: the host itself has no right to it."""
INVALID = "Invalid"
"""The API server refuses the object or patch; also where a JSON patch's `test` fails."""
DENIED = "Denied"
"""The operator's grants, or a built-in rule of the host, refuse it."""
EXPIRED = "Expired"
"""A list can't be continued: too much has changed since it was begun."""
TIMEOUT = "Timeout"
"""It did not happen within the time that was given."""
UNAVAILABLE = "Unavailable"
"""The cluster or Prometheus could not be reached."""
UNKNOWN = "Unknown"
"""A mutation may or may not have taken place."""
UNREADABLE = "Unreadable"
"""What the host sent is not what was expected."""
POLICY = "Policy"
"""The policy's own."""


class Error(Exception):
    """Why something failed. Made by the host, or by the policy: `raise Error("…")`.

    Where it leaves `remediate` it says that the policy could not conclude: the host takes
    back what was not kept, and retries later.
    """

    reason: str
    """What code looks at: one of the constants of `suture_policy.error`, or another that Kubernetes sent."""
    message: str
    """What people read. Never parse it."""
    status: int | None
    """The HTTP status code, where there was one."""
    retry_after: Duration | None
    """How long to wait before another try, where the server said so."""

    def __init__(
        self, message: str, reason: str = POLICY, status: int | None = None, retry_after: Duration | None = None
    ):
        super().__init__(message)
        self.reason, self.message, self.status, self.retry_after = reason, message, status, retry_after

    def context(self, doing: str) -> Error:
        """The same error, with what was being done in front of its message."""
        return Error(f"{doing}: {self.message}", self.reason, self.status, self.retry_after)

    @property
    def is_not_found(self) -> bool:
        """The object does not exist."""
        return self.reason == NOT_FOUND

    @property
    def is_not_served(self) -> bool:
        """The API server has no such kind. Nothing is known of the object then: where the kind
        is one that a cluster may do without, there is none; where it is not, conclude nothing."""
        return self.reason == NOT_SERVED

    @property
    def is_denied(self) -> bool:
        """The operator's grants do not allow it: not now, and not at a second try."""
        return self.reason == DENIED

    @property
    def is_forbidden(self) -> bool:
        """The API server does not allow it, though the operator does. It may be that its own
        roles are not there yet, or no longer; don't conclude anything from it."""
        return self.reason == FORBIDDEN

    @property
    def is_conflict(self) -> bool:
        """The object has changed, or is another of the same name."""
        return self.reason == CONFLICT

    @property
    def is_already_exists(self) -> bool:
        """An object of that name exists."""
        return self.reason == ALREADY_EXISTS

    @property
    def is_expired(self) -> bool:
        """A list that was being read is too old to go on with; `kube.list` begins anew by itself."""
        return self.reason == EXPIRED

    @property
    def is_timeout(self) -> bool:
        """The time was up."""
        return self.reason == TIMEOUT

    @property
    def is_unavailable(self) -> bool:
        """The cluster or Prometheus could not be reached."""
        return self.reason == UNAVAILABLE

    def __str__(self) -> str:
        return self.message if self.reason == POLICY else f"{self.reason}: {self.message}"


class NotInAPolicy(Exception):
    """Python has it and a policy has not; the message says what it has instead."""
