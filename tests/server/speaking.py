"""Servers that speak, and what is asked of them over HTTP."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from rasr.server.service import Service
from tests.server.conftest import fake_settings
from tests.server.sdk import PROJECT
from tests.server.short_audio import web_of

PATH = f"/v1/{PROJECT}/tts"
ENGLISH = "One sentence is here. Another one is there. The third one is the last."
CHINESE = "你好，世界。今天天气很好。"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speaking() -> AsyncIterator[Service]:
    """One server for the tests of a module: workers that speak take a while to start."""
    async with Service(fake_settings()) as running:
        yield running


async def post(service: Service, text: Any = ENGLISH, **config: Any) -> httpx.Response:
    """The answer to a call."""
    async with web_of(service) as web:
        return await web.post(PATH, json={"text": text, "config": config})


async def sound_of(service: Service, text: Any = ENGLISH, **config: Any) -> bytes:
    """The sound that a call answers with, as a whole."""
    answer = await post(service, text, **config)
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json()["result"]["data"], validate=True)
