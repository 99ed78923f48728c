"""Which object an alert is about, by its labels."""

from __future__ import annotations

import re
from dataclasses import dataclass

from suture_policy import Labels, kube
from suture_policy.kube import Object

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")

Deployment = kube.kind("apps/v1", "Deployment")
StatefulSet = kube.kind("apps/v1", "StatefulSet")
DaemonSet = kube.kind("apps/v1", "DaemonSet")
ReplicaSet = kube.kind("apps/v1", "ReplicaSet")
Claim = kube.kind("v1", "PersistentVolumeClaim")
Autoscaler = kube.kind("autoscaling/v2", "HorizontalPodAutoscaler")
Budget = kube.kind("policy/v1", "PodDisruptionBudget")
Service = kube.kind("v1", "Service")
Node = kube.kind("v1", "Node")

# The label that names an object, the most telling first. kube-state-metrics attaches the labels of
# its own pod to what it says of a Deployment or a node, so `pod` comes after those.
_LABELS: list[tuple[str, type[Object]]] = [
    ("persistentvolumeclaim", Claim),
    ("horizontalpodautoscaler", Autoscaler),
    ("poddisruptionbudget", Budget),
    ("job_name", kube.Job),
    ("cronjob", kube.CronJob),
    ("statefulset", StatefulSet),
    ("deployment", Deployment),
    ("daemonset", DaemonSet),
    ("replicaset", ReplicaSet),
    ("pod", kube.Pod),
    ("node", Node),
    ("service", Service),
]
# Who measures others: its own pod, Service and namespace say where a metric came from.
_EXPORTERS = ("kube-state-metrics", "node-exporter", "blackbox-exporter", "kubelet")


@dataclass(frozen=True)
class Subject:
    """What an alert is about: an object by name, that may not be there."""

    kind: type[Object]
    namespace: str | None
    name: str
    container: str = ""
    """Of a pod: the container that the alert names."""

    def ref(self) -> kube.Ref[Object]:
        """The object, to read it."""
        return kube.ref(self.kind, self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.kind.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind.kind} {self.name}"


def subject_of(labels: Labels) -> Subject | str:
    """What an alert is about, or why that can't be told."""
    said = own_labels(labels)
    for label, kind in _LABELS:
        name = said.get(label, "")
        if not name:
            continue
        namespace = None if kind is Node else said.get("namespace", "")
        for which, value in (label, name), ("namespace", namespace):
            if value and not _NAME.fullmatch(value):
                return f"the alert's label `{which}` is no name of an object"
        if namespace == "":
            return f"the alert names a {kind.kind}, and no namespace"
        return Subject(kind, namespace, name, said.get("container", ""))
    return "the alert has no label that names an object (pod, deployment, node, …)"


def own_labels(labels: Labels) -> Labels:
    """The labels that say what was measured, not who measured it.

    Where Prometheus does not honour an exporter's labels, they are called `exported_…`, and the
    plain ones are the exporter's. Where it does, the exporter's stand in for those that the metric
    has not got: a Deployment's `pod` is then kube-state-metrics'.
    """
    exported = {name.removeprefix("exported_"): value for name, value in labels.items() if name.startswith("exported_")}
    if exported.get("namespace") or exported.get("pod") or exported.get("node"):
        return {**{name: value for name, value in labels.items() if name not in _OF_TARGETS}, **exported}
    own = dict(labels)
    for label in ("pod", "service", "container"):
        # An alert about an exporter itself has nothing else to be about.
        if any(exporter in own.get(label, "") for exporter in _EXPORTERS) and _names_another(own, label):
            del own[label]
    return own


_OF_TARGETS = ("namespace", "pod", "service", "container", "node")


def _names_another(labels: Labels, label: str) -> bool:
    others = {"pod": "node", "service": "pod", "container": "container"}
    named = [name for name, _ in _LABELS if name not in ("pod", "node", "service")]
    return label == "container" or any(labels.get(name) for name in [*named, others[label]])
