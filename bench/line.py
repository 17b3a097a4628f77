"""The connection of one stream of a load: sends in time, and only stores what comes.

The client shares the cores with the server that it measures, so it does little: frames are built
before, messages are read after the load, and nothing is awaited for a chunk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from bench.talkers import CHUNK_S
from bench.wires import Answer, Wire
from rasr.client import WebSocket


class Line(WebSocket):
    """The connection of one stream, from the handshake to the last message."""

    def __init__(self, wire: Wire, late_s: list[float]) -> None:
        # A ping would be one more thing that happens at a time of its own.
        super().__init__(wire.url, pings=False, subprotocols=wire.subprotocols)
        self.messages: list[tuple[float, bytes]] = []
        self.failure: str | None = None
        self.refusal: str | None = None
        self.ready = asyncio.Event()
        self.over = asyncio.Event()
        self._wire = wire
        self._late_s = late_s
        self._ended = self._told_over = False
        self._ended_s = self._closed_s = 0.0

    def on_open(self) -> None:
        if self._wire.opening is not None:
            self.write(self._wire.opening)
        if not self._wire.opening_is_answered:
            self.ready.set()

    def on_message(self, at_s: float, text: bytes) -> None:
        self.messages.append((at_s, text))
        if not self.ready.is_set():
            self.refusal = self._wire.refusal(text)
            self.ready.set()
        if self._ended and self._wire.is_over(text):
            self._told_over = True
            self.over.set()

    def on_lost(self) -> None:
        self._closed_s = time.monotonic()
        ended = self.over.is_set() or (self._ended and self._wire.ends_by_closing)
        if not ended and self.refusal is None:
            self.failure = self.failure or f"the server closed the connection: {self.closed()}"
        self.ready.set()
        self.over.set()

    def speak(self, frames: Sequence[bytes], start_s: float) -> None:
        """Send each frame when its sound is over, the first `CHUNK_S` after `start_s`."""
        loop = asyncio.get_running_loop()
        write, late_s, sent = self.write, self._late_s, 0

        def send() -> None:
            nonlocal sent
            if not self.is_open:
                return
            late_s.append(time.monotonic() - (start_s + (sent + 1) * CHUNK_S))
            write(frames[sent])
            sent += 1
            if sent < len(frames):
                loop.call_later(start_s + (sent + 1) * CHUNK_S - time.monotonic(), send)
            else:
                self._ended, self._ended_s = True, time.monotonic()
                write(self._wire.ending)

        loop.call_later(start_s + CHUNK_S - time.monotonic(), send)

    def hang_up(self) -> None:
        self.over.set()
        self.abort()

    def answers(self) -> list[Answer]:
        """
        Raises:
            ValueError: one is an error.
        """
        read = self._wire.reader()
        answers = [one for at_s, text in self.messages for one in read(at_s, text)]
        if self._ended and self._wire.ends_by_closing and self.failure is None:
            if answers and answers[-1].at_s >= self._ended_s:
                answers[-1] = replace(answers[-1], is_final=True, is_over=True)
            else:
                answers.append(Answer(self._closed_s, "", is_over=True))
        if self._told_over and answers and not any(one.is_over for one in answers):
            # Some messages end a stream by coming after the end of the sound.
            answers[-1] = replace(answers[-1], is_over=True)
        return answers
