"""What a run works on."""

from __future__ import annotations

from dataclasses import dataclass, field

from .error import Error
from .host import types
from .moment import Time

Labels = dict[str, str]
"""Label or annotation names and values."""


@dataclass(frozen=True)
class Alert:
    """One alert. Everything in it was chosen by whoever can write a rule or post to the
    webhook: a hint, not a proof."""

    labels: Labels = field(default_factory=dict)
    """Its labels, sorted by name."""
    annotations: Labels = field(default_factory=dict)
    """Its annotations, sorted by name."""
    firing: bool = True
    """Whether it fires; false where Alertmanager said that it is resolved."""
    starts_at: Time | None = None
    """When it began to fire."""
    ends_at: Time | None = None
    """When it was resolved, if it was."""
    generator_url: str = ""
    """A link to the expression that fires."""
    fingerprint: str = ""
    """Alertmanager's hash of the labels."""


@dataclass(frozen=True)
class Incident:
    """What a run works on: one policy and one key, from the first firing alert until it is
    resolved."""

    id: str
    """Unique, and the same for all attempts."""
    attempt: int
    """1 for the first run, 2 for its first retry, …"""
    keys: Labels
    """The labels that the manifest names in `key`. The host has checked that each value is a
    valid Kubernetes name."""
    alert: Alert
    """The alert that opened the incident, in its latest form."""

    def key(self, label: str) -> str:
        """The value of a key label.

        Raises `Error` where the manifest does not name the label in `key`.
        """
        if label not in self.keys:
            raise Error(f"`{label}` is not among the manifest's key labels ({', '.join(self.keys) or 'it has none'})")
        return self.keys[label]

    def label(self, name: str) -> str | None:
        """The value of any label of the alert. Nobody has checked it."""
        return self.alert.labels.get(name)

    @staticmethod
    def read(incident: types.Incident) -> Incident:
        """From what the host sends."""
        alert = incident.alert
        return Incident(
            id=incident.id,
            attempt=incident.attempt,
            keys=dict(incident.key),
            alert=Alert(
                labels=dict(alert.labels),
                annotations=dict(alert.annotations),
                firing=alert.status == types.AlertStatus.FIRING,
                starts_at=Time.parse(alert.starts_at),
                ends_at=Time.parse(alert.ends_at),
                generator_url=alert.generator_url,
                fingerprint=alert.fingerprint,
            ),
        )
