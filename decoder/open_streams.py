"""How many streams of an engine are open, and no more than there is memory for."""

from __future__ import annotations

import threading

from decoder.errors import DecodeFailed


class OpenStreams:
    """A count that threads may share."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = 0
        self._lock = threading.Lock()

    def take(self) -> None:
        """Count one more.

        Raises:
            DecodeFailed: as many as may be are open.
        """
        with self._lock:
            if self._open >= self._most:
                raise DecodeFailed(f"all {self._most} streams of the engine are open")
            self._open += 1

    def give_back(self) -> None:
        """Count one less: a stream was closed."""
        with self._lock:
            self._open -= 1
