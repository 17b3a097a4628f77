"""Calls of one-sentence recognition, as clients make them."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from pathlib import Path
from typing import Any

import httpx

from rasr.server.service import Service
from tests.server.sdk import PROJECT, SdkClient

PATH = f"/v1/{PROJECT}/asr/short-audio"


def web_of(service: Service) -> httpx.AsyncClient:
    """A client that knows no proxy and waits as long as it takes."""
    return httpx.AsyncClient(
        base_url=service.url.replace("ws:", "http:"), trust_env=False, timeout=None
    )


def body(
    data: bytes, audio_format: str = "auto", khz: int = 16, **config: object
) -> dict[str, object]:
    wanted = {"audio_format": audio_format, "property": f"english_{khz}k_common"}
    return {"config": wanted | config, "data": base64.b64encode(data).decode()}


async def post(
    service: Service, data: bytes, audio_format: str = "auto", khz: int = 16, **config: object
) -> httpx.Response:
    async with web_of(service) as web:
        return await web.post(PATH, json=body(data, audio_format, khz, **config))


async def told(
    service: Service, data: bytes, audio_format: str = "auto", khz: int = 16, **config: object
) -> dict[str, Any]:
    """The result of a call that succeeds."""
    answer = await post(service, data, audio_format, khz, **config)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["result"]
    return result


async def streamed(
    service: Service, data: bytes, audio_format: str, khz: int = 16, **config: object
) -> dict[str, Any]:
    """The result through the websocket at the same path."""
    async with SdkClient(service.url, "asr/short-audio") as client:
        wanted = {"audio_format": audio_format, "property": f"english_{khz}k_common"}
        await client.start(**(wanted | config))
        await client.audio(data)
        await client.end()
    (final,) = client.finals
    result: dict[str, Any] = final["result"]
    return result


async def transcribed(service: Service, file: Path, *options: str) -> str:
    """The text of `rasr transcribe` for the same recording."""
    environment = {key: value for key, value in os.environ.items() if "_PROXY" not in key.upper()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rasr", "transcribe", str(file), "--url", service.url),
        *("--mode", "short", *options),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()
