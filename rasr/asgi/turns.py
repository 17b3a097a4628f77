"""Turns: how long the bytes of all connections may keep the event loop before it turns.

A slice of bytes is a few ms of work at most, and thirty connections that send without end have one
each. Here they queue for it. Bytes of a connection that has had none waiting go before those of
connections that send faster than they are read.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Protocol

from rasr.precedence import Precedence

TURN_S = 0.008
"""After so much work the event loop turns."""


class Worker(Protocol):
    """A connection whose bytes wait."""

    def work(self) -> bool:
        """Hand one slice on. True if there is more to hand on."""


class Turns:
    """Of one server."""

    def __init__(self) -> None:
        self._fresh: deque[Worker] = deque()
        self._others: deque[Worker] = deque()
        self._precedence = Precedence()
        self._spent_s = 0.0
        """Since the event loop has turned."""
        self._is_called = False

    def ask(self, worker: Worker, *, is_fresh: bool) -> None:
        """Let a connection work, at once if nobody waits and there is time, else in its turn."""
        if is_fresh and not self._is_waiting and self._spent_s < TURN_S:
            self._call()
            self._run(worker)
        else:
            (self._fresh if is_fresh else self._others).append(worker)
            self._call()

    @property
    def _is_waiting(self) -> bool:
        return bool(self._fresh or self._others)

    def _call(self) -> None:
        if not self._is_called:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._turned)

    def _turned(self) -> None:
        self._is_called = False
        self._spent_s = 0.0
        try:
            while self._is_waiting and self._spent_s < TURN_S:
                self._run(self._next())
        finally:
            # Whatever becomes of one of them, the others have their turns.
            if self._is_waiting:
                self._call()

    def _next(self) -> Worker:
        first, others = bool(self._fresh), bool(self._others)
        is_fresh = self._precedence.is_of_first(first=first, others=others)
        return (self._fresh if is_fresh else self._others).popleft()

    def _run(self, worker: Worker) -> None:
        began = time.perf_counter()
        if worker.work():
            self._others.append(worker)
        self._spent_s += time.perf_counter() - began
