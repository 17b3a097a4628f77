"""A client that sends faster than it is served is slowed by TCP, and its pings are answered."""

from __future__ import annotations

import asyncio
import json

from websockets.asyncio.client import connect

from rasr.server.service import Service
from tests.processes import LONG_S
from tests.server.audio import voiced
from tests.server.conftest import fake_settings
from tests.server.sdk import PROJECT, SdkClient

_START = json.dumps(
    {
        "command": "START",
        "config": {"audio_format": "pcm16k16bit", "property": "english_16k_common"},
    }
)


async def test_a_client_at_many_times_the_speed_of_speech_survives_on_a_loaded_server() -> None:
    # The engine needs half of real time for each second, the budget is a second: the client is
    # soon far ahead. It gives up when a ping is not answered in time, as the official SDK does.
    settings = fake_settings(
        session={"backlog_s": 1.0},
        engines={"fake": {"kind": "fake", "options": {"cost_ms_per_second": 20}}},
        decoding={"workers": 1},
    )
    second = voiced(1000)
    async with (
        Service(settings) as service,
        connect(
            f"{service.url}/v1/{PROJECT}/rasr/continue-stream",
            compression=None,
            proxy=None,
            ping_interval=0.2,
            ping_timeout=LONG_S,
        ) as socket,
    ):
        await socket.send(_START)
        for number in range(20):
            for at in range(0, len(second), 4000):
                await socket.send(second[at : at + 4000])
            if number % 10 == 0:
                await (await socket.ping())
        await socket.send('{"command":"END"}')
        ended = False
        async for text in socket:
            if json.loads(text)["resp_type"] == "END":
                ended = True
                break
        assert ended


async def test_a_slow_session_does_not_slow_another() -> None:
    settings = fake_settings(
        session={"backlog_s": 0.5},
        engines={"fake": {"kind": "fake", "options": {"cost_ms_per_second": 20}}},
        decoding={"workers": 1},
    )
    async with Service(settings) as service, SdkClient(service.url) as flood:
        await flood.start()
        flooding = asyncio.create_task(flood.audio(voiced(10_000)))
        async with SdkClient(service.url) as speaker:
            await speaker.start()
            await speaker.audio(voiced(1000))
            await speaker.end()
            assert speaker.told[-1] == "END NORMAL"
            assert not flood.finals
        await flooding
        await flood.end()
        assert flood.told[-1] == "END NORMAL"
