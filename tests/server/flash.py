"""Calls of flash transcription, as clients make them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from rasr.server.service import Service
from tests.server.sdk import PROJECT
from tests.server.short_audio import web_of

PATH = f"/v1/{PROJECT}/asr/flash"


def query(audio_format: str = "auto", khz: int = 16, **more: str) -> dict[str, str]:
    return {"audio_format": audio_format, "property": f"english_{khz}k_common"} | more


async def post(
    service: Service, data: bytes | AsyncIterator[bytes], asked: Mapping[str, str]
) -> httpx.Response:
    """A call with the recording in its body."""
    async with web_of(service) as web:
        return await web.post(PATH, params=dict(asked), content=data)


async def told(service: Service, data: bytes, asked: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a call that succeeds."""
    answer = await post(service, data, asked)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The names and data of server-sent events."""
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found
