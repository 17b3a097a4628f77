"""The server as an application of Ray Serve: replicas hear, and come and go with the rounds."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import httpx
import pytest

from rasr.server.errors import StartError
from tests.docs.pages import ROOT
from tests.processes import LONG_S, until
from tests.server.audio import quiet, voiced
from tests.server.sdk import SdkClient
from tools.ports import free_port

SETTINGS = """
[auth]
kind = "none"
[session]
# Ray takes its time.
idle_s = 250.0
[engines.fake]
kind = "fake"
[properties]
english = "fake"
"""
QUICK = {"upscale_delay_s": 0, "downscale_delay_s": 0, "look_back_s": 2}
_SESSION = re.compile(r"ServeReplica:rasr:rasr pid=(\d+).*Session closed")


class Cluster:
    """Ray, with Serve at a port of this machine."""

    def __init__(self, process: subprocess.Popen[str], port: int, errors: Path) -> None:
        self._process = process
        self._errors = errors
        self.url = f"ws://127.0.0.1:{port}"

    def tell(self, line: str) -> None:
        """Have something done, and wait until it is."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline().strip() == line, self.told[-3000:]

    def deploy(self, settings: Path, **arguments: object) -> None:
        """Deploy the server, and wait until no other one is left."""
        self.tell(f"deploy {json.dumps({'config': str(settings), **arguments})}")

    def until(self, **replicas: int) -> None:
        """Wait until the replicas are in these states."""
        self.tell(f"until {json.dumps(replicas)}")

    @property
    def told(self) -> str:
        """Its log, and that of the replicas."""
        return self._errors.read_text("utf-8")


@pytest.fixture(scope="module")
def needs_ray() -> None:
    """Skips where there is no Ray."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("needs Ray: make ray-for-tests")


@pytest.fixture(scope="module")
def cluster(needs_ray: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster without applications."""
    folder = tmp_path_factory.mktemp("ray")
    port = free_port()
    # Each line of each replica counts.
    own = {"RAY_DEDUP_LOGS": "0", "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}
    with (
        (folder / "errors").open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.ray_driver", str(port)],
            cwd=ROOT,
            env=os.environ | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        yield Cluster(process, port, folder / "errors")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0, (folder / "errors").read_text()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A settings file around the engine that costs nothing."""
    file = tmp_path / "rasr.toml"
    file.write_text(SETTINGS, "utf-8")
    return file


@asynccontextmanager
async def speaking(url: str) -> AsyncIterator[SdkClient]:
    """Somebody whose round is open, and who has said something."""
    async with SdkClient(url) as client:
        await client.start(interim_results="yes")
        await client.audio(quiet(200) + voiced(600))
        yield client


async def final(client: SdkClient) -> str:
    """What he has said, once he has ended."""
    await client.end()
    return client.text_of_finals


@pytest.mark.long
async def test_two_replicas_hear_the_same(cluster: Cluster, settings: Path) -> None:
    cluster.deploy(settings, min_replicas=2, max_replicas=2)
    cluster.until(RUNNING=2)
    async with AsyncExitStack() as stack:
        people = [await stack.enter_async_context(speaking(cluster.url)) for _ in range(8)]
        (text,) = {await final(one) for one in people}
    assert text
    async with httpx.AsyncClient(
        base_url=cluster.url.replace("ws:", "http:"), timeout=LONG_S
    ) as web:
        assert (await web.get("/readyz")).json()["status"] == "ready"
        assert "text/html" in (await web.get("/")).headers["content-type"]
    # Lines of replicas come by and by. Each of them had some of the people.
    await until(lambda: len(_SESSION.findall(cluster.told)) == len(people))
    assert len({*_SESSION.findall(cluster.told)}) == 2


@pytest.mark.long
async def test_replicas_come_and_go_with_the_rounds(cluster: Cluster, settings: Path) -> None:
    cluster.deploy(settings, min_replicas=1, max_replicas=2, rounds=1, **QUICK)
    async with AsyncExitStack() as silent:
        # Whoever is connected and says nothing is no reason for another one.
        for _ in range(4):
            await silent.enter_async_context(SdkClient(cluster.url))
        cluster.until(RUNNING=1)
        async with speaking(cluster.url) as first, speaking(cluster.url) as second:
            cluster.until(RUNNING=2)
            async with speaking(cluster.url) as third:
                texts = {await final(one) for one in (first, second, third)}
        assert len(texts) == 1
    cluster.until(RUNNING=1)


@pytest.mark.long
async def test_a_replica_that_goes_lets_its_rounds_end(
    cluster: Cluster, settings: Path, tmp_path: Path
) -> None:
    cluster.deploy(settings, max_replicas=1)
    cluster.until(RUNNING=1)
    newer = tmp_path / "newer.toml"
    newer.write_text(SETTINGS, "utf-8")
    async with speaking(cluster.url) as before:
        # Another settings file is another version, whose replica takes the place of the old one.
        cluster.tell(f"begin {json.dumps({'config': str(newer), 'max_replicas': 1})}")
        cluster.until(RUNNING=1, STOPPING=1)
        async with speaking(cluster.url) as after:
            assert await final(before) == await final(after) != ""
    cluster.until(RUNNING=1)


@pytest.fixture(scope="module")
def module(needs_ray: None) -> ModuleType:
    """`rasr.deploy.ray`; what Ray's own modules warn of at import is not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("rasr.deploy.ray")


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [({}, 1), ({"a": 0, "b": 0}, 1), ({"a": 10, "b": 7}, 2), ({"a": 17}, 2), ({"a": 500}, 4)],
)
def test_there_are_as_many_replicas_as_the_open_rounds_want(
    module: ModuleType, rounds: dict[str, int], expected: int
) -> None:
    context = SimpleNamespace(
        aggregated_metrics={"rounds": rounds} if rounds else {},
        config=SimpleNamespace(target_ongoing_requests=16.0),
        capacity_adjusted_min_replicas=1,
        capacity_adjusted_max_replicas=4,
    )
    assert module.replicas_by_rounds(context) == (expected, {})


def test_arguments_that_cannot_be_used_are_told(module: ModuleType) -> None:
    with pytest.raises(StartError, match=r"the arguments cannot be used: replicas: Extra"):
        module.application({"replicas": 3})


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('[server]\ntls_cert = "cert.pem"\n', "server.tls_cert"),
        ("[server]\nconnections_per_address = 3\n", "server.connections_per_address"),
        ("[server]\nprot = 3\n", "the settings cannot be used: .*prot"),
    ],
)
def test_settings_that_are_for_the_proxy_are_refused(
    module: ModuleType, settings: Path, more: str, told: str
) -> None:
    settings.write_text(SETTINGS + more, "utf-8")
    with pytest.raises(StartError, match=told):
        module.application({"config": str(settings)})
