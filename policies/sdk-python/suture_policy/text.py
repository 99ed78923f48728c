"""Other programs' words, short and harmless enough for a sentence."""

import unicodedata


def one_line(text: str) -> str:
    """The lines of a text as one, without what a terminal would make of it."""
    lines = (line.strip() for line in text.splitlines())
    joined = " | ".join(line for line in lines if line)
    return "".join(char for char in joined if unicodedata.category(char) not in ("Cc", "Cs"))


def last_lines(text: str, lines: int, length: int) -> str:
    """The last lines of a text, without the empty ones, as one; at most so many characters."""
    shown = [line for line in text.splitlines() if line.strip()][-lines:]
    return end(one_line("\n".join(shown)), length)


def end(text: str, length: int) -> str:
    """The last characters of a text."""
    return text[-length:] if length > 0 else ""


def start(text: str, length: int) -> str:
    """The first characters of a text."""
    return text[: max(0, length)]


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 pod`, `3 pods`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shortened(text: str, length: int) -> str:
    """A text of at most so many characters; `…` where something is left out at its end."""
    return text if len(text) <= length else f"{text[: max(0, length - 1)].rstrip()}…"
