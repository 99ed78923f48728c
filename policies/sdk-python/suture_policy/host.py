"""The calls that a policy makes, one method an import of the contract.

A component calls its host. Natively, as in unit tests, the same code calls whatever `using`
puts in its place; `suture_policy.testing` has one. Policies themselves never need this module.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from .duration import Duration
from .error import UNAVAILABLE, Error

if TYPE_CHECKING:
    from .contract import clock, kube, log, prometheus, types
    from .contract.results import Err
else:
    try:  # In a component: the imports themselves.
        from componentize_py_types import Err
        from wit_world.imports import clock, kube, log, prometheus, types
    except ModuleNotFoundError:
        from .contract import clock, kube, log, prometheus, types
        from .contract.results import Err

__all__ = ["Err", "Host", "call", "kube", "prometheus", "types", "log", "sound", "using"]

T = TypeVar("T")


class Host(Protocol):
    """Answers a policy's calls. What each means stands in `wit/*.wit`.

    What fails raises `Err(kube.Error(…))`.
    """

    def get(self, target: kube.Target) -> str:
        """`kube.get`"""
        ...

    def list(self, query: kube.Query) -> kube.Page:
        """`kube.list`"""
        ...

    def mutate(self, mutation: kube.Mutation, undo: kube.Mutation | None) -> kube.Mutated:
        """`kube.mutate`"""
        ...

    def settle(self, step: str, run_undo: bool) -> None:
        """`kube.settle`"""
        ...

    def wait(self, target: kube.Target, until: kube.Predicate, timeout_ms: int) -> kube.Waited:
        """`kube.wait`"""
        ...

    def logs(self, pod: kube.Target, container: str, tail_lines: int, limit_bytes: int) -> str:
        """`kube.logs`"""
        ...

    def exclusive(self, name: str, timeout_ms: int) -> None:
        """`kube.exclusive`"""
        ...

    def query(self, expression: str) -> builtins.list[prometheus.Sample]:
        """`prometheus.query`"""
        ...

    def query_range(
        self, expression: str, start_ms: int, end_ms: int, step_ms: int
    ) -> builtins.list[prometheus.Series]:
        """`prometheus.query-range`"""
        ...

    def alerts(self) -> builtins.list[prometheus.ActiveAlert]:
        """`prometheus.alerts`"""
        ...

    def now(self) -> int:
        """`clock.now`"""
        ...

    def sleep(self, duration_ms: int) -> None:
        """`clock.sleep`"""
        ...

    def log(self, level: log.Level, message: str) -> None:
        """`log.log`"""
        ...

    def step(self, title: str) -> None:
        """`log.step`"""
        ...


class Imports:
    """The host of a component: its imports."""


    get = staticmethod(kube.get)
    list = staticmethod(kube.list)
    mutate = staticmethod(kube.mutate)
    settle = staticmethod(kube.settle)
    wait = staticmethod(kube.wait)
    logs = staticmethod(kube.logs)
    exclusive = staticmethod(kube.exclusive)
    query = staticmethod(prometheus.query)
    query_range = staticmethod(prometheus.query_range)
    alerts = staticmethod(prometheus.alerts)
    now = staticmethod(clock.now)
    sleep = staticmethod(clock.sleep)
    step = staticmethod(log.step)
    log = staticmethod(log.log)


_host: Host | None = None


class using:
    """Let `host` answer the calls within a `with`.

    A class: an error that leaves a generator's `with` traps in a component.
    """

    def __init__(self, host: Host):
        self._host, self._before = host, _host

    def __enter__(self) -> None:
        global _host
        _host = self._host

    def __exit__(self, *_: object) -> None:
        global _host
        _host = self._before


def call(ask: Callable[[Host], T]) -> T:
    """Ask the host.

    Raises `Error` where it says no.
    """
    if _host is None:
        raise Error("no host answers; run the policy with suture_policy.testing.run", UNAVAILABLE)
    try:
        return ask(_host)
    except Err as failed:
        error: kube.Error = failed.value
    after = None if error.retry_after_ms is None else Duration(millis=error.retry_after_ms)
    raise Error(error.message, error.reason, error.status, after)


def sound(text: str) -> str:
    """A text that can be handed over: half a surrogate pair, which Python lets stand alone, can't."""
    return text.encode("utf-8", "replace").decode("utf-8")
