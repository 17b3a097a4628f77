"""Clients that come and go: each does one thing that clients do, well or badly, and leaves.

`visits` is the table of them; the load of `soak` draws from it by weight, with a seed. What a
visitor says is speech at the speed of speech unless the visit is about something else. Latency is
taken where it means the same each time: from END's being sent to its answer, of visits that sent
their sound in time.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bench.sound import CHUNK_SAMPLES, Pool, Talk
from rasr.audio import FORMATS, SAMPLE_RATE
from rasr.client import (
    Ended,
    Error,
    Link,
    Mode,
    ServerMessage,
    StartConfig,
    Started,
    address_of,
    end_frame,
    sound_frame,
    start_frame,
)
from rasr.client.link import text_frame
from rasr.wire.sis.codec import decode_server
from rasr.wire.sis.properties import Property

CHUNK_S = CHUNK_SAMPLES / SAMPLE_RATE
_OPEN_S = 10.0
_ANSWER_S = 60.0
"""An answer that takes longer is one that does not come."""
_SLOW_READER_BYTES = 4096
_FLOOD_SPEED = 20.0
_FAST_SPEED = 1.05
_NONSENSE = text_frame("{not json")


class Broken(Exception):
    """The server did what it should not; the text says what."""


class Visitor(Link):
    """A connection that can also be impolite."""

    async def expect(self, *kinds: type[ServerMessage]) -> ServerMessage:
        """The next message of one of these kinds; others are read and forgotten.

        Raises:
            Broken: none came.
        """
        try:
            async with asyncio.timeout(_ANSWER_S):
                while True:
                    _, text = await self.receive()
                    message = decode_server(text.decode())
                    if isinstance(message, kinds):
                        return message
        except TimeoutError as error:
            raise Broken(f"no answer within {_ANSWER_S:.0f} s") from error
        except ConnectionClosed as error:
            raise Broken(f"closed by the server: {error}") from error

    async def gone(self) -> None:
        """Read until the server closes.

        Raises:
            Broken: it does not.
        """
        try:
            async with asyncio.timeout(_ANSWER_S):
                while True:
                    await self.receive()
        except ConnectionClosed:
            return
        except TimeoutError as error:
            raise Broken(f"not closed within {_ANSWER_S:.0f} s") from error

    def reset(self) -> None:
        """Break off with a TCP reset: whatever is on its way is lost."""
        assert self._transport is not None
        own = self._transport.get_extra_info("socket")
        # On, and no time to linger: closing sends RST (socket(7), SO_LINGER).
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def stop_reading(self) -> None:
        """Take nothing from the kernel, and let it hold little."""
        assert self._transport is not None
        own = self._transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_READER_BYTES)
        self._transport.pause_reading()

    def read_again(self) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.resume_reading()


@dataclass(slots=True)
class Record:
    """What came of all visits so far."""

    visits: Counter[str] = field(default_factory=Counter)
    finals: list[tuple[float, float]] = field(default_factory=list)
    """When END was answered, on the clock of `time.monotonic`, and how long that took, s."""
    refused: int = 0
    """Rounds that the server had no room for."""
    faults: Counter[str] = field(default_factory=Counter)
    late_s: float = 0.0
    """The most by which a chunk left later than it should have. With seconds of it the clients, or
    the machine, stood still, and what the server did about it says nothing."""


@dataclass(frozen=True, slots=True)
class Party:
    """What visitors share."""

    url: str
    sound: Pool
    property: str
    record: Record
    brevity: float = 1.0
    """Times of speaking and waiting are multiplied by it."""

    def start(self, *, partials: bool = True) -> bytes:
        wanted = Property.parse(self.property)
        if wanted is None:
            raise ValueError(f"{self.property!r} is no property, such as english_16k_common")
        config = StartConfig(
            FORMATS["pcm16k16bit"], wanted, interim_results=partials, need_word_info=True
        )
        return start_frame(config)

    def speech(self, choice: random.Random, seconds: tuple[float, float]) -> list[bytes]:
        """Frames of so much talk."""
        count = max(1, round(choice.uniform(*seconds) * self.brevity / CHUNK_S))
        said = self.sound.talk(Talk.CONVERSATION, choice.randrange(1 << 30), count)
        return [sound_frame(self.sound.chunks[one].astype("<i2").tobytes()) for one in said]

    async def wait(self, choice: random.Random, seconds: tuple[float, float]) -> None:
        await asyncio.sleep(choice.uniform(*seconds) * self.brevity)


class _NoRoom(Exception):
    """The server refused the round, as it may."""


async def _begin(party: Party, visitor: Visitor, *, partials: bool = True) -> None:
    await visitor.send(party.start(partials=partials))
    answer = await visitor.expect(Started, Error)
    if isinstance(answer, Error):
        if answer.error_code == "SIS.0312":
            raise _NoRoom
        raise Broken(f"START was refused: {answer.error_code}")


async def _speak(
    party: Party, visitor: Visitor, frames: Sequence[bytes], speed: float = 1.0
) -> None:
    """Send by the clock of the sound, whatever comes back."""
    began = time.monotonic()
    for number, frame in enumerate(frames, 1):
        due = began + number * CHUNK_S / speed
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if speed < _FLOOD_SPEED:
            party.record.late_s = max(party.record.late_s, time.monotonic() - due)
        await visitor.send(frame)


async def _end(party: Party, visitor: Visitor, *, counts: bool = True) -> None:
    sent = time.monotonic()
    await visitor.send(end_frame())
    await visitor.expect(Ended)
    if counts:
        now = time.monotonic()
        party.record.finals.append((now, now - sent))


async def _ends_well(party: Party, visitor: Visitor, choice: random.Random) -> None:
    await _begin(party, visitor)
    await _speak(party, visitor, party.speech(choice, (4, 15)))
    await _end(party, visitor)


async def _rounds(party: Party, visitor: Visitor, choice: random.Random) -> None:
    """Several on one connection, one of them cancelled."""
    for _ in range(3):
        await _begin(party, visitor, partials=choice.random() < 0.5)
        await _speak(party, visitor, party.speech(choice, (1, 5)))
        if choice.random() < 0.3:
            await visitor.send(end_frame(cancel=True))
            await visitor.expect(Ended)
        else:
            await _end(party, visitor)


async def _breaks_off(party: Party, visitor: Visitor, choice: random.Random) -> None:
    await _begin(party, visitor)
    await _speak(party, visitor, party.speech(choice, (1, 6)))
    visitor.reset()


async def _leaves(party: Party, visitor: Visitor, choice: random.Random) -> None:
    """With a closing handshake, in the middle of a sentence."""
    await _begin(party, visitor)
    await _speak(party, visitor, party.speech(choice, (1, 6)))


async def _leaves_at_end(party: Party, visitor: Visitor, choice: random.Random) -> None:
    """END, and gone before the answer."""
    await _begin(party, visitor)
    await _speak(party, visitor, party.speech(choice, (1, 6)))
    await visitor.send(end_frame())
    visitor.reset()


async def _pauses(party: Party, visitor: Visitor, choice: random.Random) -> None:
    """Sends nothing at all for a while, as a suspended app."""
    await _begin(party, visitor)
    for _ in range(2):
        await _speak(party, visitor, party.speech(choice, (1, 4)))
        await party.wait(choice, (2, 8))
    await _end(party, visitor)


async def _falls_silent(party: Party, visitor: Visitor, choice: random.Random) -> None:
    """Never comes back: the server has to close."""
    await _begin(party, visitor)
    await _speak(party, visitor, party.speech(choice, (1, 3)))
    await visitor.gone()


async def _reads_slowly(party: Party, visitor: Visitor, choice: random.Random) -> None:
    await _begin(party, visitor)
    visitor.stop_reading()
    await _speak(party, visitor, party.speech(choice, (5, 12)))
    visitor.read_again()
    await _end(party, visitor, counts=False)


async def _never_reads(party: Party, visitor: Visitor, choice: random.Random) -> None:
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


async def _fast(party: Party, visitor: Visitor, choice: random.Random) -> None:
    """Its clock is 5 % off."""
    await _begin(party, visitor)
    await _speak(party, visitor, party.speech(choice, (8, 20)), _FAST_SPEED)
    await _end(party, visitor, counts=False)


async def _floods(party: Party, visitor: Visitor, choice: random.Random) -> None:
    await _begin(party, visitor)
    await _speak(party, visitor, party.speech(choice, (20, 40)), _FLOOD_SPEED)
    await _end(party, visitor, counts=False)


async def _says_nothing(party: Party, visitor: Visitor, choice: random.Random) -> None:
    await party.wait(choice, (0, 3))


async def _talks_nonsense(party: Party, visitor: Visitor, choice: random.Random) -> None:
    await visitor.send(text_frame('{"command":"START","config":{"property":"klingon"}}'))
    await visitor.expect(Error)
    await visitor.send(_NONSENSE)
    await visitor.expect(Error)
    await _begin(party, visitor)
    await visitor.send(party.start())
    await visitor.expect(Ended)


Visit = Callable[[Party, Visitor, random.Random], Awaitable[None]]

VISITS: dict[str, tuple[Visit, int]] = {
    "ends well": (_ends_well, 6),
    "several rounds": (_rounds, 3),
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


async def visit(party: Party, name: str, choice: random.Random) -> None:
    """One connection, from coming to going. What went wrong is in the record."""
    does, _ = VISITS[name]
    visitor = Visitor(address_of(party.url, Mode.CONTINUE, "soak"))
    try:
        await visitor.open(timeout_s=_OPEN_S)
        await does(party, visitor, choice)
        await visitor.close()
    except _NoRoom:
        party.record.refused += 1
        await visitor.close()
        # As the sentence of the refusal says; at once it would be another load.
        await party.wait(choice, (2, 6))
    except (Broken, ConnectionClosed, InvalidHandshake, OSError, TimeoutError) as error:
        party.record.faults[f"{name}: {str(error) or type(error).__name__}"] += 1
    finally:
        visitor.abort()
        party.record.visits[name] += 1


async def come_and_go(party: Party, seed: int, until: float, names: Sequence[str]) -> None:
    """One client after the other, until `until` of `time.monotonic`; the last one ends its visit.

    Args:
        names: of the visits that may be made.
    """
    choice = random.Random(f"churn {seed}")
    weights = [VISITS[name][1] for name in names]
    while time.monotonic() < until:
        (name,) = choice.choices(names, weights)
        await visit(party, name, choice)
        await party.wait(choice, (0, 1))
