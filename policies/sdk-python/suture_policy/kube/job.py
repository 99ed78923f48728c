"""Jobs and CronJobs, as far as policies look at them."""

from __future__ import annotations

from ..moment import Time
from .condition import Condition
from .objects import Object, text
from .wait import Predicate, any, field

# `Suspended`, then `FailureTarget` and `Failed` or `SuccessCriteriaMet` and `Complete`; and one of
# somebody else.
_MOST_CONDITIONS = 4


class Job(Object, api_version="batch/v1"):
    """A Job."""

    @property
    def is_complete(self) -> bool:
        """Whether it is over, and well."""
        return self._true("Complete") is not None

    @property
    def failure(self) -> Condition | None:
        """Why it is over, where that is not well: `BackoffLimitExceeded`, `DeadlineExceeded`, …"""
        return self._true("Failed")

    @property
    def is_finished(self) -> bool:
        """Whether it is over, well or badly."""
        return self.is_complete or self.failure is not None

    @property
    def containers(self) -> list[str]:
        """The names of the containers that its pods are made with: what is in a pod besides was put
        there by somebody else, a service mesh perhaps."""
        return [text(one, "/name") for one in self.items_at("/spec/template/spec/containers")]

    def _true(self, name: str) -> Condition | None:
        condition = self.condition(name)
        return condition if condition and condition.is_true else None


class CronJob(Object, api_version="batch/v1"):
    """A CronJob."""

    @property
    def is_suspended(self) -> bool:
        """Whether its schedule is off."""
        return self.at("/spec/suspend") is True

    @property
    def active(self) -> list[str]:
        """The names of its Jobs that are at work."""
        return [text(one, "/name") for one in self.items_at("/status/active")]

    @property
    def last_scheduled(self) -> Time | None:
        """When it last made a Job."""
        return self.time("/status/lastScheduleTime")

    @property
    def last_success(self) -> Time | None:
        """When a Job of it last completed. That Job may be gone."""
        return self.time("/status/lastSuccessfulTime")


def has_condition(*names: str) -> Predicate:
    """For waiting: a Job has one of these conditions. A Job's conditions are true once they are
    there; only `Suspended` can become false."""
    places = range(_MOST_CONDITIONS)
    return any(*(field(f"/status/conditions/{place}/type").equals(name) for place in places for name in names))


def job_finished() -> Predicate:
    """For waiting: a Job is over, well or badly."""
    return has_condition("Complete", "Failed")
