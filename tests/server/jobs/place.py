"""Servers with jobs, and recordings that they can fetch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any

import httpx

from rasr.server.jobs.desk import BEAT_S
from rasr.server.service import Service
from rasr.settings import Settings
from rasr.store.on_demand import StoreOnDemand
from tests.processes import LONG_S
from tests.recordings.hosts import LOOPBACK, Host
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings
from tests.server.sdk import PROJECT

JOBS = f"/v1/{PROJECT}/asr/transcriber/jobs"
UPLOADS = f"/v1/{PROJECT}/asr/transcriber/uploads"
PROPERTY = "english_16k_common"
SLOW: dict[str, object] = {"fake": {"kind": "fake", "options": {"cost_ms_per_second": 40.0}}}
"""An engine that takes seconds for each minute."""


def job_settings(folder: Path, **sections: dict[str, object]) -> Settings:
    """Settings of a server whose recordings lie in a folder and come from loopback."""
    recordings = {
        "allowed_hosts": (LOOPBACK,),
        "folder": f"{folder}/cache/recordings",
        "attempts": 1,
    } | sections.pop("recordings", {})
    store = {"url": f"sqlite:///{folder}/store/store.db"} | sections.pop("store", {})
    return fake_settings(recordings=recordings, store=store, **sections)


def service_of(settings: Settings, beat_s: float = BEAT_S) -> Service:
    """A server without accounts, with a store.

    Args:
        beat_s: so often it looks after jobs.
    """
    return Service(settings, None, StoreOnDemand(settings.store, {}), job_beat_s=beat_s)


def talk(sentences: int, seconds: float = 1.2) -> bytes:
    """So many sentences with pauses between; pcm16k16bit."""
    return b"".join(
        voiced(round(seconds * 1000), seed=number) + quiet(800) for number in range(sentences)
    )


@dataclass
class Asker:
    """Asks a server for jobs."""

    web: httpx.AsyncClient
    jobs: list[str] = field(default_factory=list)

    async def post(self, data_url: str, **config: object) -> httpx.Response:
        wanted = {"property": PROPERTY, "audio_format": "pcm16k16bit"} | config
        return await self.web.post(JOBS, json={"config": wanted, "data_url": data_url})

    async def send(self, content: bytes) -> str:
        """Send a recording in one part. Returns the URL that names it."""
        begun = (await self.web.post(UPLOADS)).json()
        answer = await self.web.put(f"{UPLOADS}/{begun['upload_id']}/0", content=content)
        assert answer.status_code == 204, answer.text
        return str(begun["data_url"])

    async def submit(self, data_url: str, **config: object) -> str:
        answer = await self.post(data_url, **config)
        assert answer.status_code == 200, answer.text
        assert list(answer.json()) == ["job_id"]
        job_id = str(answer.json()["job_id"])
        self.jobs.append(job_id)
        return job_id

    async def show(self, job_id: str) -> httpx.Response:
        return await self.web.get(f"{JOBS}/{job_id}")

    async def begun(self, job_id: str) -> None:
        """Wait until the recording has been looked at."""
        await self.until(job_id, lambda told: "audio_duration" in told)

    async def over(self, job_id: str) -> dict[str, Any]:
        """The answer once the job is over, whichever way."""
        return await self.until(job_id, lambda told: told.get("status") != "WAITING")

    async def until(self, job_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The answer once it is so."""
        async with asyncio.timeout(LONG_S):
            while True:
                told: dict[str, Any] = (await self.show(job_id)).json()
                if is_so(told):
                    return told
                await asyncio.sleep(0.05)


@asynccontextmanager
async def asking(service: Service) -> AsyncIterator[Asker]:
    """Somebody who asks a server, and knows no proxy."""
    url = service.url.replace("ws:", "http:")
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=LONG_S) as web:
        yield Asker(web)


def url_of(host: Host, path: str = "/a.wav") -> str:
    """A URL of a host on loopback, by its address."""
    return host.url(path, LOOPBACK)


def texts(told: Mapping[str, Any]) -> list[str]:
    """The texts of an answer."""
    return [one["result"]["text"] for one in told["segments"]]


def files_below(folder: Path) -> Iterator[bytes]:
    """What is in all files below a folder. One may go while they are read."""
    for name in sorted(glob("**", root_dir=folder, recursive=True, include_hidden=True)):
        with suppress(FileNotFoundError, IsADirectoryError):
            yield (folder / name).read_bytes()
