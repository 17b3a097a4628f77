"""Three replicas behind HAProxy, of which one is killed, stopped or added while people speak."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.replica_set import replica_set
from bench.servers import FAKE_ENGINE
from rasr.client import LineState, StartRefused, connect
from tests.replicas.crowd import (
    Behind,
    Crowd,
    all_are_restarted,
    one_is_killed_and_one_is_added,
    one_is_stopped_in_order,
)
from tests.replicas.servers import Replica, answers
from tests.server.broken_network import Break, broken_network
from tests.server.test_taking_over import OPTIONS, Talk, sentences
from tools.haproxy import Program, balancing, configuration
from tools.ports import free_port


def test_the_configuration_of_deploy_is_one(haproxy: Program, tmp_path: Path) -> None:
    path = tmp_path / "haproxy.cfg"
    path.write_text(configuration(free_port(), [1, 2, 3]), "utf-8")
    checked = haproxy.run("-c", "-f", str(path))
    assert (checked.returncode, checked.stderr) == (0, "")


@asynccontextmanager
async def balanced(haproxy: Program, folder: Path, servers: list[Replica]) -> AsyncIterator[str]:
    port = free_port()
    with balancing(haproxy, folder, port, [one.port for one in servers]) as url:
        await answers(f"http://127.0.0.1:{port}/readyz", 200)
        yield url


def behind(haproxy: Program, folder: Path) -> Behind:
    return lambda servers, _: balanced(haproxy, folder, servers)


async def test_one_is_killed_and_one_is_added(haproxy: Program, tmp_path: Path) -> None:
    await one_is_killed_and_one_is_added(tmp_path, behind(haproxy, tmp_path))


async def test_one_is_stopped_in_order(haproxy: Program, tmp_path: Path) -> None:
    await one_is_stopped_in_order(tmp_path, behind(haproxy, tmp_path), 2)


async def test_who_comes_back_when_all_are_full_finds_his_round(haproxy: Program) -> None:
    # He says nothing until the balancer has noticed that there is no room.
    one_round = f"{FAKE_ENGINE}[decoding]\nmax_rounds = 1\n[session]\nidle_s = 600\n"
    with replica_set(1, one_round, haproxy=haproxy) as full:
        whole = Talk(full.servers[0].url, sentences(4))
        await whole.hold()
        async with broken_network(full.balancer.url) as network:
            crowd = Crowd(network.url, [OPTIONS], 1)
            speaking = asyncio.create_task(crowd.speak())
            await crowd.all_at(0)
            await asyncio.to_thread(full.balancer.wait_until, full.ports[0], is_ready=False)
            with pytest.raises(StartRefused, match=r"SIS\.0312"):
                async with connect(full.balancer.url, OPTIONS):
                    pass
            await network.lose(Break.RESET)
            crowd.go_on(0)
            await speaking
            assert crowd.talks[0].states == [LineState.LOST, LineState.RESUMED]
            crowd.all_said(whole)


@pytest.mark.long
async def test_all_are_restarted_one_after_the_other(haproxy: Program, tmp_path: Path) -> None:
    await all_are_restarted(tmp_path, behind(haproxy, tmp_path))
