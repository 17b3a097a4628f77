"""A server without a socket, whose application another one carries."""

from __future__ import annotations

import pytest

import rasr.asgi
from rasr.server.errors import StartError
from rasr.server.listener import listen
from rasr.server.service import Service
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings
from tests.server.sdk import SdkClient


async def test_it_hears_and_ends_in_order() -> None:
    service = Service(fake_settings(auth={"kind": "none"}), has_socket=False)
    await service.__aenter__()
    assert service.application is not None
    listener = listen("127.0.0.1", 0)
    carrier = rasr.asgi.Server(service.application, rasr.asgi.Limits(connections=8))
    await carrier.start(listener)
    async with SdkClient(f"ws://127.0.0.1:{listener.getsockname()[1]}") as client:
        await client.start(interim_results="yes")
        await client.audio(quiet(200) + voiced(500))
        await client.until("RESULT")
        # Whoever is at it gets what it has heard.
        await service.stop()
        assert await client.closed() == 1001
        assert client.state == "ended"
        assert client.text_of_finals
    carrier.stop_accepting()
    await carrier.stop(1.0)
    listener.close()


async def test_nobody_knows_who_reaches_it_so_it_wants_to_be_told_who_is_asked() -> None:
    with pytest.raises(StartError, match=r"auth\.kind"):
        async with Service(fake_settings(), has_socket=False):
            pass
