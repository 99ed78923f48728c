"""Where in a policy something happened."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterator
from types import CodeType, FrameType, ModuleType, TracebackType

from .error import Error, NotInAPolicy

_SDK = os.path.dirname(__file__) + os.sep
# `os` is frozen in a component, and says another folder than the one that the others are read from.
STDLIB = os.path.dirname(dataclasses.__file__) + os.sep
_SHOWN = 120


class Origin:
    """Finds the policy's own lines in stacks. Their text is read while there are files: at build."""

    def __init__(self) -> None:
        self._before = set(sys.modules)
        self._lines: dict[str, list[str]] = {}

    def modules(self) -> list[ModuleType]:
        """The policy's own modules: what was imported since, but for Python's and the SDK's."""
        new = [sys.modules[name] for name in list(sys.modules) if name not in self._before]
        return [module for module in new if is_own(getattr(module, "__file__", None) or "")]

    def remember(self) -> None:
        """Read the files of the policy's modules."""
        for module in self.modules():
            path = str(module.__file__)
            try:
                with open(path, encoding="utf-8") as file:
                    self._lines[path] = file.read().splitlines()
            except (OSError, UnicodeDecodeError):
                continue

    def described(self, error: BaseException) -> str:
        """An error with the policy's line that it comes from: `KeyError: 'x' (policy.py:31: …)`."""
        said = str(error) if isinstance(error, (Error, NotInAPolicy)) else f"{type(error).__name__}: {error}"
        if isinstance(error, SystemExit):
            said = "a policy does not exit: return an Outcome, or `stop.escalate(…)`"
        if isinstance(error, SyntaxError) and error.filename:
            return f"{short(error.filename)}:{error.lineno}: {type(error).__name__}: {error.msg}"
        own = [(code, line) for code, line in stack(error.__traceback__) if is_own(code.co_filename)]
        return f"{said} ({self._place(*own[-1])})" if own else said

    def of_caller(self) -> str:
        """The policy's line that is at work."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not is_own(frame.f_code.co_filename):
            frame = frame.f_back
        return self._place(frame.f_code, frame.f_lineno) if frame else "?"

    def _place(self, code: CodeType, line: int) -> str:
        lines = self._lines.get(code.co_filename, [])
        text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        place = f"{short(code.co_filename)}:{line} in {code.co_name}"
        return f"{place}: {text[:_SHOWN]}" if text else place


def stack(traceback: TracebackType | None) -> Iterator[tuple[CodeType, int]]:
    """The frames of a traceback, the outermost first."""
    while traceback is not None:
        yield traceback.tb_frame.f_code, traceback.tb_lineno
        traceback = traceback.tb_next


def is_own(path: str) -> bool:
    """Whether a file is the policy's: neither Python's, nor of this library, nor frozen."""
    return bool(path) and not path.startswith((_SDK, STDLIB, "<"))


def short(path: str) -> str:
    """A file as its author knows it: inside a component folders have numbers for names (`/0/policy.py`)."""
    parts = path.split("/")
    return "/".join(parts[2:]) if len(parts) > 2 and not parts[0] and parts[1].isdecimal() else os.path.basename(path)
