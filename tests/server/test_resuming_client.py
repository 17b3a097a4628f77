"""A dictation over a network that breaks again and again is the dictation unbroken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from itertools import cycle

import pytest

from rasr.client import (
    ConnectionLost,
    Ended,
    LineState,
    Options,
    Result,
    Segment,
    ServerMessage,
    connect,
    stream_recording,
)
from rasr.client import websocket as websocket_module
from rasr.client.recording import Pace
from rasr.server.service import Service
from tests.server.audio import quiet, voiced
from tests.server.broken_network import Break, BrokenNetwork, broken_network, port_of
from tests.server.conftest import fake_settings
from tests.server.resumed import raw_client, until

CHUNK = 3200
OPTIONS = Options.of("english_16k_common", interim_results=True, need_word_info=True)


def dictation(seconds: int) -> bytes:
    """Sentences of two to three seconds and pauses, each sentence another one."""
    sound, seed = b"", 1
    while len(sound) < 32_000 * seconds:
        sound += voiced(2000 + 100 * (seed % 9), seed=seed) + quiet(800)
        seed += 1
    return sound[: 32_000 * seconds]


class Dictation:
    """One that is held over a network that breaks, at every so many chunks, in turns."""

    def __init__(self, url: str, sound: bytes) -> None:
        self._url = url
        self._sound = sound
        self.finals: list[Segment] = []
        self.states: list[LineState] = []

    async def hold(self, network: BrokenNetwork | None = None, every: int = 0) -> None:
        ways = cycle(Break)

        async def chunks() -> AsyncGenerator[bytes, None]:
            for number, at in enumerate(range(0, len(self._sound), CHUNK), start=1):
                if network is not None and number % every == 0:
                    # Each break meets a connection that had come back from the one before.
                    await until(lambda: not self.states or self.states[-1] is LineState.RESUMED)
                    seen = len(self.states)
                    await network.lose(next(ways))
                    yield self._sound[at : at + CHUNK]
                    while len(self.states) < seen + 2:  # noqa: ASYNC110, nobody tells
                        await asyncio.sleep(0.001)
                    continue
                yield self._sound[at : at + CHUNK]

        async with connect(self._url, OPTIONS, on_line=self.states.append) as session:
            await stream_recording(session, chunks(), self._hear, pace=Pace.FAST)

    def _hear(self, message: ServerMessage) -> None:
        if isinstance(message, Result) and message.segments[0].is_final:
            self.finals += message.segments


async def broken_like_unbroken(seconds: int, every: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """The breaks of a dictation that was the same as the one unbroken."""
    sound = dictation(seconds)
    async with Service(fake_settings()) as service:
        whole = Dictation(service.url, sound)
        await whole.hold()
        assert whole.states == []
        # A connection that hangs is found out in a moment.
        monkeypatch.setattr(websocket_module, "_PING_S", 0.1)
        async with broken_network(service.url) as network:
            broken = Dictation(network.url, sound)
            await broken.hold(network, every)
        assert broken.finals == whole.finals
        assert len(whole.finals) > seconds // 5
        await service.state.connections.quiet()
        rounds = service.state.connections.rounds
        assert (rounds.held, rounds.lost) == (0, 0)
        assert service.state.admission.recognitions == 0
        assert rounds.resumed >= broken.states.count(LineState.RESUMED)
        return rounds.resumed


async def test_a_dictation_that_breaks_twenty_times_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await broken_like_unbroken(60, 29, monkeypatch) >= 20


@pytest.mark.long
async def test_ten_minutes_with_a_hundred_breaks_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await broken_like_unbroken(600, 59, monkeypatch) >= 100


async def test_who_reads_only_once_all_is_sent_has_all_of_it(service: Service) -> None:
    # More than is kept, so that acknowledgements have to be read while it is sent.
    sound = dictation(120)
    async with connect(service.url, Options.of("english_16k_common")) as session:
        for at in range(0, len(sound), CHUNK):
            await session.send(sound[at : at + CHUNK])
        await session.end()
        texts = [one.segments[0].text async for one in session if isinstance(one, Result)]
    assert len(texts) > 20


async def test_a_round_for_which_there_is_no_server_any_more_is_lost() -> None:
    states: list[LineState] = []
    async with Service(fake_settings(session={"resume_s": 0.05})) as service:
        async with broken_network(service.url) as network:
            async with connect(network.url, OPTIONS, on_line=states.append) as session:
                await session.send(dictation(3))
                network.close()
                await network.lose(Break.RESET)
                await until(lambda: service.state.connections.rounds.lost == 1)
                with pytest.raises(ConnectionLost, match="broke, and was not made anew: "):
                    async for _ in session:
                        pass
                with pytest.raises(ConnectionLost, match="broke, and was not made anew: "):
                    await session.send(bytes(CHUNK))
                await network.listen()
    assert states == [LineState.LOST]


async def test_who_finds_only_servers_that_are_full_is_told_so() -> None:
    one_round = fake_settings(decoding={"max_rounds": 1})
    async with (
        Service(fake_settings(session={"resume_s": 0.05})) as first,
        Service(one_round) as full,
        broken_network(first.url) as network,
        connect(full.url, OPTIONS),
        connect(network.url, OPTIONS) as session,
    ):
        await session.send(dictation(3))
        network.target = port_of(full.url)
        await network.lose(Break.RESET)
        with pytest.raises(ConnectionLost, match=r"broke, and was not made anew: .*SIS\.0312"):
            async for _ in session:
                pass


async def test_a_connection_that_another_has_replaced_does_not_come_back(
    service: Service,
) -> None:
    async with connect(service.url, OPTIONS) as session:
        await session.send(dictation(3))
        assert session._round is not None
        token = session._round._kept._token
        assert token is not None
        async with raw_client(service.url, project="default") as thief:
            assert (await thief.resume(token, 1))["resp_type"] == "RESUMED"
            with pytest.raises(ConnectionLost, match="goes on on another connection"):
                async for _ in session:
                    pass
            await thief.say(command="END")
            await thief.next("END")


async def test_without_resume_a_broken_connection_is_the_end(service: Service) -> None:
    options = Options.of("english_16k_common", resume=False)
    async with broken_network(service.url) as network:
        async with connect(network.url, options) as session:
            await session.send(dictation(3))
            await network.lose(Break.RESET)
            with pytest.raises(ConnectionLost, match="broke"):
                async for _ in session:
                    pass
        assert network.connections == 1


async def test_the_next_round_begins_on_the_connection_that_the_last_one_came_to(
    service: Service,
) -> None:
    states: list[LineState] = []
    async with broken_network(service.url) as network:
        async with connect(network.url, OPTIONS, on_line=states.append) as session:
            for _ in range(2):
                await session.send(dictation(4))
                await network.lose(Break.RESET)
                await session.end()
                assert [one async for one in session if isinstance(one, Ended)]
                await session.start()
        assert network.connections == 3
    assert states == [LineState.LOST, LineState.RESUMED] * 2
