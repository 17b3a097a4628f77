"""A session: what an app sees of it, when it tries again, and when it must not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import fields, replace

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from rasr.audio import COMPRESSED_FORMATS
from rasr.client import (
    CannotConnect,
    ConnectionLost,
    Ended,
    LineState,
    Options,
    Session,
    StartFields,
    StartRefused,
    connect,
)
from rasr.wire.sis.codec import encode_server, with_number
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.fields import START_FIELDS
from rasr.wire.sis.messages import (
    Acknowledge,
    AudioReceived,
    EndReason,
    Error,
    Result,
    Resume,
    Resumed,
    ResumeOffer,
    Start,
    StartConfig,
    Started,
)
from rasr.wire.sis.modes import Mode
from tests.client.scripted import Peer, Script, one_round, scripted
from tests.client.test_recording import FastClock
from tests.client.values import CONFIG, STARTED, ended, final, partial
from tests.processes import LONG_S

FULL = Error("trace", ErrorCode.FULL, "the server is full: 4 of 4")
PATIENT = Options(CONFIG, retry_s=60.0)


def in_turn(scripts: Sequence[Script]) -> Script:
    """Each connection plays the next one; the last one again and again."""
    waiting = list(scripts)

    async def play(peer: Peer) -> None:
        await (waiting.pop(0) if len(waiting) > 1 else waiting[0])(peer)

    return play


async def broken(peer: Peer) -> None:
    """Goes away where START is expected."""
    await peer.start()
    peer.websocket.transport.abort()


async def whole(peer: Peer) -> None:
    await peer.start()
    await peer.send(STARTED)
    await peer.end()
    await peer.send(final(f"{len(peer.audio)} bytes"), ended())


async def talk(session: Session, audio: bytes = b"ab") -> list[object]:
    await session.send(audio)
    await session.end()
    return [message async for message in session]


async def test_a_session_begins_with_a_round_and_ends_with_its_end() -> None:
    async with scripted(one_round) as url, connect(url, Options(CONFIG)) as session:
        assert session.trace_id == "trace"
        await session.send(b"ab")
        await session.send(b"cd")
        await session.end()
        assert [message async for message in session] == [partial("hel"), final("hello"), ended()]


async def test_the_next_round_may_be_another_one() -> None:
    async def script(peer: Peer) -> None:
        for config in (CONFIG, StartConfig(CONFIG.audio_format, CONFIG.property, vad_tail=900)):
            assert await peer.start() == Start(config)
            await peer.send(STARTED)
            await peer.end()
            await peer.send(final(f"{config.vad_tail}"), ended())

    async with scripted(script) as url, connect(url, Options(CONFIG)) as session:
        assert await talk(session) == [final("500"), ended()]
        await session.start(StartConfig(CONFIG.audio_format, CONFIG.property, vad_tail=900))
        assert await talk(session) == [final("900"), ended()]


async def test_both_ends_times_can_be_read() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.hear(2)
        await peer.send(final("hello", 20, 150), ended())

    before = time.monotonic()
    async with scripted(script) as url, connect(url, Options(CONFIG)) as session:
        assert session.sent_s(0) is None
        await session.send(bytes(3200))
        between = time.monotonic()
        await session.send(bytes(3200))
        async for message in session:
            if not isinstance(message, Ended):
                first, second = session.sent_s(100), session.sent_s(150)
                assert first is not None
                assert second is not None
                assert before <= first <= between <= second <= session.arrived_s
        assert session.sent_s(0) == first
        assert session.sent_s(200) == second
        assert session.sent_s(201) is None
        assert session.arrived_s <= time.monotonic()


async def test_when_compressed_sound_was_sent_only_the_server_could_say() -> None:
    webm = StartConfig(COMPRESSED_FORMATS["webm-opus"], CONFIG.property)
    async with scripted(whole) as url, connect(url, Options(webm)) as session:
        await talk(session, b"abc")
        assert session.sent_s(0) is None


async def test_a_connection_that_breaks_before_the_round_is_tried_again_with_pauses() -> None:
    clock = FastClock()
    async with scripted(in_turn([broken, broken, whole])) as url:
        async with connect(url, PATIENT, clock=clock) as session:
            assert await talk(session) == [final("2 bytes"), ended()]
    assert len(clock.wanted) == 2
    first, second = clock.wanted
    assert 0.05 <= first <= 0.1
    assert 0.1 <= second - first <= 0.2


async def test_without_patience_the_first_failure_is_the_last() -> None:
    clock = FastClock()
    async with scripted(in_turn([broken, whole])) as url:
        with pytest.raises(ConnectionLost):
            async with connect(url, Options(CONFIG), clock=clock):
                pass
    assert clock.wanted == []


async def test_patience_has_an_end() -> None:
    clock = FastClock()
    async with scripted(broken) as url:
        with pytest.raises(ConnectionLost, match="broke"):
            async with connect(url, Options(CONFIG, retry_s=5.0), clock=clock):
                pass
    assert 2.0 <= clock.at_s - 1000.0 <= 5.0


async def test_a_full_server_is_asked_again_on_the_same_connection() -> None:
    connections = 0

    async def script(peer: Peer) -> None:
        nonlocal connections
        connections += 1
        await peer.start()
        await peer.send(FULL)
        await whole(peer)

    async with scripted(script) as url:
        async with connect(url, PATIENT, clock=FastClock()) as session:
            assert await talk(session) == [final("2 bytes"), ended()]
    assert connections == 1


async def test_what_will_be_refused_again_is_not_asked_again() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(Error("trace", ErrorCode.UNSUPPORTED, "no such language"))

    clock = FastClock()
    async with scripted(script) as url:
        with pytest.raises(StartRefused, match="no such language"):
            async with connect(url, PATIENT, clock=clock):
                pass
    assert clock.wanted == []


@pytest.mark.parametrize(("status", "tries"), [(429, 3), (503, 3), (401, 1), (404, 1)])
async def test_a_refused_handshake_is_tried_again_only_if_it_may_be_another_one_later(
    status: int, tries: int
) -> None:
    asked = 0

    def refuse(websocket: ServerConnection, request: Request) -> Response | None:
        nonlocal asked
        asked += 1
        return websocket.respond(status, "no") if asked < 3 else None

    async with scripted(whole, refuse) as url:
        refused = pytest.raises(CannotConnect) if tries == 1 else nullcontext()
        with refused:
            async with connect(url, PATIENT, clock=FastClock()) as session:
                await talk(session)
    assert asked == tries


async def lost_after_start(peer: Peer) -> None:
    await peer.start()
    await peer.send(STARTED)
    peer.websocket.transport.abort()


async def test_a_round_without_sound_is_begun_again_by_whoever_notices() -> None:
    begun = asyncio.Event()

    async def second(peer: Peer) -> None:
        await peer.start()
        begun.set()
        await peer.send(Started("second"))
        await peer.end()
        await peer.send(final(f"{len(peer.audio)} bytes"), ended())

    async with scripted(in_turn([lost_after_start, second])) as url:
        async with connect(url, PATIENT, clock=FastClock()) as session:
            reading = asyncio.create_task(collected(session))
            # The reader loses the first connection and waits on the second one.
            await begun.wait()
            await session.send(b"ab")
            await session.end()
            assert await reading == [final("2 bytes"), ended()]


async def collected(session: Session) -> list[object]:
    return [message async for message in session]


async def test_a_round_with_sound_is_never_begun_again() -> None:
    async def lost_after_sound(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.hear(1)
        peer.websocket.transport.abort()

    async def never(peer: Peer) -> None:
        raise AssertionError("a second connection was made")

    async with scripted(in_turn([lost_after_sound, never])) as url:
        async with connect(url, PATIENT, clock=FastClock()) as session:
            await session.send(b"ab")
            with pytest.raises(ConnectionLost, match="broke"):
                await collected(session)
            with pytest.raises(ConnectionLost, match="broke"):
                await session.send(b"cd")


async def test_between_two_rounds_a_lost_connection_is_made_anew() -> None:
    async def leaves(peer: Peer) -> None:
        await whole(peer)
        await peer.websocket.close(1001, "the server is shutting down")

    async with scripted(in_turn([leaves, whole])) as url:
        async with connect(url, PATIENT, clock=FastClock()) as session:
            assert await talk(session) == [final("2 bytes"), ended()]
            await session.start()
            assert await talk(session, b"abc") == [final("3 bytes"), ended()]


async def test_a_client_that_sends_faster_than_is_taken_waits() -> None:
    told = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        peer.websocket.transport.pause_reading()
        await told.wait()
        peer.websocket.transport.resume_reading()
        await peer.end()
        await peer.send(final(f"{len(peer.audio)}"), ended())

    async with scripted(script) as url, connect(url, Options(CONFIG)) as session:
        sent = 0

        async def flood() -> None:
            nonlocal sent
            for _ in range(64):
                await session.send(bytes(1 << 20))
                sent += 1

        flooding = asyncio.create_task(flood())
        # As long as it gets on, let it: it stops when the network is full.
        before = -1
        while before != sent:
            before = sent
            for _ in range(200):
                await asyncio.sleep(0)
        assert sent < 32
        assert not flooding.done()
        told.set()
        await flooding
        await session.end()
        assert [message async for message in session] == [final(str(64 << 20)), ended()]


HELD = Started("trace", ResumeOffer("token", 5000))


async def lost_while_held(peer: Peer) -> None:
    await peer.start()
    await peer.send(HELD)
    await peer.hear(1)
    peer.websocket.transport.abort()


async def test_a_server_that_does_not_come_back_is_looked_for_as_long_as_it_holds_the_round() -> (
    None
):
    asked = 0

    def refuse(websocket: ServerConnection, request: Request) -> Response | None:
        nonlocal asked
        asked += 1
        return None if asked == 1 else websocket.respond(503, "no")

    clock, states = FastClock(), list[LineState]()
    async with scripted(lost_while_held, refuse) as url:
        async with connect(url, PATIENT, clock=clock, on_line=states.append) as session:
            await session.send(b"ab")
            with pytest.raises(ConnectionLost, match="broke"):
                await collected(session)
            with pytest.raises(ConnectionLost, match="broke"):
                await session.end()
    assert states == [LineState.LOST]
    assert 2.0 <= clock.at_s - 1000.0 <= 5.0


async def test_a_round_that_goes_on_sends_what_had_not_arrived_and_end_again() -> None:
    states: list[LineState] = []

    async def goes_on(peer: Peer) -> None:
        assert await peer.command() == Resume("token", 1)
        await peer.websocket.send(encode_server(Resumed("trace", 1, ended=False)))
        await peer.end()
        await peer.websocket.send(with_number(encode_server(final(peer.audio.decode())), 2))
        await peer.websocket.send(with_number(encode_server(final("again")), 2))
        await peer.websocket.send(with_number(encode_server(ended()), 3))
        assert [await peer.command() for _ in range(2)] == [Acknowledge(2), Acknowledge(3)]

    async with scripted(in_turn([lost_while_held, goes_on])) as url:
        async with connect(url, PATIENT, clock=FastClock(), on_line=states.append) as session:
            await session.send(b"abcd")
            assert session.sent_s(0) is not None
            await session.end()
            assert session.end_sent
            assert await collected(session) == [final("bcd"), ended()]
            assert session.arrived_s > 0
    assert states == [LineState.LOST, LineState.RESUMED]


async def test_what_is_asked_for_as_the_round_goes_on_is_sent_as_well() -> None:
    back = asyncio.Event()

    def on_line(state: LineState) -> None:
        if state is LineState.RESUMED:
            back.set()

    async def goes_on(peer: Peer) -> None:
        await peer.command()
        await peer.websocket.send(encode_server(Resumed("trace", 1, ended=False)))
        await peer.end()
        await peer.websocket.send(with_number(encode_server(final(peer.audio.decode())), 2))
        await peer.websocket.send(with_number(encode_server(ended()), 3))
        await peer.websocket.wait_closed()

    async with scripted(in_turn([lost_while_held, goes_on])) as url:
        async with connect(url, PATIENT, clock=FastClock(), on_line=on_line) as session:

            async def end_when_back() -> None:
                await back.wait()
                await session.send(b"ef")
                await session.end()

            ending = asyncio.ensure_future(end_when_back())
            await session.send(b"abcd")
            async with asyncio.timeout(LONG_S):
                assert await collected(session) == [final("bcdef"), ended()]
            await ending


async def test_audio_that_nobody_acknowledges_any_more_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def ends(peer: Peer) -> None:
        await peer.start()
        await peer.send(HELD)
        await peer.hear(1)
        await peer.websocket.send(with_number(encode_server(final("words")), 2))
        await peer.websocket.send(with_number(encode_server(ended(EndReason.ERROR)), 3))
        await peer.websocket.wait_closed()

    monkeypatch.setattr("rasr.client.kept_round._KEEP_S", 1)
    async with scripted(ends) as url, connect(url, PATIENT, clock=FastClock()) as session:
        # More than is kept, and nobody reads while it is sent.
        await session.send(bytes(40_000))
        await session.send(bytes(40_000))
        assert await collected(session) == [final("words"), ended(EndReason.ERROR)]


async def test_a_server_that_has_got_more_than_was_sent_is_not_believed() -> None:
    async def says_too_much(peer: Peer) -> None:
        await peer.command()
        await peer.websocket.send(encode_server(Resumed("trace", 5, ended=False)))
        await peer.websocket.wait_closed()

    async with scripted(in_turn([lost_while_held, says_too_much])) as url:
        async with connect(url, PATIENT, clock=FastClock()) as session:
            await session.send(b"abcd")
            with pytest.raises(ConnectionLost, match="more of the audio was lost than was kept"):
                await collected(session)


def test_options_of_plain_values_are_those_that_the_server_reads() -> None:
    options = Options.of(
        "english_16k_common",
        interim_results=True,
        vad_tail=700,
        user_words=("Ada",),
        retry_s=5.0,
    )
    assert options == Options(
        StartConfig(
            CONFIG.audio_format,
            CONFIG.property,
            interim_results=True,
            vad_tail=700,
            user_words=("Ada",),
            # Clients of this project ask for it unless they are told not to.
            resume=True,
        ),
        retry_s=5.0,
    )


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Options.of("english"), "'property' is invalid: it is 'english'"),
        (lambda: Options.of("english_16k_x", "wav"), "'audio_format' is invalid"),
        (lambda: Options.of("english_16k_x", vad_tail=3001), "a whole number from 0 to 3000"),
        (lambda: Options.of("english_8k_x"), "is not match model"),
    ],
)
def test_options_that_the_server_would_refuse_are_refused_at_once(
    make: Callable[[], Options], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_a_field_that_does_not_belong_to_the_mode_is_left_out() -> None:
    assert Options.of("english_16k_x", mode=Mode.SHORT, vad_tail=0).config.vad_tail == 500


def test_options_have_every_field_of_start() -> None:
    optional = {name for name, field in START_FIELDS.items() if not field.required}
    assert set(StartFields.__annotations__) == optional
    assert {one.name for one in fields(StartConfig)} == set(START_FIELDS)


async def test_what_a_server_has_not_recognised_begins_a_round_at_another_one() -> None:
    states: list[LineState] = []

    async def goes(peer: Peer) -> None:
        await peer.start()
        await peer.send(Started("one", ResumeOffer("first", 30_000)))
        await peer.hear(1)
        settled = AudioReceived("one", 64_000, settled_ms=1500)
        await peer.websocket.send(encode_server(settled))
        await peer.websocket.send(with_number(encode_server(final("said")), 2))
        assert await peer.command() == Acknowledge(2)
        peer.websocket.transport.abort()

    async def knows_nothing(peer: Peer) -> None:
        assert await peer.command() == Resume("first", 2)
        await peer.send(Error("x", ErrorCode.INVALID, "there is no such round"))
        await peer.start()
        await peer.send(Started("two", ResumeOffer("second", 30_000)))
        await peer.end()
        assert len(peer.audio) == 16_000
        segment = replace(final("words").segments[0], start_time=100, end_time=400)
        result = Result("two", (segment,))
        await peer.websocket.send(with_number(encode_server(result), 2))
        await peer.websocket.send(with_number(encode_server(ended()), 3))
        await peer.websocket.wait_closed()

    async with scripted(in_turn([goes, knows_nothing])) as url:
        async with connect(url, PATIENT, clock=FastClock(), on_line=states.append) as session:
            await session.send(bytes(64_000))
            said = await anext(aiter(session))
            assert isinstance(said, Result)
            assert said.segments[0].text == "said"
            await session.end()
            result, _ = await collected(session)
            assert isinstance(result, Result)
            assert (result.segments[0].start_time, result.segments[0].end_time) == (1600, 1900)
            assert session.trace_id == "two"
    assert states == [LineState.LOST, LineState.BEGUN_ANEW]


async def test_compressed_audio_does_not_begin_anew_in_its_middle() -> None:
    async def knows_nothing(peer: Peer) -> None:
        await peer.command()
        await peer.send(Error("x", ErrorCode.INVALID, "there is no such round"))
        await peer.websocket.wait_closed()

    options = Options.of("english_16k_common", "ogg-opus", resume=True)
    async with scripted(in_turn([lost_while_held, knows_nothing])) as url:
        async with connect(url, options, clock=FastClock()) as session:
            await session.send(b"abcd")
            with pytest.raises(ConnectionLost, match="more of the audio was lost than was kept"):
                await collected(session)
