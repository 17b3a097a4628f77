"""An event loop whose time a test plays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

from tests.runtime.fakes import settle


class PlayedLoop(asyncio.SelectorEventLoop):
    """Its clock stands still until a test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def time(self) -> float:
        return self.now


def played(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=PlayedLoop) as runner:
        runner.run(test())


async def pass_time(seconds: float) -> None:
    """Let so much time pass, and everything that it brings about happen."""
    cast(PlayedLoop, asyncio.get_running_loop()).now += seconds
    await settle()
