"""Every START gets its END, an ERROR or a close within a bound, whatever goes wrong.

Generated clients speak SIS to everything that is beneath a socket: conversation, connection,
runner, recognition, text, second pass, alignment, scheduler, supervision. Only engine, socket and
clock are scripted. Time passes by itself (`tests.runtime.virtual_loop`), so that a bound is exact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from rasr.wire.sis.modes import Mode
from tests.recognition.talk import hush, speech
from tests.runtime.scripted import BATCH_FAULTS, START_FAULTS, Script, Server
from tests.runtime.virtual_loop import run

BOUND_S = 110.0
"""Of virtual time. The longest script has 9 faults of a worker, each of which takes what a batch or
a start that hangs takes and a second, and three questions that are never answered."""
OURS = ("session_failed", "session_dropped", "recognition_failed", "serving_fault")
"""Log lines of faults that no script here has in it."""
Action = Callable[[Server], Awaitable[None]]


def _does(call: Callable[[Server], object]) -> Action:
    async def action(server: Server) -> None:
        call(server)

    return action


async def _stops_reading(server: Server) -> None:
    server.socket.is_read.clear()


async def _reads_again(server: Server) -> None:
    server.socket.is_read.set()


def _waits(seconds: float) -> Action:
    async def action(server: Server) -> None:
        await asyncio.sleep(seconds)

    return action


def _says(loud_ms: int, quiet_ms: int, chunk_ms: int) -> Action:
    async def action(server: Server) -> None:
        audio, step = speech(loud_ms) + hush(quiet_ms), chunk_ms * 32
        for at in range(0, len(audio), step):
            server.socket.say(audio[at : at + step])
            await asyncio.sleep(0)

    return action


_START_FIELDS = {
    "vad_head": st.sampled_from([0, 500]),
    "vad_tail": st.sampled_from([0, 200, 3000]),
    "max_seconds": st.sampled_from([1, 2]),
    "interim_results": st.just("yes"),
    "need_word_info": st.just("yes"),
    "add_punc": st.just("yes"),
    "digit_norm": st.just("no"),
    "user_words": st.just(["Dashwood"]),
}
_ODD_FIELDS = {
    "audio_format": st.sampled_from(["ulaw8k8bit", "auto"]),
    "property": st.just("klingon"),
}
_CONFIGS = st.fixed_dictionaries({}, optional=_START_FIELDS)
_STARTS = st.one_of(
    _CONFIGS, _CONFIGS, _CONFIGS, st.fixed_dictionaries({}, optional=_START_FIELDS | _ODD_FIELDS)
).map(lambda config: _does(lambda server: server.start(**config)))
_ENDS = st.sampled_from([False, False, True]).map(
    lambda cancel: _does(lambda server: server.end(cancel=cancel))
)
_AUDIO = st.builds(
    _says,
    st.sampled_from([700, 100, 1500, 4000, 0]),
    st.sampled_from([300, 0, 900]),
    st.sampled_from([200, 40, 5000]),
)
_RARE = st.one_of(
    st.binary(max_size=999).map(lambda data: _does(lambda server: server.socket.say(data))),
    st.text(max_size=20).map(lambda text: _does(lambda server: server.socket.say(text))),
    st.floats(0, 25).map(_waits),
    st.just(_stops_reading),
    st.just(_reads_again),
    st.just(_does(lambda server: server.connection.shut_down())),
    st.just(_does(lambda server: server.connection.cut_off())),
    st.just(_does(lambda server: server.socket.leave())),
)
_RECOGNITIONS = st.builds(
    lambda start, audio, rest, end: [start, *audio, *rest, *end],
    _STARTS,
    st.lists(_AUDIO, min_size=1, max_size=3),
    st.lists(st.one_of(_AUDIO, st.sampled_from([0.1, 0.3, 2.0]).map(_waits), _RARE), max_size=3),
    st.lists(_ENDS, max_size=1),
)
_CHAOS = st.lists(st.one_of(_STARTS, _AUDIO, _ENDS, _RARE), max_size=4)
_CLIENTS = st.lists(st.one_of(_RECOGNITIONS, _RECOGNITIONS, _CHAOS), min_size=1, max_size=3).map(
    lambda parts: [action for part in parts for action in part]
)
"""What clients do: mostly recognitions as they should be, with anything else in between."""
_SCRIPTS = st.builds(
    Script,
    batches=st.lists(st.sampled_from(["", "", *BATCH_FAULTS]), max_size=6).map(tuple),
    starts=st.lists(st.sampled_from(START_FAULTS), max_size=3).map(tuple),
    access=st.lists(
        st.sampled_from(["yes", "yes", "late", "no", "never", "raises", "is cancelled"]),
        max_size=3,
    ).map(tuple),
    workers=st.integers(1, 2),
    slots=st.integers(1, 2),
    second_pass=st.booleans(),
    second_batches=st.lists(st.sampled_from(["", *BATCH_FAULTS]), max_size=3).map(tuple),
    text=st.sampled_from(["quick", "quick", "slow", "late", "raises"]),
    aligner=st.sampled_from(["", "ok", "slow", "raises", "is cancelled"]),
    rules=st.sampled_from([{}, {"strict_audio_limit": True}, {"connection_s": 30.0}]),
)


async def _play(mode: Mode, script: Script, actions: list[Action]) -> None:
    server = Server(mode, script)
    await server.begin()
    try:
        with capture_logs() as logs:
            for action in actions:
                await action(server)
            loop = asyncio.get_running_loop()
            began = loop.time()
            server.end()
            while owed := server.owes():
                assert loop.time() < began + BOUND_S, f"the client waits for {owed}"
                await asyncio.sleep(1)
            event("answered" if server.told else "nothing said")
            await server.over(BOUND_S)
        assert [line for line in logs if line["event"] in OURS] == []
        assert server.statistics.stalled == 0, "an engine that answers is no reason to give up"
        odd = script.access.count("raises") + script.access.count("is cancelled")
        # A segment whose alignment fails is one, too.
        assert server.faults <= odd or script.aligner in ("raises", "is cancelled")
    finally:
        await server.stop()


@settings(
    max_examples=1000,
)
@given(mode=st.sampled_from(list(Mode)), script=_SCRIPTS, actions=_CLIENTS)
def test_every_start_is_answered_and_ended_within_a_bound_and_nothing_is_left(
    mode: Mode, script: Script, actions: list[Action]
) -> None:
    run(_play(mode, script, actions))


@pytest.mark.parametrize("ends", [False, True])
def test_a_client_that_floods_an_engine_that_never_answers_is_told_within_a_bound(
    ends: bool,
) -> None:
    async def play() -> None:
        server = Server(Mode.CONTINUE, Script(batches=("hangs",), starts=("hangs",) * 1000))
        await server.begin()
        loop = asyncio.get_running_loop()
        began = loop.time()
        server.start()
        # More than is taken while nothing is decoded, so that END waits behind it.
        await _says(60_000, 0, 1000)(server)
        if ends:
            server.end()
        while server.owes():
            assert loop.time() < began + 300, "the client waits for ever"
            await asyncio.sleep(1)
        assert [one["resp_type"] for one in server.told[:3]] == ["START", "ERROR", "END"]
        assert server.statistics.stalled == 1
        await server.stop()

    run(play())
