"""Two thousand generated conversations over real websockets, judged by an oracle.

`python -m bench conversations` holds others, by the ten thousands. A fault names its seed:
`python -m bench conversations --seed N --count 1` holds that conversation again.
"""

from __future__ import annotations

import asyncio
import tomllib

import pytest

from bench.conversations.oracle import judge
from bench.conversations.player import play
from bench.conversations.script import SETTINGS, script
from rasr.server.service import Service
from rasr.settings import Settings
from tests.longer import mostly_long

AT_ONCE = 32


async def faults_of(seeds: range, *, strict_limit: bool = False) -> dict[int, list[str]]:
    """What the oracle finds, by seed; and whether the server gave everything back."""
    sections = tomllib.loads(SETTINGS)
    sections |= {"server": {"port": 0}, "session": {"strict_audio_limit": strict_limit}}
    found: dict[int, list[str]] = {}
    waiting = iter(seeds)

    async def hold(url: str) -> None:
        for seed in waiting:
            one = script(seed)
            heard = await play(url, one)
            if faults := judge(one, heard, strict_limit=strict_limit):
                found[seed] = faults

    async with Service(Settings.model_validate(sections)) as service:
        await asyncio.gather(*(hold(service.url) for _ in range(AT_ONCE)))
        await service.state.connections.quiet()
        (scheduler,) = service.state.schedulers.values()
        assert service.state.admission.recognitions == 0
        assert scheduler.statistics.open_tasks == 0
    return found


@pytest.mark.parametrize("seeds", mostly_long([range(150), range(150, 1500)], range(150)))
async def test_the_server_keeps_what_the_protocol_promises(seeds: range) -> None:
    assert await faults_of(seeds) == {}


@pytest.mark.parametrize(
    "seeds", mostly_long([range(1500, 1550), range(1550, 2000)], range(1500, 1550))
)
async def test_so_it_does_where_too_much_audio_is_an_error(seeds: range) -> None:
    assert await faults_of(seeds, strict_limit=True) == {}
