"""Room for bodies: who sends without end does not have all of it for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import Message

from rasr.server.auth import bodies
from rasr.server.auth.answers import Refused
from rasr.server.auth.bodies import Body, Room
from rasr.tasks import given_up

MOST = 16 << 20


class Sender:
    """Sends some bytes of a body, and the end of it when it is told to."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._is_asked_again = False
        self.may_end = asyncio.Event()

    async def __call__(self) -> Message:
        if self._is_asked_again:
            await self.may_end.wait()
            return {"type": "http.request", "body": b".", "more_body": False}
        self._is_asked_again = True
        return {"type": "http.request", "body": bytes(self._size), "more_body": True}


Sent = tuple[Sender, "asyncio.Task[Body]"]


@asynccontextmanager
async def sending(room: Room, caller: str, *sizes: int) -> AsyncIterator[list[Sent]]:
    """So much of so many bodies has come, and no more comes."""
    senders = [Sender(size) for size in sizes]
    read = [asyncio.create_task(room.read(one, MOST, caller)) for one in senders]
    await asyncio.sleep(0)
    try:
        yield list(zip(senders, read, strict=True))
    finally:
        await given_up(*read)


async def whole(room: Room, caller: str, size: int) -> Body:
    sender = Sender(size)
    sender.may_end.set()
    return await room.read(sender, MOST, caller)


async def test_who_sends_without_end_makes_way_for_who_has_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "_ROOM_BYTES", 8 << 20)
    room = Room()
    async with sending(room, "a", *[2 << 20] * 4) as of_a, sending(room, "b", 1 << 20) as of_b:
        body = await whole(room, "c", 3 << 20)
        # What came first goes first, and no more of it than is needed.
        with pytest.raises(Refused) as refused:
            await of_a[0][1]
        assert refused.value.status == 429
        assert [task.done() for _, task in (*of_a, *of_b)] == [True, True, False, False, False]
        body.let_go()
        for sender, task in (*of_a[2:], *of_b):
            sender.may_end.set()
            (await task).let_go()
    assert room.used_bytes == 0


async def test_who_has_no_less_finds_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_ROOM_BYTES", 8 << 20)
    room = Room()
    async with sending(room, "a", 4 << 20, 4 << 20) as of_a:
        for caller, size in (("a", 1 << 20), ("b", 9 << 20)):
            with pytest.raises(Refused) as refused:
                await whole(room, caller, size)
            assert refused.value.status == 429
        assert not any(task.done() for _, task in of_a)
        # Small ones always find room.
        (await whole(room, "b", 1000)).let_go()
        for sender, task in of_a:
            sender.may_end.set()
            (await task).let_go()
    assert room.used_bytes == 0


async def test_one_whose_time_is_just_over_makes_way_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_ROOM_BYTES", 4 << 20)
    room = Room()
    async with sending(room, "a", 4 << 20) as [(_, task)]:
        (limit,) = room._coming.values()
        limit.reschedule(asyncio.get_running_loop().time())
        # The event loop has seen it then, and the reader has not.
        await asyncio.sleep(0)
        assert limit.expired()
        assert not task.done()
        (await whole(room, "b", 1 << 20)).let_go()
        with pytest.raises(Refused):
            await task
    assert room.used_bytes == 0
