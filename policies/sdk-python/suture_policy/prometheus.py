"""Prometheus, read only: the metrics that the manifest requests and the operator grants."""

from __future__ import annotations

from dataclasses import dataclass

from .duration import Duration
from .host import call
from .incident import Labels
from .moment import Time


@dataclass(frozen=True)
class Sample:
    """A value of a series at a time."""

    labels: Labels
    """The labels of the series, sorted by name."""
    at: Time
    """When."""
    value: float
    """The value; may be infinite, or not a number."""


@dataclass(frozen=True)
class Series:
    """A series over a range of time."""

    labels: Labels
    """Its labels, sorted by name."""
    points: list[tuple[Time, float]]
    """Its values, oldest first."""


@dataclass(frozen=True)
class ActiveAlert:
    """An alert that Prometheus knows of."""

    labels: Labels
    """Its labels, sorted by name."""
    annotations: Labels
    """Its annotations, sorted by name."""
    firing: bool
    """False while it is pending."""
    active_at: Time | None
    """Since when its expression holds."""


def query(expression: str) -> list[Sample]:
    """Evaluate an expression now. A scalar is one sample without labels.

    Raises `Error`: `Denied` where it selects a metric that was not requested and granted,
    `Unavailable` where Prometheus can't be asked, and what it says of the expression.
    """
    samples = call(lambda host: host.query(expression))
    return [Sample(dict(sample.labels), Time(sample.at_ms), sample.value) for sample in samples]


def query_range(expression: str, begin: Time, end: Time, step: Duration) -> list[Series]:
    """Evaluate an expression from one moment to another in steps; at most 11,000 points a series.

    Raises `Error` as `query` does.
    """
    series = call(lambda host: host.query_range(expression, begin.millis, end.millis, step.millis))
    return [Series(dict(one.labels), [(Time(at), value) for at, value in one.points]) for one in series]


def alerts() -> list[ActiveAlert]:
    """The alerts that are pending or firing: those of this run's incident; all of them where the
    policy may query the metric `ALERTS`.

    Raises `Error`: `Unavailable` where Prometheus can't be asked.
    """
    active = call(lambda host: host.alerts())
    return [
        ActiveAlert(dict(one.labels), dict(one.annotations), one.firing, Time.parse(one.active_at)) for one in active
    ]
