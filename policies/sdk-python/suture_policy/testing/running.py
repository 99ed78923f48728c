"""A run of a policy in a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType

from .. import settings as _settings
from ..component import concluded, parts
from ..duration import Duration
from ..error import Error
from ..host import using
from ..incident import Alert, Incident
from ..outcome import Outcome
from .cluster import Cluster


def incident(policy: ModuleType, labels: Mapping[str, str], *, attempt: int = 1) -> Incident:
    """An incident of a policy, from the labels of its alert.

    Raises `Error` where a label is missing that the manifest names in `key`.
    """
    manifest, _, _ = parts(policy)
    missing = [label for label in manifest.key if label not in labels]
    if missing:
        raise Error(f"the alert has no label `{missing[0]}`, which the manifest names in `key`")
    alert = Alert(labels=dict(sorted(labels.items())))
    return Incident("incident-1", attempt, {label: labels[label] for label in manifest.key}, alert)


def run(
    policy: ModuleType,
    labels: Mapping[str, str] | Incident,
    cluster: Cluster,
    *,
    settings: Mapping[str, object] | None = None,
) -> Outcome:
    """What a policy concludes of an alert with these labels, with some of its settings said (in JSON:
    `{"retry": True, "timeout": "1h"}`). Undos that were not settled are run at the end, as the host
    would: they stand in `cluster.changes`.

    Raises what the policy raises.
    """
    manifest, remediate, kind = parts(policy)
    schema = _settings.schema(kind) if kind else dict(manifest.settings_schema or {})
    said = dict(settings or {})
    properties = schema.get("properties")
    defaults = properties if isinstance(properties, dict) else {}
    unknown = [name for name in said if name not in defaults]
    if unknown:
        raise Error(f"the policy has no setting `{unknown[0]}`; it has {', '.join(defaults) or 'none'}")
    filled = {name: one["default"] for name, one in defaults.items() if "default" in one} | said
    text = json.dumps(filled, default=lambda value: str(value) if isinstance(value, Duration) else value)
    about = labels if isinstance(labels, Incident) else incident(policy, labels)
    with using(cluster):
        try:
            return concluded(remediate, kind, about, text)
        finally:
            cluster.finish()
