"""Who owns which fields of an object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..moment import Time

_GITOPS = {
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
    "fleet-agent": "Fleet",
    "fleetagent": "Fleet",
}


@dataclass(frozen=True)
class ManagedFields:
    """Fields of an object that somebody wrote last."""

    manager: str
    """Who: `argocd-controller`, `kubectl-edit`."""
    operation: str = ""
    """`Apply`, or `Update` for every other way to write."""
    subresource: str = ""
    """The subresource by which it was written, if it was."""
    time: Time | None = None
    """When that was."""
    fields: dict[str, Any] = field(default_factory=dict, repr=False)
    """Which fields, as the API server writes them (`{"f:spec": {"f:unlock": {}}}`)."""

    def owns(self, pointer: str) -> bool:
        """Whether the field at a JSON pointer is among them, alone or with all that it stands in."""
        fields = self.fields
        for part in pointer.split("/")[1:]:
            name = "f:" + part.replace("~1", "/").replace("~0", "~")
            if name not in fields:
                return False
            fields = fields[name]
            if not isinstance(fields, dict) or not fields:
                return True
        # Something in it is owned, and so is it where it stands itself.
        return "." in fields

    @property
    def gitops(self) -> str | None:
        """The GitOps controller that this is, by the name that it goes by."""
        return "Argo CD" if self.manager.startswith("argocd") else _GITOPS.get(self.manager)

    @staticmethod
    def read(entry: dict[str, Any]) -> ManagedFields:
        """From an entry of `metadata.managedFields`."""
        manager, operation, subresource = (entry.get(name) for name in ("manager", "operation", "subresource"))
        fields = entry.get("fieldsV1")
        return ManagedFields(
            manager if isinstance(manager, str) else "",
            operation if isinstance(operation, str) else "",
            subresource if isinstance(subresource, str) else "",
            Time.parse(entry.get("time")),
            fields if isinstance(fields, dict) else {},
        )
