"""People who speak to three replicas at once while one is killed, stopped or added, or all are
restarted, behind any balancer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeAlias

from rasr.client import LineState, Options
from tests.replicas.servers import Replica, answers, replicas
from tests.server.test_taking_over import OPTIONS, Step, Talk, sentences

SPEAKERS = 9
TOLERANCE_MS = 250
"""A word of this engine: a sentence may begin with silence that another one leaves out."""

Behind: TypeAlias = Callable[[list[Replica], int], AbstractAsyncContextManager[str]]
"""Replicas, and how many of them live, to the URL of a balancer that knows of all that do."""


class Crowd:
    """People who speak at the same time, and wait for one another at some places."""

    def __init__(self, url: str, options: list[Options], places: int) -> None:
        self.talks = [Talk(url, sentences(4), one) for one in options]
        self._barriers = [asyncio.Barrier(len(options) + 1) for _ in range(places)]
        self._after = [asyncio.Event() for _ in range(places)]

    async def speak(self) -> None:
        """All of them, to the end."""
        spacing = len(sentences(4)) // 3200 // (len(self._barriers) + 1)
        steps = {(at + 1) * spacing: self._wait(at) for at in range(len(self._barriers))}
        async with asyncio.TaskGroup() as group:
            for talk in self.talks:
                group.create_task(talk.hold(steps))

    def _wait(self, at: int) -> Step:
        async def wait() -> None:
            await self._barriers[at].wait()
            await self._after[at].wait()

        return wait

    async def all_at(self, place: int) -> None:
        """Wait until all have come to a place."""
        await self._barriers[place].wait()

    def go_on(self, place: int) -> None:
        """Let them go on from there."""
        self._after[place].set()

    @property
    def moved(self) -> int:
        """So many went on at another replica."""
        return sum(LineState.BEGUN_ANEW in one.states for one in self.talks)

    def all_said(self, whole: Talk) -> None:
        """Everybody has every sentence once. One that a replica was given from silence on begins
        some frames earlier or later, as it has heard less of what silence is here; and the words of
        this engine are other ones then."""
        for talk in self.talks:
            assert len(talk.finals) == len(whole.finals)
            for one, other in zip(talk.finals, whole.finals, strict=True):
                assert abs(one.start_time - other.start_time) <= TOLERANCE_MS
                assert abs(one.end_time - other.end_time) <= TOLERANCE_MS
                assert abs(one.text.count(" ") - other.text.count(" ")) <= 1


async def unbroken(replica: Replica) -> Talk:
    whole = Talk(replica.url, sentences(4))
    await whole.hold()
    return whole


async def one_is_killed_and_one_is_added(folder: Path, behind: Behind) -> None:
    async with replicas(folder, 3) as servers:
        whole = await unbroken(servers[0])
        late = servers[2]
        await late.kill()
        async with behind(servers, 2) as url:
            crowd = Crowd(url, [OPTIONS] * SPEAKERS, 1)
            speaking = asyncio.create_task(crowd.speak())
            await crowd.all_at(0)
            await late.start()
            await servers[0].kill()
            crowd.go_on(0)
            await speaking
            assert 0 < crowd.moved < SPEAKERS
            crowd.all_said(whole)


async def one_is_stopped_in_order(folder: Path, behind: Behind, count: int) -> None:
    plain = Options.of("english_16k_common", need_word_info=True, resume=False)
    async with replicas(folder, count) as servers:
        whole = await unbroken(servers[0])
        async with behind(servers, count) as url:
            # However they are spread evenly, at each replica there is one who can go on elsewhere.
            crowd = Crowd(url, [OPTIONS, OPTIONS, plain, OPTIONS] * 3, 1)
            speaking = asyncio.create_task(crowd.speak())
            await crowd.all_at(0)
            stopping = asyncio.create_task(servers[0].stop())
            await answers(f"{servers[0].url}/readyz", 0)
            crowd.go_on(0)
            await speaking
            assert await stopping == 0
            assert 0 < crowd.moved < len(crowd.talks)
            crowd.all_said(whole)


async def all_are_restarted(folder: Path, behind: Behind) -> None:
    async with replicas(folder, 3) as servers:
        whole = await unbroken(servers[0])
        async with behind(servers, 3) as url:
            crowd = Crowd(url, [OPTIONS] * SPEAKERS, len(servers))
            speaking = asyncio.create_task(crowd.speak())
            for place, server in enumerate(servers):
                await crowd.all_at(place)
                assert await server.stop() == 0
                await server.start()
                crowd.go_on(place)
            await speaking
            assert crowd.moved == SPEAKERS
            crowd.all_said(whole)
