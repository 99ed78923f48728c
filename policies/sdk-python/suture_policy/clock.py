"""The host's clock. The only one: a policy has none of its own."""

from .duration import Duration
from .host import call
from .moment import Time


def now() -> Time:
    """The present moment."""
    return Time(call(lambda host: host.now()))


def sleep(duration: Duration) -> None:
    """Pause the run. It may last hours: a waiting run costs next to nothing."""
    call(lambda host: host.sleep(duration.millis))
