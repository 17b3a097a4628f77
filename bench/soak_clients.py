"""Clients that come and go: each does one thing that clients do, well or badly, and leaves.

`VISITS` is the table of them; the load of `soak` draws from it by weight, with a seed. What a
visitor says is speech at the speed of speech unless the visit is about something else. Latency is
taken where it means the same each time: from END's being sent to its answer, of visits that sent
their audio in time.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bench.workload import CHUNK_S, ContinuousCorpus, Talk
from rasr.client import Mode, address_of

_OPEN_S = 10.0
_CLOSE_S = 10.0
_ANSWER_S = 60.0
"""An answer that takes longer is one that does not come."""
_SLOW_READER_BYTES = 4096
_FLOOD_SPEED = 20.0
_FAST_SPEED = 1.05
_NONSENSE = "{not json"
_FULL = "SIS.0312"


class Broken(Exception):
    """The server did what it should not; the text says what."""


class _NoRoom(Exception):
    """The server refused the recognition, as it may."""


class Visitor:
    """A connection that can also be impolite."""

    def __init__(self, websocket: ClientConnection, patience_s: float) -> None:
        self._websocket = websocket
        self._patience_s = patience_s

    @classmethod
    async def open(cls, url: str, patience_s: float = _ANSWER_S) -> Visitor:
        """Connect to a server.

        Args:
            url: of the server.
            patience_s: an answer that takes longer is one that does not come.

        Raises:
            OSError, TimeoutError, websockets.InvalidHandshake
        """
        return cls(
            await connect(
                address_of(url, Mode.CONTINUE, "soak"),
                compression=None,
                proxy=None,
                open_timeout=_OPEN_S,
                close_timeout=_CLOSE_S,
                # Whether it reads is the visit's own affair.
                ping_interval=None,
                max_queue=None,
                max_size=None,
            ),
            patience_s,
        )

    async def start(self, property_name: str, *, partials: bool) -> None:
        """Send START, and nothing else."""
        config = {
            "audio_format": "pcm16k16bit",
            "property": property_name,
            "interim_results": "yes" if partials else "no",
            "need_word_info": "yes",
        }
        await self.send(json.dumps({"command": "START", "config": config}))

    async def end(self, *, cancel: bool = False) -> None:
        """Send END, and nothing else."""
        await self.send(json.dumps({"command": "END", "cancel": cancel}))

    async def send(self, message: str | bytes) -> None:
        """Send a command, or audio as int16.

        Raises:
            websockets.ConnectionClosed
        """
        await self._websocket.send(message)

    async def expect(self, *kinds: str) -> dict[str, Any]:
        """Return the next message of one of these types; others are read and forgotten.

        Raises:
            Broken: none came.
        """
        try:
            async with asyncio.timeout(self._patience_s):
                async for text in self._websocket:
                    message: dict[str, Any] = json.loads(text)
                    if message["resp_type"] in kinds:
                        return message
        except TimeoutError as error:
            raise Broken(f"no answer within {self._patience_s:.0f} s") from error
        except ConnectionClosed as error:
            raise Broken(f"closed by the server: {error}") from error
        raise Broken("closed by the server")

    async def gone(self) -> None:
        """Read until the server closes.

        Raises:
            Broken: it does not.
        """
        try:
            async with asyncio.timeout(_ANSWER_S):
                while True:
                    await self._websocket.recv()
        except ConnectionClosed:
            return
        except TimeoutError as error:
            raise Broken(f"not closed within {_ANSWER_S:.0f} s") from error

    def reset(self) -> None:
        """Break off with a TCP reset: whatever is on its way is lost."""
        own = self._websocket.transport.get_extra_info("socket")
        # On, and no time to linger: closing sends RST (socket(7), SO_LINGER).
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def stop_reading(self) -> None:
        """Take nothing from the kernel, and let it hold little."""
        own = self._websocket.transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_READER_BYTES)
        self._websocket.transport.pause_reading()

    def read_again(self) -> None:
        """Undo `stop_reading`."""
        if not self._websocket.transport.is_closing():
            self._websocket.transport.resume_reading()

    async def close(self) -> None:
        """Close with a handshake; without one if the server takes no part in it."""
        await self._websocket.close()

    def abort(self) -> None:
        """Let go of the socket at once."""
        self._websocket.transport.abort()


@dataclass(slots=True)
class Record:
    """What came of all visits so far."""

    visits: Counter[str] = field(default_factory=Counter)
    finals: list[tuple[float, float]] = field(default_factory=list)
    """When END was answered, on the clock of `time.monotonic`, and how long that took, s."""
    refused: int = 0
    """Recognitions that the server had no room for."""
    faults: Counter[str] = field(default_factory=Counter)
    late_s: float = 0.0
    """The most by which a chunk left later than it should have. With seconds of it the clients, or
    the machine, stood still, and what the server did about it says nothing."""


@dataclass(frozen=True, slots=True)
class VisitContext:
    """What all visits of a soak share."""

    url: str
    corpus: ContinuousCorpus
    property: str
    record: Record
    brevity: float = 1.0
    """Times of speaking and waiting are multiplied by it."""

    def speech(self, choice: random.Random, seconds: tuple[float, float]) -> list[bytes]:
        """Return chunks of so much conversation, as int16."""
        count = max(1, round(choice.uniform(*seconds) * self.brevity / CHUNK_S))
        said = self.corpus.talk(Talk.CONVERSATION, choice.randrange(1 << 30), count)
        return [self.corpus.chunks[one].astype("<i2").tobytes() for one in said]

    async def wait(self, choice: random.Random, seconds: tuple[float, float]) -> None:
        """Wait for so long."""
        await asyncio.sleep(choice.uniform(*seconds) * self.brevity)


async def _begin(context: VisitContext, visitor: Visitor, *, partials: bool = True) -> None:
    await visitor.start(context.property, partials=partials)
    answer = await visitor.expect("START", "ERROR", "FATAL_ERROR")
    if answer["resp_type"] != "START":
        if answer["error_code"] == _FULL:
            raise _NoRoom
        raise Broken(f"START was refused: {answer['error_code']}")


async def _speak(
    context: VisitContext, visitor: Visitor, chunks: Sequence[bytes], speed: float = 1.0
) -> None:
    """Send by the clock of the audio, whatever comes back."""
    began = time.monotonic()
    for number, chunk in enumerate(chunks, 1):
        due = began + number * CHUNK_S / speed
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if speed < _FLOOD_SPEED:
            context.record.late_s = max(context.record.late_s, time.monotonic() - due)
        await visitor.send(chunk)


async def _end(context: VisitContext, visitor: Visitor, *, counts: bool = True) -> None:
    sent = time.monotonic()
    await visitor.end()
    await visitor.expect("END")
    if counts:
        now = time.monotonic()
        context.record.finals.append((now, now - sent))


async def _ends_well(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    await _begin(context, visitor)
    await _speak(context, visitor, context.speech(choice, (4, 15)))
    await _end(context, visitor)


async def _recognitions(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    """Several on one connection, one of them cancelled."""
    for _ in range(3):
        await _begin(context, visitor, partials=choice.random() < 0.5)
        await _speak(context, visitor, context.speech(choice, (1, 5)))
        if choice.random() < 0.3:
            await visitor.end(cancel=True)
            await visitor.expect("END")
        else:
            await _end(context, visitor)


async def _breaks_off(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    await _begin(context, visitor)
    await _speak(context, visitor, context.speech(choice, (1, 6)))
    visitor.reset()


async def _leaves(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    """With a closing handshake, in the middle of a sentence."""
    await _begin(context, visitor)
    await _speak(context, visitor, context.speech(choice, (1, 6)))


async def _leaves_at_end(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    """END, and gone before the answer."""
    await _begin(context, visitor)
    await _speak(context, visitor, context.speech(choice, (1, 6)))
    await visitor.end()
    visitor.reset()


async def _pauses(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    """Sends nothing at all for a while, as a suspended app."""
    await _begin(context, visitor)
    for _ in range(2):
        await _speak(context, visitor, context.speech(choice, (1, 4)))
        await context.wait(choice, (2, 8))
    await _end(context, visitor)


async def _falls_silent(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    """Never comes back: the server has to close."""
    await _begin(context, visitor)
    await _speak(context, visitor, context.speech(choice, (1, 3)))
    await visitor.gone()


async def _reads_slowly(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    await _begin(context, visitor)
    visitor.stop_reading()
    await _speak(context, visitor, context.speech(choice, (5, 12)))
    visitor.read_again()
    await _end(context, visitor, counts=False)


async def _never_reads(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    """Asks and asks and takes no answer: the server has to drop it."""
    visitor.stop_reading()
    try:
        async with asyncio.timeout(_ANSWER_S):
            while True:
                await visitor.send(_NONSENSE)
                # What does not wait does not let others run.
                await asyncio.sleep(0)
    except ConnectionClosed:
        return
    except TimeoutError as error:
        raise Broken(f"not dropped within {_ANSWER_S:.0f} s") from error


async def _fast(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    """Its clock is 5 % off."""
    await _begin(context, visitor)
    await _speak(context, visitor, context.speech(choice, (8, 20)), _FAST_SPEED)
    await _end(context, visitor, counts=False)


async def _floods(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    await _begin(context, visitor)
    await _speak(context, visitor, context.speech(choice, (20, 40)), _FLOOD_SPEED)
    await _end(context, visitor, counts=False)


async def _says_nothing(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    await context.wait(choice, (0, 3))


async def _talks_nonsense(context: VisitContext, visitor: Visitor, choice: random.Random) -> None:
    await visitor.send('{"command":"START","config":{"property":"klingon"}}')
    await visitor.expect("ERROR", "FATAL_ERROR")
    await visitor.send(_NONSENSE)
    await visitor.expect("ERROR", "FATAL_ERROR")
    await _begin(context, visitor)
    await visitor.start(context.property, partials=True)
    await visitor.expect("END")


Visit = Callable[[VisitContext, Visitor, random.Random], Awaitable[None]]

VISITS: dict[str, tuple[Visit, int]] = {
    "ends well": (_ends_well, 6),
    "several recognitions": (_recognitions, 3),
    "breaks off": (_breaks_off, 4),
    "leaves": (_leaves, 2),
    "leaves at END": (_leaves_at_end, 2),
    "pauses": (_pauses, 2),
    "falls silent": (_falls_silent, 1),
    "reads slowly": (_reads_slowly, 2),
    "5 % fast": (_fast, 2),
    "says nothing": (_says_nothing, 1),
    "talks nonsense": (_talks_nonsense, 1),
    "floods": (_floods, 6),
    "never reads": (_never_reads, 2),
}
"""Name → what it does, and how often against the others."""
HEAVY = ("floods", "never reads")
"""Visits that one client alone makes: a server full of them is another measurement."""
POLITE = tuple(name for name in VISITS if name not in HEAVY)


async def visit(context: VisitContext, name: str, choice: random.Random) -> None:
    """Make one visit, from coming to going. What went wrong is in the record."""
    does, _ = VISITS[name]
    visitor: Visitor | None = None
    try:
        visitor = await Visitor.open(context.url)
        await does(context, visitor, choice)
        await visitor.close()
    except _NoRoom:
        context.record.refused += 1
        if visitor is not None:
            await visitor.close()
        # As the sentence of the refusal says; at once it would be another load.
        await context.wait(choice, (2, 6))
    except (Broken, ConnectionClosed, InvalidHandshake, OSError, TimeoutError) as error:
        context.record.faults[f"{name}: {str(error) or type(error).__name__}"] += 1
    finally:
        if visitor is not None:
            visitor.abort()
        context.record.visits[name] += 1


async def come_and_go(context: VisitContext, seed: int, until: float, names: Sequence[str]) -> None:
    """Make one visit after the other, until `until` of `time.monotonic`; the last one is ended.

    Args:
        context: what all visits share.
        seed: who does what, and says what.
        until: no visit begins after it.
        names: of the visits that may be made.
    """
    choice = random.Random(f"churn {seed}")
    weights = [VISITS[name][1] for name in names]
    while time.monotonic() < until:
        (name,) = choice.choices(names, weights)
        await visit(context, name, choice)
        await context.wait(choice, (0, 1))
