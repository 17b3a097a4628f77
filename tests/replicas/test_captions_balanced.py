"""Captions of somebody whose replica is killed, for viewers at all replicas behind HAProxy."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from rasr.settings import StoreSettings
from rasr.store.store import open_store
from tests.captions.test_channel import events
from tests.replicas.servers import Replica
from tests.replicas.test_balanced import balanced
from tests.server.resumed import until
from tests.server.test_captions_elsewhere import CAPTIONED
from tests.server.test_taking_over import Talk, sentences

SENTENCES = 8
MORE = """
address = "ws://127.0.0.1:PORT"

[store]
url = "{url}"
"""


class Viewer:
    """Reads as a browser does: where the stream breaks it comes back with what it saw last."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/captions/stage/events"
        self._last = ""
        self.finals: list[dict[str, Any]] = []
        self._news = asyncio.Condition()

    async def watch(self) -> None:
        """Read until it is cancelled."""
        async with httpx.AsyncClient(timeout=60) as client:
            while True:
                try:
                    headers = {"Last-Event-ID": self._last} if self._last else {}
                    async with client.stream("GET", self._url, headers=headers) as answer:
                        await self._read(answer)
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)

    async def _read(self, answer: httpx.Response) -> None:
        rest = b""
        async for chunk in answer.aiter_raw():
            *whole, rest = (rest + chunk).split(b"\n\n")
            for one in events(b"\n\n".join(whole)):
                if one["event"] == "cue" and one["final"]:
                    self._last = one["event_id"]
                    self.finals.append(one)
            async with self._news:
                self._news.notify_all()

    async def has(self, count: int) -> None:
        """Wait until so many finals were read."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.finals) >= count)


@pytest.mark.long
async def test_every_viewer_has_every_sentence_once_although_the_replica_is_killed(
    haproxy: Any, tmp_path: Path
) -> None:
    store = StoreSettings(url=f"sqlite:///{tmp_path}/store/store.db")
    async with await open_store(store, {}, make=True):
        pass
    servers = [Replica(tmp_path, MORE.format(url=store.url)) for _ in range(3)]
    first, *others = servers
    try:
        await first.start()
        async with balanced(haproxy, tmp_path, servers) as url:
            talk = Talk(url, sentences(SENTENCES), CAPTIONED)
            balancer = url.replace("ws://", "http://")
            viewers = [Viewer(one) for one in (balancer, *(other.url for other in others))]

            async def kill() -> None:
                await asyncio.gather(*(one.start() for one in others))
                watching.extend(asyncio.create_task(one.watch()) for one in viewers)
                await until(lambda: len(talk.finals) >= 2)
                for viewer in viewers:
                    await viewer.has(2)
                await first.kill()

            watching: list[asyncio.Task[None]] = []
            try:
                await talk.hold({80: kill})
                assert len(talk.finals) == SENTENCES
                for one in viewers:
                    await one.has(SENTENCES)
            finally:
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)
            for one in viewers:
                said_to = [final["text"].replace("\n", " ") for final in one.finals]
                assert said_to == [final.text for final in talk.finals]
                assert [final["id"] for final in one.finals] == list(range(1, SENTENCES + 1))
    finally:
        for server in servers:
            await server.end()
