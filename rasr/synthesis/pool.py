"""The event loop's side of speaking: worker processes of its own, and who may use them.

Pieces of all texts wait together, and who is due first goes first: a text that nobody has heard
anything of yet, then the one whose listener is nearest to the end of what was made. One piece of a
text is made ahead of what is listened to, and no more: who reads slowly slows the engine and
not the memory. A text that nobody wants any more costs the piece that is in hand.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from rasr.scheduling.child_process import ChildProcess, WorkerDied
from rasr.synthesis.errors import EngineFailed, SynthesisError, TooManySpeak, VoiceUnavailable
from rasr.synthesis.host import Fault, Measure, Question, Read, Say, Warm, host_in_process
from rasr.synthesis.reading.reader import Request
from rasr.synthesis.speech import Piece, Sound
from rasr.synthesis.turns import Turns
from rasr.synthesis.voice import Voice
from rasr.tasks import awaited

_log = structlog.get_logger("rasr.synthesis")

LIVE_COST = 0.5
"""Processor time of a second of sound past which a voice may not speak to somebody who listens
meanwhile: a busy machine would make gaps."""
_MOST_LOAD = 0.8
"""Of the workers' time that live speech may be promised."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How much is spoken at a time."""

    workers: int = 0
    """Processes; 0 is one for two cores."""
    most_texts: int = 64
    """Texts in hand; one more is refused."""
    timeout_s: float = 60.0
    """A worker that takes longer for a piece is replaced."""

    @property
    def processes(self) -> int:
        """The workers, on this machine."""
        return self.workers or max((os.cpu_count() or 1) // 2, 1)


class SpeechPool:
    """Workers that speak. `start` comes first and `stop` last."""

    def __init__(self, voices: Sequence[Voice], limits: PoolLimits | None = None) -> None:
        """
        Args:
            voices: all that may be asked for.
        """
        self._voices = tuple(voices)
        self.limits = limits or PoolLimits()
        self._workers: list[ChildProcess] = []
        self._turns: Turns[ChildProcess] = Turns()
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

    async def start(self) -> None:
        """Start the workers.

        Raises:
            EngineFailed: they do not start.
        """
        workers = [ChildProcess("speaker") for _ in range(self.limits.processes)]
        self._workers = workers
        await asyncio.gather(*(self._started(worker) for worker in workers))
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
        """Why a voice may not speak to somebody who listens meanwhile; None where it may."""
        cost = self._costs.get(voice.name)
        if cost is not None and cost > LIVE_COST:
            return (
                f"the voice {voice.name} takes {cost:.1f} s of processor time for a second of "
                f"sound on this machine, and {LIVE_COST} is the most for real-time synthesis; take "
                "another voice, or have the text as a whole"
            )
        return None

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
        if self._texts >= self.limits.most_texts:
            raise TooManySpeak(f"{self._texts} texts are being spoken, and more are not taken")
        cost = self._costs.get(request.voice.name, 0.0) if live else 0.0
        if live and self._promised + cost > _MOST_LOAD * self.limits.processes:
            raise TooManySpeak("the workers that speak are promised to others")
        self._texts += 1
        self._promised += cost
        ahead: asyncio.Future[Sound] | None = None
        try:
            begun = asyncio.get_running_loop().time()
            pieces: tuple[Piece, ...] = await self._asked(Read(request), begun)
            if live:
                self._refuse_slow(pieces)
            ahead = self._made(pieces[0], begun)
            seconds = 0.0
            for following in pieces[1:]:
                sound = await ahead
                seconds += sound.seconds
                ahead = self._made(following, begun + seconds)
                yield sound
            yield await ahead
        finally:
            self._texts -= 1
            self._promised -= cost
            if ahead is not None and not ahead.cancel() and not ahead.cancelled():
                # An error that nobody asks for would be reported as one that was forgotten.
                ahead.exception()

    def _refuse_slow(self, pieces: Sequence[Piece]) -> None:
        """
        Raises:
            VoiceUnavailable: one that the text itself names is too slow to be live.
        """
        for voice in {piece.voice for piece in pieces}:
            if fault := self.live_fault(voice):
                raise VoiceUnavailable(fault)

    def _made(self, piece: Piece, due: float) -> asyncio.Future[Sound]:
        return awaited(self._asked(Say(piece), due), name="speak")

    async def _asked(self, question: Question, due: float) -> Any:
        """The answer of the next worker that is free for who is due then.

        Raises:
            SynthesisError: the worker says so, or it failed.
        """
        worker = await self._turns.take(due)
        answer: asyncio.Future[Any] | None = None
        try:
            for _ in range(2):
                self.asked += 1
                answer = worker.ask(question)
                try:
                    async with asyncio.timeout(self.limits.timeout_s):
                        found = await asyncio.shield(answer)
                    break
                except WorkerDied:
                    _log.warning("speaker_died")
                    await self._started(worker)
                except TimeoutError as error:
                    _log.warning("speaker_hangs", seconds=self.limits.timeout_s)
                    await self._started(worker)
                    raise EngineFailed("the engine took too long for this text") from error
            else:
                raise EngineFailed("the engine died on this text, twice")
        finally:
            # A worker whose answer nobody waits for is busy until it comes.
            if answer is None or answer.done():
                self._turns.give(worker)
            else:
                answer.add_done_callback(lambda done: self._freed(worker, done))
        if isinstance(found, SynthesisError):
            raise found
        if isinstance(found, Fault):
            _log.error("speaker_failed", fault=found.where)
            raise EngineFailed("the engine failed on this text")
        return found

    def _freed(self, worker: ChildProcess, answer: asyncio.Future[Any]) -> None:
        # An error that nobody asks for would be reported as one that was forgotten.
        if not answer.cancelled():
            answer.exception()
        self._turns.give(worker)

    async def _started(self, worker: ChildProcess) -> None:
        try:
            await worker.start(host_in_process, self._voices, died=_nothing)
        except WorkerDied as error:
            raise EngineFailed("a process that speaks does not start") from error


def _nothing() -> None:
    """A worker that died is started again when it is asked next."""
