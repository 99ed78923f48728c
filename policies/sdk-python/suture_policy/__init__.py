"""The library that Suture policies are written with, in Python.

A policy is a module with a `manifest` and a function `remediate`; `suture build` makes a
component of it. This is a whole one: it restarts what does not become ready after its
configuration was replaced.

    from dataclasses import dataclass

    from suture_policy import Duration, Incident, Manifest, Outcome, Permission, kube, setting, step

    class Deployment(kube.Object, api_version="apps/v1"):
        \"\"\"A Deployment.\"\"\"

    @dataclass(frozen=True)
    class Settings:
        patience: Duration = setting(Duration("10m"), "How long it may take to come back.")

    manifest = Manifest(
        name="restart",
        version="0.1.0",
        description="Restarts a Deployment, once.",
        matchers=['alertname="DeploymentUnavailable"'],
        key=["namespace", "deployment"],
        permissions=[Permission.to("apps", ["deployments"], ["get", "patch"], "to restart it")],
        settings=Settings,
    )

    def remediate(incident: Incident, settings: Settings) -> Outcome:
        name = incident.key("deployment")
        found = kube.find(Deployment, incident.key("namespace"), name)
        if found is None:
            return Outcome.unnecessary(f"{name} is gone")
        step(f"restarting {name}")
        deployment = kube.of(found)
        stamp = {"example.org/restarted-by": incident.id}
        deployment.merge_patch({"spec": {"template": {"metadata": {"annotations": stamp}}}}).send()
        waited = deployment.wait(kube.field("/status/unavailableReplicas").absent(), settings.patience)
        if waited.met:
            return Outcome.remediated(f"{name} was restarted and is available")
        return Outcome.escalate(f"{name} was restarted and is still not available")

What an author must know: a policy is **deterministic** (the same incident and the same answers
lead to the same calls; after a crash the host feeds the recorded answers into a fresh instance),
and it keeps **nothing between runs**. Otherwise it is ordinary, blocking code: a wait may last
hours and costs nothing. It has no clock, files, network or chance but what is in this library,
and its imports stand at the top of the file.

For unit tests the same code runs without WebAssembly: see `suture_policy.testing`.
"""

from . import clock, kube, log, prometheus, stop, text
from .duration import Duration
from .error import Error
from .incident import Alert, Incident, Labels
from .log import debug, info, step, warn
from .manifest import Manifest
from .moment import Time
from .outcome import Outcome
from .permission import Permission
from .quantity import Quantity
from .settings import required, setting
from .stop import Stop

__all__ = [
    "Alert", "Duration", "Error", "Incident", "Labels", "Manifest", "Outcome", "Permission", "Quantity", "Stop", "Time",
    "clock", "debug", "info", "kube", "log", "prometheus", "required", "setting", "step", "stop", "text", "warn",
]  # fmt: skip

__version__ = "0.1.0"
