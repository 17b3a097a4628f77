"""Every attack is let loose on a server, for a moment: it goes on, and keeps nothing."""

from __future__ import annotations

import click
import httpx
import pytest

from bench.attack import QUIET, besiege
from bench.attack_clients import ATTACKS, check_loopback
from rasr.server.service import Service
from tests.processes import LONG_S
from tests.server.conftest import fake_settings


@pytest.mark.parametrize("name", ATTACKS)
async def test_the_server_goes_on_and_keeps_nothing(name: str) -> None:
    async with Service(fake_settings()) as service:
        assert await ATTACKS[name](service.url, 0.3)
        async with httpx.AsyncClient(trust_env=False, timeout=LONG_S) as web:
            answer = await web.get(f"{service.url.replace('ws', 'http')}/healthz")
        assert answer.status_code == 200
        await service.state.connections.quiet()
        assert service.state.admission.recognitions == 0


async def test_odd_handshakes_are_all_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.attack_clients._ANSWER_S", LONG_S)
    async with Service(fake_settings()) as service:
        assert await ATTACKS["odd handshakes"](service.url, LONG_S) == (
            "header of 9 kB: 101, header of 40 kB: 431, 150 headers: 431, long path: 431, body: 400"
        )


async def test_hostile_messages_are_all_answered() -> None:
    async with Service(fake_settings()) as service:
        told = await ATTACKS["hostile STARTs"](service.url, LONG_S)
        assert set(told.split(", ")) == {"ERROR"}


@pytest.mark.parametrize("url", ["ws://192.0.2.1:8765", "ws://example.org", "nonsense"])
def test_nobody_else_is_attacked(url: str) -> None:
    with pytest.raises(click.UsageError, match="another machine"):
        check_loopback(url)
    with pytest.raises(click.UsageError, match="another machine"):
        besiege(url, QUIET, 1.0)
