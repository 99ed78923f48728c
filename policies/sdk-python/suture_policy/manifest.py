"""What a policy says of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from . import settings as _settings
from .host import types
from .permission import Permission

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_VERSION = re.compile(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?", re.ASCII)
_VERBS = {"get", "list", "create", "patch", "delete"}


@dataclass(frozen=True)
class Manifest:
    """What a policy says of itself. The policy's module has one, called `manifest`; it is made
    when the module is built, so that a mistake in it shows there."""

    name: str
    """A DNS label (RFC 1123), as the operator will write it."""
    version: str
    """Semantic versioning 2.0."""
    description: str
    """What it does, in one or two sentences."""
    matchers: Sequence[str]
    """The alerts it is for: Alertmanager matchers (`alertname="X"`, `role=~"a|b"`), all of which
    must match."""
    key: Sequence[str] = ()
    """The labels whose values identify what is broken. Alerts that agree in these belong to one
    incident; runs of one key never overlap. None: each alert is an incident of its own."""
    permissions: Sequence[Permission] = ()
    """What it asks to be allowed. The policy may do what is both requested and granted."""
    settings: type | None = None
    """What the operator may set: a dataclass, see `suture_policy.settings`."""
    settings_schema: Mapping[str, object] | None = field(default=None, repr=False)
    """A whole JSON Schema (draft 2020-12), where `settings` does not say enough. It replaces theirs."""

    def __post_init__(self) -> None:
        for name in ("matchers", "key", "permissions"):
            if isinstance(getattr(self, name), str):
                raise TypeError(f"`{name}` of the manifest is a list: [{getattr(self, name)!r}]")
        if not _DNS_LABEL.fullmatch(self.name):
            raise ValueError(f"the manifest's name `{self.name}` is not a DNS label; write it like `job-failed`")
        if not _VERSION.fullmatch(self.version):
            raise ValueError(f"the manifest's version `{self.version}` is not a version; write it like `0.1.0`")
        for permission in self.permissions:
            unknown = [verb for verb in permission.verbs if verb not in _VERBS]
            if unknown:
                raise ValueError(f"`{unknown[0]}` is no verb of a permission: get, list, create, patch, delete")
        self.to_wit()

    def to_wit(self) -> types.Manifest:
        """As the contract has it.

        Raises `TypeError` where the settings are no dataclass of `setting`s.
        """
        schema: Mapping[str, object] = {"type": "object", "additionalProperties": False}
        if self.settings_schema is not None:
            schema = self.settings_schema
        elif self.settings is not None:
            schema = _settings.schema(self.settings)
        return types.Manifest(
            name=self.name,
            version=self.version,
            description=self.description,
            matchers=list(self.matchers),
            key=list(self.key),
            permissions=[permission.to_wit() for permission in self.permissions],
            settings_schema=json.dumps(schema),
        )
