"""A client whose server is gone goes on at another one: no word is lost, and none is told twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from unittest.mock import ANY

import pytest

from rasr.client import (
    CannotConnect,
    Ended,
    LineState,
    Options,
    Pace,
    Result,
    Segment,
    ServerMessage,
    StartRefused,
    connect,
    stream_recording,
)
from rasr.server.errors import StartError
from rasr.server.service import Service
from rasr.settings import StoreSettings
from rasr.store.on_demand import StoreOnDemand
from tests.server.audio import quiet, voiced
from tests.server.broken_network import (
    NOBODY,
    Break,
    BrokenNetwork,
    broken_network,
    port_of,
)
from tests.server.conftest import fake_settings
from tests.server.resumed import raw_client, until

CHUNK = 3200
OPTIONS = Options.of("english_16k_common", interim_results=True, need_word_info=True)
FRAME_MS = 30
"""A server judges whole frames from the first sample that it gets."""
Step = Callable[[], Awaitable[None]]


@pytest.fixture
async def other() -> AsyncIterator[Service]:
    async with Service(fake_settings()) as running:
        yield running


def sentences(count: int) -> bytes:
    """Each of another length, so that each has other words."""
    return b"".join(
        voiced(1500 + 300 * (seed % 5), seed=seed) + quiet(1000) for seed in range(1, count + 1)
    )


class Talk:
    """What somebody says, to whom something happens on the way."""

    def __init__(self, url: str, sound: bytes, options: Options = OPTIONS) -> None:
        self._url = url
        self._sound = sound
        self._options = options
        self.finals: list[Segment] = []
        self.states: list[LineState] = []

    async def hold(self, steps: Mapping[int, Step] | None = None) -> None:
        """Say it. Before the chunk of each of these numbers a step is taken."""

        async def chunks() -> AsyncGenerator[bytes, None]:
            for number, at in enumerate(range(0, len(self._sound), CHUNK)):
                if steps is not None and number in steps:
                    # Its connection is there.
                    await until(lambda: not self.states or self.states[-1] is not LineState.LOST)
                    await steps[number]()
                yield self._sound[at : at + CHUNK]

        async with connect(self._url, self._options, on_line=self.states.append) as session:
            await stream_recording(session, chunks(), self._hear, pace=Pace.FAST)
            self.trace_id = session.trace_id

    def _hear(self, message: ServerMessage) -> None:
        if isinstance(message, Result) and message.segments[0].is_final:
            self.finals += message.segments


def moved_to(network: BrokenNetwork, port: int) -> Step:
    """The server of now is gone, and another one answers in its place."""

    async def move() -> None:
        network.target = port
        await network.lose(Break.RESET)

    return move


def back_after(talk: Talk, step: Step) -> Step:
    """The step, until the client has come back from what it does to its connection."""

    async def take() -> None:
        seen = len(talk.states)
        await step()
        await until(lambda: len(talk.states) >= seen + 2)

    return take


def same(finals: Sequence[Segment], whole: Sequence[Segment]) -> None:
    assert [one.text for one in finals] == [one.text for one in whole]
    for one, other in zip(finals, whole, strict=True):
        assert abs(one.start_time - other.start_time) <= FRAME_MS
        assert abs(one.end_time - other.end_time) <= FRAME_MS
        words, others = one.word_info or (), other.word_info or ()
        assert len(words) == len(others) > 0
        for word, its_other in zip(words, others, strict=True):
            assert abs(word.start_time - its_other.start_time) <= FRAME_MS


@pytest.mark.parametrize("at", [5, 12, 23, 25, 31, 60])
async def test_wherever_a_server_goes_another_one_has_every_word_once(
    service: Service, other: Service, at: int
) -> None:
    sound = sentences(8)
    whole = Talk(service.url, sound)
    await whole.hold()
    assert len(whole.finals) == 8
    async with broken_network(service.url) as network:
        talk = Talk(network.url, sound)
        await talk.hold({at: moved_to(network, port_of(other.url))})
    assert talk.states == [LineState.LOST, LineState.BEGUN_ANEW]
    same(talk.finals, whole.finals)


async def test_a_server_that_retires_sends_its_rounds_on(other: Service) -> None:
    sound = sentences(8)
    whole = Talk(other.url, sound)
    await whole.hold()
    settings = fake_settings(replicas={"finish_s": 60.0})
    async with Service(settings) as service:
        stopping: list[asyncio.Task[None]] = []

        async def retire() -> None:
            network.target = port_of(other.url)
            stopping.append(asyncio.create_task(service.stop()))
            await until(lambda: bool(talk.states))

        async with broken_network(service.url) as network:
            talk = Talk(network.url, sound)
            await talk.hold({31: retire})
        await stopping[0]
    assert talk.states == [LineState.LOST, LineState.BEGUN_ANEW]
    same(talk.finals, whole.finals)


async def test_a_server_that_retires_lets_other_rounds_end_by_themselves(other: Service) -> None:
    sound = sentences(4)
    plain = Options.of("english_16k_common", need_word_info=True, resume=False)
    whole = Talk(other.url, sound, plain)
    await whole.hold()
    async with Service(fake_settings(replicas={"finish_s": 60.0})) as service:
        stopping: list[asyncio.Task[None]] = []

        async def retire() -> None:
            stopping.append(asyncio.create_task(service.stop()))
            await until(lambda: service.state.connections.closing)

        async with broken_network(service.url) as network:
            talk = Talk(network.url, sound, plain)
            await talk.hold({12: retire})
            with pytest.raises(CannotConnect):
                await Talk(service.url, sound, plain).hold()
        await stopping[0]
    assert talk.finals == whole.finals


async def test_what_does_not_end_by_itself_gets_its_finals_all_the_same(other: Service) -> None:
    plain = Options.of("english_16k_common", resume=False)
    async with Service(fake_settings(replicas={"finish_s": 0.05})) as service:
        async with connect(service.url, plain) as session:
            await session.send(voiced(2000))
            await until(lambda: service.state.admission.recognitions == 1)
            stopping = asyncio.create_task(service.stop())
            messages = [message async for message in session]
            assert [type(one) for one in messages] == [Result, Ended]
            await stopping


async def test_a_server_that_stops_alone_gives_finals_and_another_one_goes_on(
    service: Service, other: Service
) -> None:
    async def stop() -> None:
        network.target = port_of(other.url)
        await service.stop()

    async with broken_network(service.url) as network:
        talk = Talk(network.url, sentences(4))
        await talk.hold({25: stop})
    assert talk.states == [LineState.LOST, LineState.BEGUN_ANEW]
    assert len(talk.finals) >= 4


# A token of another replica


@asynccontextmanager
async def two_that_know_each_other(
    folder: Path, address: str = "", **sections: dict[str, object]
) -> AsyncIterator[tuple[Service, Service]]:
    """Two servers with one store, each of which has heard where the other is.

    Args:
        address: that the first one says it has; empty: the true one.
    """
    made: list[Service] = []
    async with AsyncExitStack() as stack:
        for said in (address, ""):
            # The other reaches it through a network that has its address before the server has one.
            network = await stack.enter_async_context(broken_network(NOBODY))
            settings = fake_settings(
                store={"url": f"sqlite:///{folder}/store.db"},
                replicas={"address": said or network.url},
                **sections,
            )
            store = StoreOnDemand(settings.store, {})
            made.append(await stack.enter_async_context(Service(settings, store=store)))
            network.target = port_of(made[-1].url)
        first, second = made
        rounds = first.state.connections.rounds
        assert first.background is not None
        await first.background.replicas.beat()
        assert set(rounds.elsewhere) == {second.state.connections.rounds.replica}
        yield first, second


@pytest.mark.parametrize("at", [12, 25])
async def test_a_replica_passes_the_bytes_on_to_the_one_that_has_the_round(
    tmp_path: Path, at: int
) -> None:
    sound = sentences(6)
    async with two_that_know_each_other(tmp_path) as (first, second):
        whole = Talk(first.url, sound)
        await whole.hold()
        async with broken_network(first.url) as network:
            talk = Talk(network.url, sound)
            move = moved_to(network, port_of(second.url))
            move = back_after(talk, move)
            await talk.hold({at: move, at + 15: move})
        assert talk.states == [LineState.LOST, LineState.RESUMED] * 2
        assert talk.finals == whole.finals
        assert first.state.connections.rounds.resumed == 2
        assert second.state.admission.recognitions == 0
        await first.state.connections.quiet()


async def test_where_the_other_replica_does_not_answer_the_client_begins_anew(
    tmp_path: Path,
) -> None:
    sound = sentences(4)
    async with two_that_know_each_other(tmp_path, NOBODY) as (first, second):
        whole = Talk(first.url, sound)
        await whole.hold()
        async with broken_network(first.url) as network:
            talk = Talk(network.url, sound)
            await talk.hold({25: moved_to(network, port_of(second.url))})
        assert talk.states == [LineState.LOST, LineState.BEGUN_ANEW]
        same(talk.finals, whole.finals)


async def test_when_the_replica_goes_to_which_bytes_are_passed_on_the_client_begins_anew(
    tmp_path: Path,
) -> None:
    sound = sentences(6)
    async with two_that_know_each_other(tmp_path) as (first, second):
        whole = Talk(second.url, sound)
        await whole.hold()
        async with broken_network(first.url) as network:
            talk = Talk(network.url, sound)
            move = moved_to(network, port_of(second.url))
            await talk.hold({12: back_after(talk, move), 31: back_after(talk, first.stop)})
        assert talk.states[:2] == [LineState.LOST, LineState.RESUMED]
        assert talk.states[-1] is LineState.BEGUN_ANEW
        assert len(talk.finals) >= len(whole.finals)


async def test_a_foreign_token_that_is_guessed_gets_nothing(tmp_path: Path) -> None:
    async with two_that_know_each_other(tmp_path) as (first, second):
        async with raw_client(first.url) as client, raw_client(second.url) as thief:
            token = str((await client.start())["token"])
            replica = token.partition(".")[0]
            answer = await thief.resume(f"{replica}.{'x' * 43}")
            assert (answer["resp_type"], answer["error_code"]) == ("ERROR", "SIS.0032")
            # Of another project than it was given to.
            async with raw_client(second.url, project="f" * 32) as stranger:
                assert await stranger.resume(token) == answer | {"trace_id": ANY}
            assert (await thief.resume(token, 1))["resp_type"] == "RESUMED"


async def test_a_project_has_its_rounds_at_all_replicas_together(tmp_path: Path) -> None:
    bound: dict[str, object] = {"rounds_per_project": 2}
    async with two_that_know_each_other(tmp_path, capacity=bound) as (first, second):
        backgrounds = [one.background for one in (first, second, first)]
        async with connect(first.url, OPTIONS), connect(second.url, OPTIONS):
            for background in backgrounds:
                assert background is not None
                await background.replicas.beat()
            for one in (first, second):
                with pytest.raises(StartRefused, match="2 of 2 are open"):
                    async with connect(one.url, OPTIONS):
                        pass
            # Another project is another one.
            async with raw_client(second.url) as client:
                await client.start()
        await until(lambda: not first.state.admission.recognitions)
        await until(lambda: not second.state.admission.recognitions)
        for background in backgrounds:
            assert background is not None
            await background.replicas.beat()
        async with connect(first.url, OPTIONS), connect(first.url, OPTIONS):
            pass


@pytest.mark.parametrize("address", ["http://a:1", "ws://a", "ws://a:x", "ws://a:1/path"])
async def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    settings = fake_settings(replicas={"address": address})
    store = StoreOnDemand(StoreSettings(url=f"sqlite:///{tmp_path}/store.db"), {})
    with pytest.raises(StartError, match=r"replicas\.address is '.*'; allowed: ws://host:port"):
        async with Service(settings, store=store):
            pass


async def test_an_address_without_a_store_is_refused() -> None:
    with pytest.raises(StartError, match="needs a store"):
        async with Service(fake_settings(replicas={"address": "ws://127.0.0.1:1"})):
            pass
