"""A server that does nothing: it answers each step of audio at once, without decoding.

What a load on it shows is the floor of the harness: how late its clients send and receive, and what
they cost. It speaks as much of SIS as a load uses, and the words of the measured model
(`bench.word_clock`), so that all clocks but that of words run. `python -m bench.null_server` says
its address and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

from bench import word_clock
from bench.servers import MeasuredServer
from rasr.audio import SAMPLE_RATE

_STEPS = 20
"""Of a segment: then its final, so that text does not grow without end."""
_STOP_S = 5

Message = dict[str, object]
"""A message of SIS, before it becomes JSON."""


class NullRecognition:
    """Audio in, messages out: a word for each step of the measured model that is complete."""

    def __init__(self) -> None:
        self._samples = 0
        self._begins_at = 0
        self._words: list[str] = []

    def audio(self, samples: int) -> list[Message]:
        """Take so many samples; return the messages that they cause."""
        self._samples += samples
        messages = []
        while self._samples - self._begins_at >= word_clock.samples_needed(len(self._words)):
            self._words.append(word_clock.word(word_clock.first_frame(len(self._words))))
            is_final = len(self._words) == _STEPS
            messages.append(self._result(is_final=is_final))
            if is_final:
                # Where a step ends, and a whole number of milliseconds.
                self._begins_at += _STEPS * word_clock.STEP_SAMPLES
                self._words = []
        return messages

    def end(self) -> list[Message]:
        """End the recognition: return its last result and END."""
        last = [self._result(is_final=True)] if self._words else []
        return [*last, _message("END", reason="NORMAL")]

    def _result(self, *, is_final: bool) -> Message:
        end_at = self._begins_at + len(self._words) * word_clock.STEP_SAMPLES
        segment = {
            "start_time": self._begins_at * 1000 // SAMPLE_RATE,
            "end_time": end_at * 1000 // SAMPLE_RATE,
            "is_final": is_final,
            "result": {"text": " ".join(self._words), "score": 0.0},
        }
        return _message("RESULT", segments=[segment])


def _message(kind: str, **fields: object) -> Message:
    return {"resp_type": kind, **fields, "trace_id": "null"}


async def _answer(socket: ServerConnection) -> None:
    recognition = NullRecognition()
    # Clients of a load hang up without a word.
    with suppress(ConnectionClosedError):
        async for message in socket:
            if isinstance(message, bytes):
                answers = recognition.audio(len(message) // 2)
            elif '"START"' in message:
                answers = [_message("START")]
            else:
                answers, recognition = recognition.end(), NullRecognition()
            for answer in answers:
                await socket.send(json.dumps(answer))


async def _serve() -> None:
    async with serve(_answer, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        (listening,) = server.sockets
        print(f"ws://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        await asyncio.get_running_loop().create_future()


@contextmanager
def running_null_server() -> Iterator[MeasuredServer]:
    """Run it in a process of its own; stop it at the end.

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
