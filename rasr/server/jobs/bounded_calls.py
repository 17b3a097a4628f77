"""Calls of a library that may hang for ever: whoever makes one waits so long for it, and no longer.

They run in threads of their own, which keep neither the event loop's other threads nor the end of
the process. A call that is given up goes on, as nobody can stop it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

ResultT = TypeVar("ResultT")

_MOST = 8


class BoundedCalls:
    """Some at a time; where so many hang, others wait, and are given up as well."""

    def __init__(self, most: int = _MOST) -> None:
        self._free = asyncio.Semaphore(most)

    async def make(self, call: Callable[[], ResultT], within_s: float | None) -> ResultT:
        """Make a call.

        Args:
            within_s: None: however long it takes.

        Raises:
            TimeoutError: it is not over within this time.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(within_s):
            await self._free.acquire()
            over: asyncio.Future[ResultT] = loop.create_future()

            def told(result: ResultT | None, error: BaseException | None) -> None:
                self._free.release()
                if over.done():
                    return
                if error is not None:
                    over.set_exception(error)
                else:
                    over.set_result(result)  # type: ignore[arg-type]

            def work() -> None:
                result, error = None, None
                try:
                    result = call()
                except BaseException as raised:
                    error = raised
                with suppress(RuntimeError):  # The loop is over.
                    loop.call_soon_threadsafe(told, result, error)

            threading.Thread(target=work, name="bounded-call", daemon=True).start()
            return await over
