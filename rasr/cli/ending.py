"""How commands end that have something to put in order first."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends what is done here as Ctrl-C does: programs that were begun end too, and of files
    that are not whole nothing is left."""

    def end(number: int, frame: object) -> None:
        # A second one, as `timeout` sends to the process and to its group, would end the putting
        # in order.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
