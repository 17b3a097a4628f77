"""An event loop whose time passes by itself, and only when nothing else can happen.

Days of waiting take no time, and the order of what happens is always the same. Where nothing will
ever happen any more, it raises instead of waiting for ever.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


class Hang(BaseException):
    """Everybody waits for somebody else."""


class _Selector(selectors.SelectSelector):
    """Instead of waiting for the time of the next timer it makes it be that time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Hang
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Work of threads is done on the loop, each piece after a time that a test chooses."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)
        self.thread_delay_s = 0.01

    def time(self) -> float:
        return self._clock.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., ResultT], *args: Any
    ) -> asyncio.Future[ResultT]:
        future: asyncio.Future[ResultT] = self.create_future()

        def work() -> None:
            if future.done():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:
                future.set_exception(error)

        self.call_later(self.thread_delay_s, work)
        return future


def run(test: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a test to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(test)
