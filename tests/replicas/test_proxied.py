"""Three replicas behind nginx and behind Envoy, of which one is killed, stopped or added while
people speak."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.processes import LONG_S
from tests.replicas.crowd import (
    Behind,
    all_are_restarted,
    one_is_killed_and_one_is_added,
    one_is_stopped_in_order,
)
from tests.replicas.proxies import ENVOY, NGINX, Proxy, proxied
from tests.replicas.servers import Replica, answers, replicas
from tools.ports import free_port


@pytest.fixture(scope="module")
def program(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Skips the test where there is none."""
    found = proxy.find(tmp_path_factory.mktemp("proxy"))
    if found is None:
        pytest.skip(f"needs {proxy.name}: {proxy.needed}")
    return found


@pytest.fixture(params=[NGINX, ENVOY], ids=["nginx", "envoy"], scope="module")
def proxy(request: pytest.FixtureRequest) -> Proxy:
    """Each in turn."""
    found: Proxy = request.param
    return found


async def replica_of(page: httpx.AsyncClient) -> str:
    """The name of the one that answers."""
    answer = await page.get("/v1/default/monitoring", params={"from": 0, "to": 60_000})
    (this,) = [one["replica"] for one in answer.json()["live"]["replicas"] if one["this"]]
    return str(this)


@asynccontextmanager
async def balanced(
    proxy: Proxy, program: str, folder: Path, servers: list[Replica], living: int
) -> AsyncIterator[str]:
    port = free_port()
    with proxied(proxy, program, folder, port, [one.port for one in servers]) as url:
        address = f"http://127.0.0.1:{port}"
        await answers(f"{address}/readyz", 200)
        known: set[str] = set()
        # It has heard of all of them.
        while len(known) < living:
            async with httpx.AsyncClient(base_url=address, timeout=LONG_S) as anybody:
                known.add(await replica_of(anybody))
        yield url


def behind(proxy: Proxy, program: str, folder: Path) -> Behind:
    return lambda servers, living: balanced(proxy, program, folder, servers, living)


def test_the_configuration_of_deploy_is_one(proxy: Proxy, program: str, tmp_path: Path) -> None:
    path = proxy.write(tmp_path, free_port(), [1, 2, 3])
    checked = proxy.checked(program, path)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.long
async def test_one_is_killed_and_one_is_added(proxy: Proxy, program: str, tmp_path: Path) -> None:
    await one_is_killed_and_one_is_added(tmp_path, behind(proxy, program, tmp_path))


@pytest.mark.long
async def test_one_is_stopped_in_order(proxy: Proxy, program: str, tmp_path: Path) -> None:
    await one_is_stopped_in_order(tmp_path, behind(proxy, program, tmp_path), 3)


@pytest.mark.long
async def test_all_are_restarted_one_after_the_other(
    proxy: Proxy, program: str, tmp_path: Path
) -> None:
    await all_are_restarted(tmp_path, behind(proxy, program, tmp_path))


@pytest.mark.long
async def test_a_page_comes_back_to_its_replica(proxy: Proxy, program: str, tmp_path: Path) -> None:
    async with replicas(tmp_path, 3) as servers:
        async with balanced(proxy, program, tmp_path, servers, 3) as url:
            address = url.replace("ws://", "http://")
            for _ in range(3):
                async with httpx.AsyncClient(base_url=address, timeout=LONG_S) as page:
                    where = {await replica_of(page) for _ in range(6)}
                assert len(where) == 1
                assert page.cookies.get("rasr")
            for path in ("/metrics", "/sessions"):
                async with httpx.AsyncClient(base_url=address, timeout=LONG_S) as page:
                    assert (await page.get(path)).status_code == 404
