"""What a policy asks to be allowed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .host import types


@dataclass(frozen=True)
class Permission:
    """A request for rights, with its reason. The policy may do what is requested and granted."""

    reason: str
    """Why the policy needs it, for the operator who decides."""
    groups: tuple[str, ...] = ()
    """API groups; the core group is the empty text."""
    resources: tuple[str, ...] = ()
    """Plural names; a subresource is `pods/log`, `jobs/status`."""
    verbs: tuple[str, ...] = ()
    """`get` (reading, and waiting on, one object; `pods/log` for logs), `list`, `create`,
    `patch` (apply too), `delete`."""
    names: tuple[str, ...] = ()
    """Metrics, by name."""
    conditions: tuple[str, ...] = ()
    """The settings that turn this request on, each `SETTING=VALUE`."""

    @staticmethod
    def to(group: str | Sequence[str], resources: Sequence[str], verbs: Sequence[str], reason: str) -> Permission:
        """Verbs (`get`, `list`, `create`, `patch`, `delete`) on resources of an API group (the core
        group is the empty text), and why: `Permission.to("batch", ["jobs"], ["get"], "to see …")`."""
        groups = (group,) if isinstance(group, str) else tuple(group)
        return Permission(reason, groups, _texts("resources", resources), _texts("verbs", verbs))

    @staticmethod
    def metrics(names: Sequence[str], reason: str) -> Permission:
        """The metrics that the policy's queries select, by name (`*` stands for any characters, `?`
        for one), and why. `ALERTS` lets it see alerts of other incidents than its own."""
        return Permission(reason, names=_texts("names", names))

    def when(self, setting: str, value: object = True) -> Permission:
        """Only where a setting has a value: `.when("unlock", "job")`; dots lead into a setting
        (`unlockJob.retry`). Said more than once, all must hold. Under other settings the operator
        is not asked for it, and it is denied."""
        said = value if isinstance(value, str) else json.dumps(value)
        return replace(self, conditions=(*self.conditions, f"{setting}={said}"))

    def to_wit(self) -> types.Permission:
        """As the contract has it."""
        return types.Permission(
            groups=list(self.groups),
            resources=list(self.resources),
            verbs=list(self.verbs),
            metrics=list(self.names),
            when=list(self.conditions),
            reason=self.reason,
        )


def _texts(what: str, texts: Sequence[str]) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise TypeError(f'`{what}` of a permission is a list: ["{texts}"]')
    return tuple(texts)
