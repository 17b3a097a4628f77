"""The wires of other servers, each against a small server that speaks it."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from bench.adapters.funasr import FunasrWire
from bench.adapters.sherpa_python import SherpaPythonWire, running_python_server
from bench.adapters.vosk import VoskWire
from bench.adapters.whisperlive import WhisperLiveWire
from bench.outcome import Clock, Outcome
from bench.sound import Talk
from bench.speaking import put_on
from bench.talkers import Load
from bench.wires import Answer, SherpaWire, Wire

Conversation = Callable[[ServerConnection], Awaitable[None]]


@contextmanager
def speaking(conversation: Conversation, *subprotocols: str) -> Iterator[str]:
    """The address of a server that holds this conversation, in a thread of its own."""
    ready, addresses = threading.Event(), list[str]()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        # The types of the package name a new type; any words do.
        named = list(subprotocols) or None
        async with serve(conversation, "127.0.0.1", 0, subprotocols=named) as server:  # type: ignore[arg-type]
            (listening,) = server.sockets
            addresses.append(f"ws://127.0.0.1:{listening.getsockname()[1]}")
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert ready.wait(10)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def put_a_second_on(wire: Wire) -> Outcome:
    return put_on(Load(wire, Talk.SPEECH, 1, warm_s=0.0, window_s=0.6))


async def sound_of(socket: ServerConnection, ending: str | bytes) -> AsyncIterator[bytes]:
    async for message in socket:
        if message == ending:
            return
        assert isinstance(message, bytes)
        yield message


def answers(wire: Wire, *bodies: object) -> list[Answer]:
    read = wire.reader()
    return [
        one
        for second, body in enumerate(bodies)
        for one in read(float(second), json.dumps(body).encode())
    ]


def assert_clean(outcome: Outcome) -> None:
    assert (outcome.errors, outcome.refused) == ((), ())
    assert (outcome.streams, outcome.ended) == (1, 1)
    (end,) = outcome.waits[Clock.END] or (None,)
    assert end is None or end.ms > 0


def test_vosk_is_told_the_rate_and_asked_for_the_end_to_the_letter() -> None:
    got: list[object] = []

    async def vosk(socket: ServerConnection) -> None:
        got.append(json.loads(await socket.recv()))
        size = 0
        async for chunk in sound_of(socket, '{"eof" : 1}'):
            size += len(chunk)
            await socket.send(json.dumps({"partial": "hello"}))
        got.append(size)
        await socket.send(json.dumps({"text": "hello world"}))

    with speaking(vosk) as url:
        assert_clean(put_a_second_on(VoskWire(url)))
    config, size = got
    assert config == {"config": {"sample_rate": 16000, "words": True}}
    assert size == 6 * 1600 * 2


def test_a_sentence_of_vosk_has_the_times_of_its_words_where_it_tells_them() -> None:
    words = [{"word": "a", "start": 0.5, "end": 0.75}, {"word": "b", "start": 0.75, "end": 1.25}]
    assert answers(
        VoskWire("ws://a"),
        {"partial": ""},
        {"partial": "a"},
        {"result": words, "text": "a b"},
        {"text": "c"},
    ) == [
        Answer(0.0, ""),
        Answer(1.0, "a"),
        Answer(2.0, "a b", is_final=True, times_ms=(500, 1250)),
        Answer(3.0, "c", is_final=True),
    ]


def test_funasr_is_offered_its_subprotocol_and_ends_with_the_text_of_the_second_pass() -> None:
    got: list[object] = []

    async def funasr(socket: ServerConnection) -> None:
        got.append(socket.subprotocol)
        got.append(json.loads(await socket.recv()))
        size = 0
        async for message in socket:
            if isinstance(message, str):
                got.append(json.loads(message))
                break
            size += len(message)
        got.append(size)
        await socket.send(json.dumps({"mode": "2pass-online", "text": "ni", "is_final": False}))
        await socket.send(json.dumps({"mode": "2pass-offline", "text": "ni hao"}))
        # It keeps the connection open.
        await socket.wait_closed()

    with speaking(funasr, "binary") as url:
        assert_clean(put_a_second_on(FunasrWire(url)))
    subprotocol, opening, ending, size = got
    assert subprotocol == "binary"
    assert isinstance(opening, dict)
    assert (opening["mode"], opening["audio_fs"], opening["is_speaking"]) == ("2pass", 16000, True)
    assert ending == {"is_speaking": False}
    assert size == 6 * 1600 * 2


def test_funasr_tells_what_is_new_and_then_the_whole_sentence() -> None:
    assert answers(
        FunasrWire("ws://a"),
        {"mode": "2pass-online", "text": "ni"},
        {"mode": "2pass-online", "text": "hao"},
        {"mode": "2pass-offline", "text": "ni hao", "timestamp": "[[100,200],[200,500]]"},
        {"mode": "2pass-online", "text": "zai"},
    ) == [
        Answer(0.0, "ni"),
        Answer(1.0, "ni hao"),
        Answer(2.0, "ni hao", is_final=True, times_ms=(100, 500)),
        Answer(3.0, "zai"),
    ]


def test_whisperlive_is_spoken_to_when_it_is_ready_and_closes_at_the_end() -> None:
    got: list[object] = []

    async def whisper(socket: ServerConnection) -> None:
        options = json.loads(await socket.recv())
        got.append(options)
        await socket.send(json.dumps({"uid": options["uid"], "message": "SERVER_READY"}))
        size = 0
        async for chunk in sound_of(socket, b"END_OF_AUDIO"):
            size += len(chunk)
        got.append(size)

    with speaking(whisper) as url:
        assert_clean(put_a_second_on(WhisperLiveWire(url, "zh")))
    options, size = got
    assert isinstance(options, dict)
    assert (options["language"], options["task"]) == ("zh", "transcribe")
    assert size == 6 * 1600 * 4


def test_whisperlive_with_all_places_taken_is_a_refusal() -> None:
    async def full(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(json.dumps({"uid": "a", "status": "WAIT", "message": 3.5}))

    with speaking(full) as url:
        outcome = put_a_second_on(WhisperLiveWire(url))
    assert outcome.refused == ("WAIT: 3.5 minutes",)
    assert outcome.errors == ()


def test_whisperlive_tells_a_segment_again_and_again_and_it_is_final_once() -> None:
    done = {"start": "0.000", "end": "1.500", "text": " Hi.", "completed": True}
    open_ = {"start": "1.500", "end": "2.000", "text": " you", "completed": False}
    assert answers(
        WhisperLiveWire("ws://a"), {"segments": [done, open_]}, {"segments": [done]}
    ) == [
        Answer(0.0, " Hi.", is_final=True, times_ms=(0, 1500)),
        Answer(0.0, " you", times_ms=(1500, 2000)),
    ]


def test_an_error_of_whisperlive_is_told() -> None:
    with pytest.raises(ValueError, match="no such model"):
        answers(WhisperLiveWire("ws://a"), {"status": "ERROR", "message": "no such model"})


def test_a_new_segment_of_the_python_server_makes_the_last_text_final() -> None:
    assert answers(
        SherpaPythonWire("ws://a"),
        {"text": "a", "segment": 0},
        {"text": "a b", "segment": 0},
        {"text": "c", "segment": 1},
    ) == [
        Answer(0.0, "a"),
        Answer(1.0, "a b"),
        Answer(2.0, "a b", is_final=True),
        Answer(2.0, "c"),
    ]


def test_the_last_text_of_the_python_server_is_final_when_it_closes() -> None:
    got: list[int] = []

    async def python(socket: ServerConnection) -> None:
        size = 0
        async for chunk in sound_of(socket, "Done"):
            size += len(chunk)
        got.append(size)
        await socket.send(json.dumps({"text": "a b", "segment": 0}))

    with speaking(python) as url:
        outcome = put_a_second_on(SherpaPythonWire(url))
    assert_clean(outcome)
    assert got == [6 * 1600 * 4]


def test_a_server_that_closes_before_the_end_is_an_error() -> None:
    async def rude(socket: ServerConnection) -> None:
        await socket.recv()

    for wire in (VoskWire, SherpaPythonWire, SherpaWire):
        with speaking(rude) as url:
            outcome = put_a_second_on(wire(url))
        assert outcome.ended == 0
        assert "closed the connection" in outcome.errors[0]


STAND_IN = """
import argparse, asyncio, json
from websockets.asyncio.server import serve

known = argparse.ArgumentParser()
for name in ("encoder-model", "decoder-model", "joiner-model", "tokens", "doc-root"):
    known.add_argument(f"--{name}", required=True)
for name in ("port", "num-threads", "nn-pool-size", "max-batch-size"):
    known.add_argument(f"--{name}", type=int, required=True)
known.add_argument("--max-wait-ms", type=float)
known.add_argument("--max-active-connections", type=int)
said = known.parse_args()

async def answer(socket):
    async for message in socket:
        if message == "Done":
            await socket.send(json.dumps({"text": said.tokens, "segment": 0}))
            return

async def main():
    async with serve(answer, "127.0.0.1", said.port):
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


def test_the_python_server_is_started_from_its_file_with_the_model_of_a_folder(
    tmp_path: Path,
) -> None:
    program = tmp_path / "streaming_server.py"
    program.write_text(STAND_IN)
    with running_python_server(program, tmp_path, int8=True) as server:
        outcome = put_a_second_on(SherpaPythonWire(server.url))
        assert server.pid != os.getpid()
    assert_clean(outcome)


def test_a_python_server_that_does_not_start_tells_why(tmp_path: Path) -> None:
    program = tmp_path / "streaming_server.py"
    program.write_text("raise SystemExit('no model here')")
    with pytest.raises(RuntimeError, match="no model here"):
        with running_python_server(program, tmp_path, int8=True):
            pass
