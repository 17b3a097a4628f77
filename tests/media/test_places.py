"""Places for decoding files: who gets the next one."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from rasr.media.places import Places
from tests.processes import LONG_S


class Callers:
    """Callers of a few places, and the order in which they got them."""

    def __init__(self, count: int) -> None:
        self.places = Places(count)
        self.served: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.leave: dict[int, asyncio.Event] = {}

    async def come(self, *names: str) -> None:
        for name in names:
            number = len(self.tasks)
            self.leave[number] = asyncio.Event()
            self.tasks.append(asyncio.create_task(self._stay(name, number)))
        await turn()

    async def go(self, number: int) -> None:
        self.leave[number].set()
        await turn()

    async def _stay(self, name: str, number: int) -> None:
        async with self.places.place(name):
            self.served.append(f"{name}{number}")
            await self.leave[number].wait()


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def callers() -> Callers:
    return Callers(2)


async def test_whoever_asks_for_many_lets_others_go_first(callers: Callers) -> None:
    await callers.come("a", "a", "a", "a", "b", "c")
    assert callers.served == ["a0", "a1"]
    await callers.go(0)
    assert callers.served[2:] == ["b4"]
    await callers.go(4)
    assert callers.served[3:] == ["c5"]
    await callers.go(1)
    await callers.go(5)
    assert callers.served[4:] == ["a2", "a3"]


async def test_those_with_as_many_go_as_they_came(callers: Callers) -> None:
    await callers.come("a", "b", "c", "d")
    await callers.go(1)
    await callers.go(0)
    assert callers.served == ["a0", "b1", "c2", "d3"]


async def test_whoever_leaves_keeps_no_place(callers: Callers) -> None:
    await callers.come("a", "a", "b", "c", "d")
    callers.tasks[2].cancel()
    await turn()
    # The third has its place and leaves before it knows.
    callers.leave[0].set()
    await asyncio.sleep(0)
    callers.tasks[3].cancel()
    await callers.go(1)
    await callers.go(4)
    assert callers.served == ["a0", "a1", "d4"]
    async with AsyncExitStack() as held, asyncio.timeout(LONG_S):
        for _ in range(2):
            await held.enter_async_context(callers.places.place("e"))
