"""How full several servers are together, as each of them tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from rasr.server.neighbours import LiveNumbers
from rasr.server.service import Service
from tests.identity.signing import PROJECT
from tests.processes import LONG_S
from tests.server.resumed import raw_client, until
from tests.server.several import several, without_store
from tests.server.test_captions import http_of
from tests.server.test_captions_elsewhere import watched_at


async def live(service: Service, path: str = "sessions") -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=http_of(service), timeout=LONG_S) as web:
        answer = await web.get(f"/v1/{PROJECT}/{path}")
        told: dict[str, Any] = answer.json()["live"]
        return told


async def test_one_server_alone_is_all_there_is(service: Service) -> None:
    async with raw_client(service.url) as client:
        await client.start()
        told = await live(service)
    (alone,) = told["replicas"]
    assert (alone["this"], alone["answers"], alone["status"]) == (True, True, "ready")
    assert (alone["rounds"], alone["connections"]) == (1, 1)
    assert told["total"]["rounds"] == told["total"]["replicas"] == 1


async def test_each_tells_what_all_have_together_and_each_on_its_own(tmp_path: Path) -> None:
    async with several(tmp_path, 3) as made:
        first, second, third = made.services
        async with (
            raw_client(first.url) as one,
            raw_client(first.url) as two,
            raw_client(second.url) as other,
            watched_at(third) as viewer,
        ):
            await viewer.next("state")
            for client in (one, two, other):
                await client.start()
            # Whose client is away keeps its seat.
            two.socket.transport.abort()
            await until(lambda: first.state.connections.rounds.held == 1)
            for _ in range(2):
                await made.heard()
            for service in made.services:
                for path in ("sessions", "monitoring?from=0&to=60000"):
                    told = await live(service, path)
                    total = told["total"]
                    assert (total["rounds"], total["held"], total["viewers"]) == (3, 1, 1)
                    assert total["replicas"] == 3
                    assert total["max_rounds"] == 3 * told["replicas"][0]["max_rounds"]
                    assert sorted(one["rounds"] for one in told["replicas"]) == [0, 1, 2]
                    (this,) = [one for one in told["replicas"] if one["this"]]
                    assert this["rounds"] == service.state.admission.recognitions


async def test_one_that_says_nothing_is_told_as_silent_and_is_no_part_of_the_sum(
    tmp_path: Path,
) -> None:
    async with several(tmp_path, 2) as made:
        first, second = made.services
        async with raw_client(second.url) as client:
            await client.start()
            for _ in range(2):
                await made.heard()
            assert (await live(first))["total"]["rounds"] == 1
            made.silence(1)
            # The first time it is heard what the other one has said before.
            for _ in range(3):
                await made.heard()
            told = await live(first)
            silent = told["replicas"][1]
            assert (silent["answers"], silent["silent_s"], silent["rounds"]) == (False, 4.0, 1)
            assert (told["total"]["rounds"], told["total"]["replicas"]) == (0, 1)
            for _ in range(4):
                await made.heard()
            assert len((await live(first))["replicas"]) == 1


async def test_without_the_store_the_others_are_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with several(tmp_path, 2) as made:
        assert (await live(made.services[0]))["total"]["replicas"] == 2
        with without_store(monkeypatch):
            await made.heard()
            assert (await live(made.services[0]))["total"]["replicas"] == 1
        await made.heard()
        assert (await live(made.services[0]))["total"]["replicas"] == 2


@pytest.mark.parametrize("told", [None, {}, {"rounds": -1}, {"rounds": "1"}])
def test_what_is_told_otherwise_is_not_understood(told: dict[str, object] | None) -> None:
    assert LiveNumbers.read(told) is None
