"""Work beside what is measured."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Have work done in a thread of its own for as long as this lasts.

    Args:
        work: ends soon after the event is set, which says that it is over.
    """
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,), name="beside")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
