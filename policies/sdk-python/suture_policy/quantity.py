"""Amounts, as Kubernetes writes them."""

from __future__ import annotations

import re
from functools import total_ordering
from typing import Any

_NANO = 10**9
_MOST = (2**63 - 1) * _NANO
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_WRITTEN = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([KMGTPE]i|[numkMGTPE]?|[eE][+-]?[0-9]{1,9})", re.ASCII)
_LONGEST = 256


@total_ordering
class Quantity:
    """An amount of memory, of CPU, of anything: `Quantity("1Gi")`, `Quantity("500m")`, `Quantity("1e3")`.

    It reads every form that Kubernetes reads, and writes itself as Kubernetes does. Two are equal
    where they are the same amount, however they are written: `1024Mi` and `1Gi`. What is too much is
    as much as there can be; nothing smaller than a billionth is kept.
    """

    __slots__ = ("_form", "_nanos")

    PATTERN = "^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
    """A regular expression (ECMA 262) for what can be read, for JSON schemas."""

    _nanos: int
    _form: str

    def __init__(self, written: str | int | float = 0):
        """From what an object says: a text, or a number.

        Raises `ValueError` where it is no amount.
        """
        self._nanos, self._form = _read(str(written))

    @staticmethod
    def parse(written: Any) -> Quantity | None:
        """The amount that a field says; None where it says none."""
        try:
            return Quantity(written) if isinstance(written, str | int | float) else None
        except ValueError:
            return None

    @staticmethod
    def bytes(count: int) -> Quantity:
        """So many bytes; written in `Ki`, `Mi`, …"""
        return _of(count * _NANO, "binary")

    @staticmethod
    def millis(count: int) -> Quantity:
        """So many thousandths: `500m` of CPU is half a core."""
        return _of(count * 10**6, "decimal")

    @property
    def whole(self) -> int:
        """In whole units, a fraction counted as a whole one, as Kubernetes does."""
        return _rounded_up(self._nanos, _NANO)

    @property
    def as_millis(self) -> int:
        """In thousandths, a fraction of one counted as one."""
        return _rounded_up(self._nanos, 10**6)

    def __add__(self, other: Quantity) -> Quantity:
        return _of(self._nanos + other._nanos, self._form)

    def __sub__(self, other: Quantity) -> Quantity:
        return _of(self._nanos - other._nanos, self._form)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self._nanos == other._nanos

    def __lt__(self, other: Quantity) -> bool:
        return self._nanos < other._nanos

    def __hash__(self) -> int:
        return hash(self._nanos)

    def __bool__(self) -> bool:
        return self._nanos != 0

    def __str__(self) -> str:
        if self._nanos == 0:
            return "0"
        whole, rest = divmod(self._nanos, _NANO)
        # As Kubernetes does: less than a Ki, or a fraction, is written as a plain number.
        if self._form == "binary" and rest == 0 and abs(whole) >= 1024:
            unit, bits = next(((unit, bits) for unit, bits in reversed(_BINARY.items()) if whole % 2**bits == 0), ("", 0))
            return f"{whole >> bits}{unit}"
        amount, tens = self._nanos, -9
        while tens < 18 and amount % 1000 == 0:
            amount, tens = amount // 1000, tens + 3
        if self._form == "exponent":
            return f"{amount}e{tens}" if tens else str(amount)
        return f"{amount}{next(unit for unit, power in _DECIMAL.items() if power == tens)}"

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"


def _of(nanos: int, form: str) -> Quantity:
    made = Quantity()
    made._nanos, made._form = max(-_MOST, min(_MOST, nanos)), form
    return made


def _read(text: str) -> tuple[int, str]:
    found = _WRITTEN.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None or not (found[2] or found[3]):
        raise ValueError(f"`{text[:64]}` is no amount; write it like `10Gi`, `500m` or `1.5`")
    sign, whole, fraction, suffix = found[1], found[2], found[3] or "", found[4]
    if suffix in _BINARY:
        form, factor, tens = "binary", 2 ** _BINARY[suffix], 0
    elif suffix in _DECIMAL:
        form, factor, tens = "decimal", 1, _DECIMAL[suffix]
    else:
        form, factor, tens = "exponent", 1, int(suffix[1:])
    digits = int(whole + fraction) * factor
    power = tens + 9 - len(fraction)
    if digits == 0:
        nanos = 0
    elif power > 40:
        nanos = _MOST
    elif power >= 0:
        nanos = digits * 10**power
    else:
        nanos = _rounded_up(digits, 10 ** min(-power, 2 * _LONGEST))
    nanos = min(nanos, _MOST)
    return (-nanos if sign == "-" else nanos), form


def _rounded_up(nanos: int, unit: int) -> int:
    """The quotient, away from zero where there is a rest."""
    return -(-nanos // unit) if nanos >= 0 else nanos // unit
