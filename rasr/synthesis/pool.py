"""The event loop's side of speaking: worker processes of its own, and who may use them.

Pieces of all texts wait together, and who is due first goes first: a text that nobody has heard
anything of yet, then the one whose listener is nearest to the end of what was made. One piece of a
text is made ahead of what is listened to, and no more: who reads slowly slows the engine and
not the memory. A long text is read in portions, each when the pieces of the one before it are said:
others have their turn between. A text that nobody wants any more costs what is in hand.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from rasr.scheduling.child_process import ChildProcess, WorkerDied
from rasr.settings.synthesis import SynthesisSettings
from rasr.synthesis.errors import EngineFailed, SynthesisError, TooManySpeak, VoiceUnavailable
from rasr.synthesis.host import (
    Begun,
    Fault,
    Measure,
    Question,
    Read,
    ReadOn,
    Say,
    Warm,
    host_in_process,
)
from rasr.synthesis.reading.portions import refuse_silence
from rasr.synthesis.reading.reader import Held
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Piece, Sound
from rasr.synthesis.trials import Trials
from rasr.synthesis.turns import Turns
from rasr.synthesis.voice import Voice, live_fault
from rasr.tasks import awaited

_log = structlog.get_logger("rasr.synthesis")

_START_S = 60.0
"""A worker that takes longer to start does not start."""
_MOST_LOAD = 0.8
"""Of the workers' time that live speech may be promised."""


@dataclass(slots=True)
class _Reading:
    """How far a text is read."""

    pieces: deque[Piece]
    """Those that are not said yet."""
    held: Held
    portions: deque[bytes]
    """Those that are not read yet."""


class SpeechPool:
    """Workers that speak. `start` comes first and `stop` last."""

    def __init__(self, voices: Sequence[Voice], settings: SynthesisSettings) -> None:
        """
        Args:
            voices: all that may be asked for.
        """
        self._voices = tuple(voices)
        self.settings = settings
        self._workers: list[ChildProcess] = []
        self._turns: Turns[ChildProcess] = Turns()
        self._trials = Trials()
        self._costs: dict[str, float] = {}
        self._texts = 0
        self._promised = 0.0
        self.asked = 0
        """Questions that workers were asked since the start, of all kinds."""

    @property
    def voices(self) -> tuple[Voice, ...]:
        """All that may be asked for, the preferred ones first."""
        return self._voices

    @property
    def texts(self) -> int:
        """Texts in hand."""
        return self._texts

    @property
    def pids(self) -> tuple[int, ...]:
        """The ids of the processes that speak."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    @property
    def costs(self) -> Mapping[str, float]:
        """Processor time of a second of sound, by the names of the voices that were measured."""
        return self._costs

    @property
    def _processes(self) -> int:
        """The workers, on this machine."""
        return self.settings.workers or max((os.cpu_count() or 1) // 2, 1)

    async def start(self) -> None:
        """Start the workers. Where they do not start, none is left.

        Raises:
            EngineFailed: they do not start.
        """
        workers = [ChildProcess("speaker") for _ in range(self._processes)]
        self._workers = workers
        try:
            await asyncio.gather(*(self._started(worker) for worker in workers))
        except BaseException:
            self.stop()
            raise
        for worker in workers:
            self._turns.give(worker)

    def stop(self) -> None:
        """End the workers, whatever they do. Does not wait."""
        for worker in self._workers:
            worker.stop()
        self._workers = []

    async def calibrate(self, voices: Sequence[Voice] | None = None) -> None:
        """Measure what a second of sound costs with each voice; those of one model cost alike.

        Raises:
            SynthesisError: a voice cannot be loaded.
        """
        by_model: dict[tuple[str, str], float] = {}
        for voice in self._voices if voices is None else voices:
            key = (voice.engine, voice.folder)
            if key not in by_model:
                by_model[key] = await self._asked(Measure(voice), 0.0)
            self.note_cost(voice, by_model[key])

    async def warm(self, voice: Voice) -> None:
        """Let the workers load what texts of a voice take: each of those that are idle now.

        Raises:
            SynthesisError: it cannot be loaded.
        """
        await asyncio.gather(*(self._asked(Warm(voice), 0.0) for _ in self._workers))

    def note_cost(self, voice: Voice, seconds: float) -> None:
        """What a second of sound of a voice costs, as it was measured here or earlier."""
        self._costs[voice.name] = seconds

    def live_fault(self, voice: Voice) -> str | None:
        """As `rasr.synthesis.voice.live_fault`; None for a voice that was not measured."""
        return live_fault(voice, self._costs.get(voice.name, 0.0))

    async def speak(self, request: Request, *, live: bool = False) -> AsyncGenerator[Sound, None]:
        """The sounds of a text, piece by piece.

        Args:
            live: somebody listens meanwhile: a voice that is too slow for that is refused.

        Raises:
            TooManySpeak: there is no room for one more.
            VoiceUnavailable: the voice is too slow to be live, or does not speak the language.
            TextRefused: the text cannot be spoken.
            EngineFailed: the engine has failed.
        """
        if live and (fault := self.live_fault(request.voice)):
            raise VoiceUnavailable(fault)
        if self._texts >= self.settings.max_texts:
            raise TooManySpeak(f"{self._texts} texts are being spoken, and more are not taken")
        cost = self._costs.get(request.voice.name, 0.0) if live else 0.0
        if live and self._promised + cost > _MOST_LOAD * self._processes:
            raise TooManySpeak("the workers that speak are promised to others")
        self._texts += 1
        self._promised += cost
        ahead: asyncio.Future[Sound | None] | None = None
        try:
            begun = asyncio.get_running_loop().time()
            reading = await self._begun(request, begun, live=live)
            ahead = self._made(reading, begun)
            seconds = 0.0
            while (sound := await ahead) is not None:
                seconds += sound.seconds
                ahead = self._made(reading, begun + seconds)
                yield sound
        finally:
            self._texts -= 1
            self._promised -= cost
            if ahead is not None and not ahead.cancel() and not ahead.cancelled():
                # An error that nobody asks for would be reported as one that was forgotten.
                ahead.exception()

    async def _begun(self, request: Request, due: float, *, live: bool) -> _Reading:
        """A text that is read so far that something can be said.

        Raises:
            SynthesisError: nothing can, or a voice that the text itself names is too slow.
        """
        begun: Begun = await self._asked(Read(request), due)
        if live:
            for voice in begun.voices:
                if fault := self.live_fault(voice):
                    raise VoiceUnavailable(fault)
        reading = _Reading(deque(begun.pieces), begun.held, deque(begun.rest))
        # A pause in front of everything is silence, and so may be all that follows.
        while not any(piece.words for piece in reading.pieces) and reading.portions:
            await self._read_on(reading, due)
        refuse_silence(sum(len(piece.words) for piece in reading.pieces))
        return reading

    async def _read_on(self, reading: _Reading, due: float) -> None:
        question = ReadOn(reading.portions.popleft(), reading.held)
        pieces, reading.held = await self._asked(question, due)
        reading.pieces += pieces

    def _made(self, reading: _Reading, due: float) -> asyncio.Future[Sound | None]:
        return awaited(self._next(reading, due), name="speak")

    async def _next(self, reading: _Reading, due: float) -> Sound | None:
        """The sound of the next piece; None where there is none any more."""
        while not reading.pieces and reading.portions:
            await self._read_on(reading, due)
        if not reading.pieces:
            return None
        sound: Sound = await self._asked(Say(reading.pieces.popleft()), due)
        return sound

    async def _asked(self, question: Question, due: float) -> Any:
        """The answer of the next worker that is free for who is due then.

        Raises:
            SynthesisError: the worker says so, or it failed.
        """
        worker = await self._turns.take(due)
        # Also where nobody waits for the answer any more: a worker that hangs is replaced.
        answer = awaited(self._answered(worker, question), name="speaker")
        answer.add_done_callback(partial(self._freed, worker))
        found = await asyncio.shield(answer)
        if isinstance(found, SynthesisError):
            raise found
        if isinstance(found, Fault):
            _log.error("speaker_failed", fault=found.where)
            raise EngineFailed("the engine failed on this text")
        self._trials.note(question, fine=True)
        return found

    async def _answered(self, worker: ChildProcess, question: Question) -> Any:
        """
        Raises:
            EngineFailed: it takes too long, or dies of the question, or all are ended.
        """
        for _ in range(2):
            self.asked += 1
            try:
                async with asyncio.timeout(self.settings.step_timeout_s):
                    return await worker.ask(self._trials.asked(question))
            except WorkerDied as error:
                if worker not in self._workers:
                    raise EngineFailed("the processes that speak are ended") from error
                _log.warning("speaker_died")
                self._trials.note(question, fine=False)
                await self._started(worker)
            except TimeoutError as error:
                _log.warning("speaker_hangs", seconds=self.settings.step_timeout_s)
                await self._started(worker)
                raise EngineFailed("the engine took too long for this text") from error
        raise EngineFailed("the engine died on this text, twice")

    def _freed(self, worker: ChildProcess, answer: asyncio.Future[Any]) -> None:
        # An error that nobody asks for would be reported as one that was forgotten.
        if not answer.cancelled():
            answer.exception()
        self._turns.give(worker)

    async def _started(self, worker: ChildProcess) -> None:
        try:
            async with asyncio.timeout(_START_S):
                await worker.start(
                    host_in_process, self._voices, self.settings.niceness, died=_nothing
                )
        except (WorkerDied, TimeoutError) as error:
            raise EngineFailed("a process that speaks does not start") from error


def _nothing() -> None:
    """A worker that died is started again when it is asked next."""
