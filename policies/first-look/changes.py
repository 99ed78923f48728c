"""Who changed an object lately, and what: by its field managers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suture_policy import Duration, Time, text
from suture_policy.kube import ManagedFields, Object
from words import age

_FIELDS = 3
_DEPTH = 12
# Who writes without anybody having asked for a change.
_ROUTINE = ("kube-controller-manager", "kubelet", "kube-scheduler", "cluster-autoscaler", "cloud-controller-manager")


def changes(one: Object, within: Duration, now: Time) -> list[str]:
    """The latest changes of an object's spec, labels and annotations, the newest first."""
    recent = [fields for fields in one.managed_fields if is_telling(fields) and is_recent(fields, within, now)]
    recent.sort(key=lambda fields: fields.time or Time(0), reverse=True)
    return [change(fields, now) for fields in recent[:3]]


def is_telling(fields: ManagedFields) -> bool:
    """Whether somebody has changed what an object is to be, not what it is."""
    return fields.subresource != "status" and fields.manager not in _ROUTINE and "f:status" not in fields.fields


def is_recent(fields: ManagedFields, within: Duration, now: Time) -> bool:
    """Whether a change is young enough to be told."""
    return fields.time is not None and now.since(fields.time) <= within


def change(fields: ManagedFields, now: Time) -> str:
    """Who, what, and how long ago. The API server knows of one time for all that a manager owns."""
    paths: list[str] = []
    for path in leaves(fields.fields):
        if len(paths) > _FIELDS:
            break
        paths.append(path)
    shown = ", ".join(paths[:_FIELDS]) + (", …" if len(paths) > _FIELDS else "")
    who = text.start(text.one_line(fields.manager), 60) or "somebody"
    by = f"{who} ({fields.gitops})" if fields.gitops else who
    return f"{by} {age(fields.time, now)} ago, who owns {shown or 'nothing any more'}"


def leaves(fields: dict[str, Any], above: str = "", depth: int = 0) -> Iterator[str]:
    """The paths of owned fields: the spec before metadata, the shallow before the deep."""
    order = sorted((name for name in fields if name != "."), key=lambda name: (name == "f:metadata", name))
    for name in order:
        path = above + step(name)
        below = fields[name]
        if isinstance(below, dict) and any(key != "." for key in below) and depth < _DEPTH:
            yield from leaves(below, path, depth + 1)
        else:
            yield text.start(path.removeprefix("."), 100)


def step(name: str) -> str:
    """One step of a path: `f:image` is `.image`, `k:{"name":"app"}` is `[app]`."""
    kind, _, rest = name.partition(":")
    if kind == "f":
        return f".{rest}"
    value = rest.rpartition(":")[2].strip('"}') if kind == "k" else rest
    return f"[{text.start(text.one_line(value), 40)}]"
