"""People who speak to servers that come and go, and what they were told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from itertools import pairwise

from bench.texts import Mistakes, mistakes
from bench.wire_clients import VAD_TAIL_MS
from rasr.client import (
    ClientError,
    Error,
    LineState,
    Options,
    Pace,
    Result,
    Segment,
    ServerMessage,
    Session,
    connect,
    stream_recording,
)

BYTES_PER_S = 32_000
_CHUNK = 3200
_PAUSE_MS = VAD_TAIL_MS + 250
"""Where sentences end depends on what a server has heard of the noise before: a pause between two
may be within one at another server."""
_BOUND_S = 40.0
"""Longer than the grace of a round: so long after its last sound everybody has an answer."""


def _options(*, resume: bool) -> Options:
    return Options.of(
        "english_16k_common",
        interim_results=True,
        vad_tail=VAD_TAIL_MS,
        digit_norm=False,
        resume=resume,
    )


_OPTIONS, _PLAIN = _options(resume=True), _options(resume=False)


@dataclass
class Speaker:
    """Somebody who speaks at the speed of speech, in one round that survives its connection."""

    sound: bytes
    finals: list[Segment] = field(default_factory=list)
    results: list[tuple[float, float]] = field(default_factory=list)
    """When each came, and how late that was after the sound that it tells, s."""
    states: list[tuple[float, LineState]] = field(default_factory=list)
    """What became of the connection, and when."""
    failure: str | None = None
    """Why the round has no end."""

    async def speak(self, url: str) -> None:
        """Say it all. What goes wrong is kept in `failure`."""
        self.failure = await _round(url, self.sound, _OPTIONS, self._hear, self._note)

    def _hear(self, session: Session, message: ServerMessage) -> None:
        if not isinstance(message, Result):
            return
        is_final = message.segments[-1].is_final
        if is_final:
            self.finals += message.segments
        sent_s = session.sent_s(message.segments[-1].end_time)
        late_s = 0.0 if sent_s is None else session.arrived_s - sent_s
        self.results.append((session.arrived_s, late_s - is_final * VAD_TAIL_MS / 1000))

    def _note(self, state: LineState) -> None:
        self.states.append((time.monotonic(), state))

    @property
    def moves(self) -> int:
        """So often it went on at another server."""
        return sum(state is LineState.BEGUN_ANEW for _, state in self.states)

    @property
    def gaps_ms(self) -> list[float]:
        """Between any two results."""
        return [(two - one) * 1000 for (one, _), (two, _) in pairwise(self.results)]

    @property
    def break_gaps_ms(self) -> list[float]:
        """Between the two results around each moment at which the connection was lost."""
        lost_s = [at_s for at_s, state in self.states if state is LineState.LOST]
        return [
            (two - one) * 1000
            for (one, _), (two, _) in pairwise(self.results)
            if any(one <= at_s < two for at_s in lost_s)
        ]

    def lost_ms(self, whole: Speaker) -> int:
        """Speech that is in a sentence of the other, and in none here; pauses do not count."""
        missing, at = 0, 0
        for begin, end in sorted((one.start_time, one.end_time) for one in self.finals):
            missing += _speech_between(at, begin, whole)
            at = max(at, end)
        return missing + _speech_between(at, 1 << 40, whole)

    @property
    def doubled_ms(self) -> int:
        """Speech that is in two sentences."""
        places = sorted((one.start_time, one.end_time) for one in self.finals)
        return sum(max(0, one[1] - two[0]) for one, two in pairwise(places))

    @property
    def text(self) -> str:
        """All finals."""
        return " ".join(one.text for one in self.finals)

    def against(self, whole: Speaker) -> Mistakes:
        """The words that are others than what the other was told of the same sound."""
        return mistakes(whole.text, self.text)


def _speech_between(begin: int, end: int, whole: Speaker) -> int:
    parts = (min(end, one.end_time) - max(begin, one.start_time) for one in whole.finals)
    return sum(part for part in parts if part > _PAUSE_MS)


@dataclass
class PlainSpeaker:
    """Somebody whose client knows of nothing: one round after the other, each on a connection of
    its own, for as long as he speaks."""

    sound: bytes
    round_s: float
    rounds: int = 0
    failures: list[str] = field(default_factory=list)

    async def speak(self, url: str) -> None:
        """Say it all."""
        size = round(self.round_s * BYTES_PER_S)
        for at in range(0, len(self.sound), size):
            self.rounds += 1
            failure = await _round(url, self.sound[at : at + size], _PLAIN)
            if failure is not None:
                self.failures.append(failure)


async def _round(
    url: str,
    sound: bytes,
    options: Options,
    hear: Callable[[Session, ServerMessage], None] = lambda *_: None,
    on_line: Callable[[LineState], None] = lambda _: None,
) -> str | None:
    """Speak in one round. Why it has no proper end; None: it has."""
    said: list[str] = []

    async def chunks() -> AsyncGenerator[bytes, None]:
        for at in range(0, len(sound), _CHUNK):
            yield sound[at : at + _CHUNK]

    def take(message: ServerMessage) -> None:
        if isinstance(message, Error):
            said.append(f"{message.error_code}: {message.error_msg}")
        hear(session, message)

    try:
        async with (
            asyncio.timeout(len(sound) / BYTES_PER_S + _BOUND_S),
            connect(url, options, on_line=on_line) as session,
        ):
            await stream_recording(session, chunks(), take, pace=Pace.REAL)
    except ClientError as error:
        said.append(f"{type(error).__name__}: {error}")
    except TimeoutError:
        said.append(f"no end within {_BOUND_S:.0f} s of the last sound")
    return "; ".join(said) or None
