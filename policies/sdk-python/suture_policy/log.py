"""Words for the people who read a run's timeline. Never compared on replay."""

from .host import call, sound
from .host import log as wit


def step(title: str) -> None:
    """Say what comes next ("unlocking the repository"): a heading of the timeline."""
    call(lambda host: host.step(sound(str(title))))


def info(message: str) -> None:
    """Write a line into the timeline. The host cuts it at 4 KiB."""
    call(lambda host: host.log(wit.Level.INFO, sound(str(message))))


def warn(message: str) -> None:
    """Write a warning into the timeline."""
    call(lambda host: host.log(wit.Level.WARN, sound(str(message))))


def error(message: str) -> None:
    """Write that something failed into the timeline."""
    call(lambda host: host.log(wit.Level.ERROR, sound(str(message))))


def debug(message: str) -> None:
    """Write a line for the policy's author. So does `print`."""
    call(lambda host: host.log(wit.Level.DEBUG, sound(str(message))))
