"""What a policy does not have, said in words.

Inside a component the clock, files and chance of Python are stubs that trap: the run would end with
`unreachable` and no reason. These stand in front of them and raise errors that name what to use.
`print` and what goes to standard error become lines of the timeline.
"""

from __future__ import annotations

import builtins
import datetime
import importlib
import importlib.machinery
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from . import log
from .error import NotInAPolicy
from .origin import STDLIB


class NoFiles(NotInAPolicy, OSError):
    """A policy has no files."""


_CLOCK = "a policy has no clock of its own: use `clock.now()` of suture_policy"
_SLEEP = "a policy does not sleep by itself: use `clock.sleep(Duration(…))` or a `wait` of suture_policy.kube"
_CHANCE = "a policy has no randomness, or it could not be replayed: use `incident.id`, or `metadata.generateName`"
_FILES = "a policy has no files: read what belongs to it at the top of the module, while it is built"
_ENVIRONMENT = "a policy has no environment: take it from the settings"
_NETWORK = "a policy has no network: ask the host, with `kube` and `prometheus` of suture_policy"
_THREADS = "a policy is one thread of blocking code: call one thing after the other"
_IMPORT = "is imported while the policy runs; import it at the top of the file: there are no files any more"

# What can't work in a component, by module.
_REFUSED = {
    **dict.fromkeys(("socket", "ssl", "http.client", "http.server", "urllib.request", "ftplib", "smtplib"), _NETWORK),
    **dict.fromkeys(("requests", "urllib3", "httpx", "aiohttp", "kubernetes", "grpc", "boto3"), _NETWORK),
    **dict.fromkeys(("subprocess", "multiprocessing"), "a policy starts no processes: it can only ask the host"),
    **dict.fromkeys(("asyncio", "concurrent.futures"), _THREADS),
}
_FILE_FUNCTIONS = (
    "open", "stat", "lstat", "listdir", "scandir", "mkdir", "rmdir", "remove", "unlink", "rename", "replace",
    "access", "readlink", "link", "symlink", "chdir", "utime", "truncate",
)  # fmt: skip
_CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time")

# Where chance comes from; without names all that a module offers.
_CHANCES: dict[str, tuple[str, ...]] = {"random": (), "secrets": (), "uuid": ("uuid1", "uuid4"), "os": ("urandom",)}

_running = False


def prepare() -> None:
    """Before the policy's module is imported: no clock, and no module that can't work."""
    sys.meta_path.insert(0, Imports())
    for name in _CLOCKS:
        if hasattr(time, name):
            setattr(time, name, _clock(getattr(time, name)))
    time.sleep = _refusing(_SLEEP)
    datetime.datetime = _Datetime  # type: ignore[misc]
    datetime.date = _Date  # type: ignore[misc]
    importlib.import_module("_strptime")  # What `strptime` would import while the policy runs.


def seal(modules: Sequence[ModuleType]) -> None:
    """Once the policy's modules are imported: no chance, under whatever name they imported it."""
    refused: dict[int, Callable[..., Any]] = {}
    for module, names in _CHANCES.items():
        if module in sys.modules:
            _refuse_chance(sys.modules[module], names, refused)
    for own in modules:
        for name, value in list(vars(own).items()):
            if id(value) in refused:
                setattr(own, name, refused[id(value)])


def _refuse_chance(module: ModuleType, names: Sequence[str], refused: dict[int, Callable[..., Any]]) -> None:
    for name in names or list(getattr(module, "__all__", ())):
        value = getattr(module, name, None)
        # `Random(seed)` repeats, and may; without a seed it asks for one.
        if callable(value) and name not in ("Random", "compare_digest"):
            refused[id(value)] = _refusing(_CHANCE)
            setattr(module, name, refused[id(value)])


def enter() -> None:
    """Before each run: no files, no environment; what is printed goes into the timeline."""
    global _running
    _running = True
    sys.stdout, sys.stderr = Lines(log.debug), Lines(log.warn)
    os.environ = _NoEnvironment()  # type: ignore[assignment]  # noqa: B003
    for name in _FILE_FUNCTIONS:
        for module in (os, sys.modules.get("posix")):
            if module is not None and hasattr(module, name):
                setattr(module, name, _refusing(_FILES, NoFiles))
    for opener in (builtins, io):
        opener.open = _refusing(_FILES, NoFiles)  # type: ignore[attr-defined]
    builtins.input = _refusing("a policy has nobody to ask: escalate")
    os.urandom = _refusing(_CHANCE)


def leave() -> None:
    """After each run: what was printed without an end of line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Lines):
            stream.finish()


def _refusing(why: str, kind: type[NotInAPolicy] = NotInAPolicy) -> Callable[..., Any]:
    def refused(*_: object, **__: object) -> Any:
        raise kind(why)

    return refused


def _clock(real: Callable[[], Any]) -> Callable[[], Any]:
    def clock() -> Any:
        # Python's own modules may ask, as `logging` does for its records; they are told the epoch.
        if sys._getframe(1).f_code.co_filename.startswith((STDLIB, "<frozen")):
            return type(0 if real.__name__.endswith("_ns") else 0.0)()
        raise NotInAPolicy(_CLOCK)

    return clock


class Imports(importlib.machinery.PathFinder):
    """Asked before all others where a module is that was not imported yet."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # type: ignore[override]
        """Refuses what can't work; otherwise the next is asked."""
        if fullname in _REFUSED:
            raise ImportError(f"`{fullname}`: {_REFUSED[fullname]}", name=fullname)
        if _running and fullname not in sys.builtin_module_names:
            raise ImportError(f"`{fullname}` {_IMPORT}", name=fullname)


class Lines(io.TextIOBase):
    """A stream whose lines are written into the timeline."""

    def __init__(self, write: Callable[[str], None]):
        self._write, self._rest = write, ""

    def write(self, text: str) -> int:
        """Take a text; whole lines are passed on."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._write(line)
        return len(text)

    def finish(self) -> None:
        """Pass on what is left."""
        if self._rest:
            self._write(self._rest)
            self._rest = ""


class _NoEnvironment(dict[str, str]):
    def __getitem__(self, key: str) -> str:
        raise NotInAPolicy(_ENVIRONMENT)

    def get(self, key: str, default: Any = None) -> Any:
        raise NotInAPolicy(_ENVIRONMENT)

    def __contains__(self, key: object) -> bool:
        raise NotInAPolicy(_ENVIRONMENT)


class _Datetime(datetime.datetime):
    @classmethod
    def now(cls, tz: object = None) -> Any:
        raise NotInAPolicy(_CLOCK)

    @classmethod
    def utcnow(cls) -> Any:
        raise NotInAPolicy(_CLOCK)

    @classmethod
    def today(cls) -> Any:
        raise NotInAPolicy(_CLOCK)


class _Date(datetime.date):
    @classmethod
    def today(cls) -> Any:
        raise NotInAPolicy(_CLOCK)
