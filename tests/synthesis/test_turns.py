"""Who is due first gets the next worker."""

from __future__ import annotations

import asyncio

from rasr.synthesis.turns import Turns


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_is_due_first_goes_first_and_else_who_came_first() -> None:
    turns: Turns[str] = Turns()
    served: list[str] = []

    async def one(name: str, due: float) -> None:
        worker = await turns.take(due)
        served.append(name)
        turns.give(worker)

    async with asyncio.TaskGroup() as group:
        for name, due in (("late", 9.0), ("soon", 1.0), ("soon too", 1.0), ("at once", 0.0)):
            group.create_task(one(name, due))
        await settle()
        assert served == []
        turns.give("worker")
    assert served == ["at once", "soon", "soon too", "late"]


async def test_a_free_worker_is_had_at_once() -> None:
    turns: Turns[str] = Turns()
    turns.give("worker")
    assert await turns.take(99.0) == "worker"


async def test_who_waits_no_more_takes_no_worker() -> None:
    turns: Turns[str] = Turns()
    gone = asyncio.get_running_loop().create_task(turns.take(0.0))
    stays = asyncio.get_running_loop().create_task(turns.take(1.0))
    await settle()
    gone.cancel()
    await settle()
    turns.give("worker")
    assert await stays == "worker"


async def test_a_worker_that_comes_as_its_waiter_gives_up_is_not_lost() -> None:
    turns: Turns[str] = Turns()
    gone = asyncio.get_running_loop().create_task(turns.take(0.0))
    await settle()
    turns.give("worker")
    gone.cancel()
    await settle()
    assert gone.cancelled()
    assert await turns.take(0.0) == "worker"
