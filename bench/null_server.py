"""A server that does nothing: it answers each step of sound at once, without decoding.

What a load on it shows is the harness' own floor: how late its clients send and receive, and what
they cost. It speaks as much of the protocol as a load uses, and the words of the measured model
(`bench.clock`), so that all clocks but the user-perceived one run. Run as `python -m
bench.null_server`; it says its address and serves until it is told to end.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

from bench import clock
from bench.server import MeasuredServer
from rasr.wire.sis.codec import encode_server
from rasr.wire.sis.messages import (
    Ended,
    EndReason,
    Result,
    Segment,
    ServerMessage,
    Started,
)

_STEPS = 20
"""Of a segment: then its final, so that text does not grow without end."""
_STOP_S = 5
_TRACE = "null"


class NullRound:
    """Sound in, messages out: a word for each step of the measured model that is complete."""

    def __init__(self) -> None:
        self._samples = 0
        self._begins_at = 0
        self._words: list[str] = []

    def sound(self, samples: int) -> list[ServerMessage]:
        self._samples += samples
        messages = []
        while self._samples - self._begins_at >= clock.samples_needed(len(self._words)):
            self._words.append(clock.word(clock.first_frame(len(self._words))))
            is_final = len(self._words) == _STEPS
            messages.append(self._result(is_final=is_final))
            if is_final:
                # Where a step ends, and a whole number of milliseconds.
                self._begins_at += _STEPS * clock.STEP_SAMPLES
                self._words = []
        return messages

    def end(self) -> list[ServerMessage]:
        last = [self._result(is_final=True)] if self._words else []
        return [*last, Ended(_TRACE, EndReason.NORMAL)]

    def _result(self, *, is_final: bool) -> ServerMessage:
        steps = len(self._words)
        start_ms = self._begins_at * 1000 // clock.SAMPLE_RATE
        end_ms = (self._begins_at + steps * clock.STEP_SAMPLES) * 1000 // clock.SAMPLE_RATE
        segment = Segment(" ".join(self._words), start_ms, end_ms, is_final=is_final)
        return Result(_TRACE, (segment,))


async def _answer(socket: ServerConnection) -> None:
    rounds = NullRound()
    # Clients of a load hang up without a word.
    with suppress(ConnectionClosedError):
        async for message in socket:
            if isinstance(message, bytes):
                answers = rounds.sound(len(message) // 2)
            elif '"START"' in message:
                answers = [Started(_TRACE)]
            else:
                answers, rounds = rounds.end(), NullRound()
            for answer in answers:
                await socket.send(encode_server(answer))


async def _serve() -> None:
    async with serve(_answer, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        (listening,) = server.sockets
        print(f"ws://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        await asyncio.get_running_loop().create_future()


@contextmanager
def running() -> Iterator[MeasuredServer]:
    """In a process of its own, stopped at the end.

    Raises:
        RuntimeError: it did not start.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.null_server"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("the null server did not start: see above")
        yield MeasuredServer(url, process.pid)
    finally:
        process.terminate()
        process.wait(_STOP_S)
        process.stdout.close()


if __name__ == "__main__":
    uvloop.run(_serve())
