"""Text that takes its time: processed by threads of its own, and waited for within a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from decoder import Hypothesis

TIMEOUT_S = 2.0
"""A final is worth more without its marks than so late."""
THREADS = 4


class TextTimeout(Exception):
    """The text was not ready in time."""


class SlowText:
    """Runs slow text processors off the event loop. One serves a whole server."""

    def __init__(self, timeout_s: float = TIMEOUT_S, threads: int = THREADS) -> None:
        """
        Args:
            timeout_s: a text that is not ready by then is given up.
            threads: at most so many texts are processed at once. They are no others' threads, so
                that a processor that is stuck holds nobody but those who wait for text.
        """
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="text")

    def process(
        self,
        work: Callable[[], Hypothesis],
        answer: Callable[[Callable[[], Hypothesis]], None],
    ) -> None:
        """Do some work and answer once.

        Args:
            work: called in a thread.
            answer: called on the event loop with what returns or raises the result: that of the
                work, what it raised, or `TextTimeout`.
        """
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, work)
        timer = loop.call_later(self._timeout_s, partial(_give_up, future))

        def done(ended: asyncio.Future[Hypothesis]) -> None:
            timer.cancel()
            answer(_late if ended.cancelled() else ended.result)

        future.add_done_callback(done)

    def close(self) -> None:
        """Begin no more work. What is stuck in a thread is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _give_up(future: asyncio.Future[Hypothesis]) -> None:
    future.cancel()


def _late() -> Hypothesis:
    raise TextTimeout("the text was not ready in time")
