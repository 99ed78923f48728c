"""A policy's module as the exports of a component.

What the host writes as the entry of a Python component is all that is here:

    from suture_policy.component import world

    WitWorld = world("policy")
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import host as _host
from . import sandbox, settings
from .error import Error
from .host import Err, types
from .incident import Incident
from .manifest import Manifest
from .origin import Origin
from .outcome import Outcome
from .stop import Stop


class BuildError(Exception):
    """What is wrong with a policy's module, with its file and line. Shown by `suture build`."""


def world(module: str, *, trace: bool = False) -> type:
    """The class that a component exports: that of the policy in a module.

    Called while the component is built. With `trace` each call to the host is preceded by a line in
    the timeline (level debug) that says where in the policy it was made.

    Raises `BuildError` where the module can't be imported, or lacks what a policy has.
    """
    sandbox.prepare()
    origin = Origin()
    try:
        policy = importlib.import_module(module)
        manifest, remediate, kind = parts(policy)
    except Exception as error:
        raise BuildError(origin.described(error)) from None
    answer = manifest.to_wit()
    sandbox.seal(origin.modules())
    origin.remember()
    imports: Any = _host.Imports()
    calls: Any = Traced(imports, origin) if trace else imports

    class WitWorld:
        """The exports of the component."""

        def manifest(self) -> types.Manifest:
            return answer

        def remediate(self, incident: types.Incident) -> types.Outcome:
            sandbox.enter()
            try:
                with _host.using(calls):
                    try:
                        return conclude(remediate, kind, incident)
                    finally:
                        sandbox.leave()
            except BaseException as error:
                said = _host.sound(origin.described(error))
            # Not in the `with`: Python writes into what passes through one, and `Err` is frozen.
            raise Err(said)

    return WitWorld


Remediate = Callable[..., Outcome]


def parts(policy: ModuleType) -> tuple[Manifest, Remediate, type | None]:
    """The manifest, the function and the settings of a policy's module.

    Raises `TypeError` that says what is missing, and how it is written.
    """
    name = policy.__name__
    manifest: object = getattr(policy, "manifest", None)
    remediate: Any = getattr(policy, "remediate", None)
    if not isinstance(manifest, Manifest):
        raise TypeError(f"the module `{name}` has no `manifest`; write `manifest = Manifest(…)` in it")
    if not inspect.isroutine(remediate):
        raise TypeError(f"the module `{name}` has no function `remediate(incident, settings)`")
    if inspect.iscoroutinefunction(remediate):
        raise TypeError("`remediate` is `async`; a policy is blocking code: write `def remediate(…)`, and no `await`")
    wanted = len(inspect.signature(remediate).parameters)
    if wanted != (2 if manifest.settings or manifest.settings_schema else wanted) or wanted not in (1, 2):
        raise TypeError("`remediate` takes the incident and the settings: `def remediate(incident, settings)`")
    function: Remediate = remediate
    return manifest, function, manifest.settings


def conclude(remediate: Remediate, kind: type | None, incident: types.Incident) -> types.Outcome:
    """Call a policy, and hand over what it concluded."""
    outcome = concluded(remediate, kind, Incident.read(incident), incident.settings)
    summary = _host.sound(outcome.summary)
    match outcome.kind:
        case "remediated":
            return types.Outcome_Remediated(summary)
        case "unnecessary":
            return types.Outcome_Unnecessary(summary)
        case "retry":
            return types.Outcome_Retry(types.Retry(outcome.after.millis if outcome.after else 0, summary))
        case _:
            return types.Outcome_Escalate(summary)


def concluded(remediate: Remediate, kind: type | None, incident: Incident, text: str) -> Outcome:
    """What a policy concludes of an incident, under settings that are given as JSON.

    Raises what the policy raises, but for `Stop`; `Error` where it returns something else than an
    outcome, or where the settings are not what it expects.
    """
    arguments: list[Any] = [incident]
    if len(inspect.signature(remediate).parameters) == 2:
        arguments.append(settings.read(kind, text) if kind else settings.plain(text))
    try:
        outcome = remediate(*arguments)
    except Stop as stop:
        outcome = stop.outcome
    if not isinstance(outcome, Outcome):
        raise Error(f"`remediate` returned {outcome!r:.100}; return an Outcome, as in `Outcome.escalate(…)`")
    return outcome


class Traced:
    """A host that is told, before each call, where it comes from."""

    def __init__(self, inner: Any, origin: Origin):
        self._inner, self._origin = inner, origin

    def __getattr__(self, name: str) -> Any:
        answer = getattr(self._inner, name)
        if name in ("log", "step"):
            return answer

        def traced(*arguments: Any) -> Any:
            self._inner.log(_host.log.Level.DEBUG, f"{name} at {self._origin.of_caller()}")
            return answer(*arguments)

        return traced
