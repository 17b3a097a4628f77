"""When words were said, found where engines only guess it: off the event loop, in bounded time.

PocketSphinx holds the GIL while it aligns, so it works in a process (`ChildProcess`, as engines
do). A process pool of the standard library would do for the work, but it can neither kill a process
that hangs nor tell that one died while nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Protocol

import structlog

from decoder import DecoderError, Hypothesis
from decoder.alignment import LANGUAGES, Phrase, WordTimes, timed
from rasr.audio import SAMPLE_RATE, Samples
from rasr.scheduling import ChildProcess, WorkerDied, answer_questions
from rasr.tasks import watched
from rasr.text.spoken import Speller

_log = structlog.get_logger("rasr.runtime")

BOUND_S = 0.3
"""A final is worth more with guessed times than so late."""
HUNG_S = 10.0
"""An alignment of a minute of audio takes one second; a process that takes so long has hung."""
RESTART_DELAY_S = 1.0
LOADING_S = 30.0
"""A process that takes longer to load has hung; it takes half a second."""
_FIRST_COST = 0.01
"""Seconds for a second of audio, until it was measured: what a calm machine takes."""
_NEWEST_SHARE = 0.2
"""Of the newest measurement in the cost that is expected."""

_Question = tuple[list[Phrase], Samples]


class WordAligner(Protocol):
    """Finds the times of words whose times are guessed (`Word.times_guessed`)."""

    async def align(self, hypothesis: Hypothesis, samples: Samples, language: str) -> Hypothesis:
        """`hypothesis` with the times at which its words were said, as far as they can be found.

        Nothing else of it changes. It never fails and takes no longer than the aligner's bound:
        words whose times were not found in time, or cannot be, stay marked as guessed. Where there
        is nothing to be done (no word is marked, the language is not one that can be aligned, too
        many wait) it returns in the same turn of the event loop. It may be cancelled at any time.

        Args:
            hypothesis: as the engine wrote it, before digits and punctuation are processed; words
                on the clock of `samples`.
            samples: all audio of the utterance, shape (n,), int16, 16 kHz. Not changed; it must not
                be changed by others until this returns.
            language: its English name in small letters: "english", "chinese", …
        """


@dataclass(slots=True)
class AlignmentStatistics:
    """What became of the hypotheses that were to be aligned, and of the processes."""

    aligned: int = 0
    """At least one word has found its time."""
    unfit: int = 0
    """None has: the words do not fit the audio."""
    late: int = 0
    """Not aligned within the bound, or given up at once because too many waited."""
    lost: int = 0
    """The process died or hung with it, or was not there."""
    faults: int = 0
    """Faults of our own; the log has their tracebacks."""
    restarts: int = 0
    """Processes that were replaced."""


class Aligners:
    """Aligns in worker processes. One serves a whole server.

    A hypothesis waits for a process that is free; if what is in hand and itself take longer than
    the bound, by what was measured of late, its guess is given at once. A process that dies, or
    that hangs, is replaced and costs no more than the guesses.
    """

    def __init__(
        self,
        spellers: Mapping[str, Speller],
        *,
        bound_s: float = BOUND_S,
        processes: int = 1,
        hung_s: float = HUNG_S,
        restart_delay_s: float = RESTART_DELAY_S,
        loading_s: float = LOADING_S,
        work: Callable[[Connection], None] | None = None,
    ) -> None:
        """
        Args:
            spellers: by the English names of their languages: how written words are said.
            bound_s: an alignment that takes longer is given up.
            processes: 1 or more; each aligns one hypothesis at a time.
            hung_s: a process that has one in hand for longer is killed.
            restart_delay_s: between two attempts to start a replacement.
            loading_s: a process that takes longer to load is killed.
            work: what a process does; by default `align_in_process`.
        """
        assert processes >= 1, "an aligner needs a process"
        self.statistics = AlignmentStatistics()
        self._spellers = {name: one for name, one in spellers.items() if name in LANGUAGES}
        self._bound_s = bound_s
        self._queue = _Queue(processes)
        self._workers = [
            _AlignmentWorker(
                number,
                work or align_in_process,
                self._queue,
                self.statistics,
                hung_s=hung_s,
                restart_delay_s=restart_delay_s,
                loading_s=loading_s,
            )
            for number in range(processes)
        ]

    async def start(self) -> None:
        """Start the processes; returns when they can align. Takes half a second.

        Raises:
            DecoderError: the aligner cannot be had; the text says why.
        """
        try:
            await asyncio.gather(*(worker.start() for worker in self._workers))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the processes. Whoever waits gets a guess, as does everybody from now on."""
        for worker in self._workers:
            worker.close()
        self._queue.close()

    async def align(self, hypothesis: Hypothesis, samples: Samples, language: str) -> Hypothesis:
        """As `WordAligner.align`."""
        speller = self._spellers.get(language)
        if speller is None or not any(word.times_guessed for word in hypothesis.words):
            return hypothesis
        if not any(worker.up for worker in self._workers):
            self.statistics.lost += 1
            return hypothesis
        audio_s = len(samples) / SAMPLE_RATE
        if self._queue.expected_s(audio_s) > self._bound_s:
            self._queue.passed_by()
            self.statistics.late += 1
            return hypothesis
        try:
            async with asyncio.timeout(self._bound_s):
                # A number in digits takes milliseconds to spell out.
                phrases = await asyncio.to_thread(_phrases, hypothesis, speller)
                times = await self._queue.answer((phrases, samples), audio_s)
            aligned = timed(hypothesis, times)
        except TimeoutError:
            self.statistics.late += 1
            return hypothesis
        except WorkerDied:
            self.statistics.lost += 1
            return hypothesis
        except Exception:
            self.statistics.faults += 1
            _log.exception("alignment_failed")
            return hypothesis
        if any(one.aligned for one in times):
            self.statistics.aligned += 1
        else:
            self.statistics.unfit += 1
        return aligned


@dataclass(slots=True, eq=False)
class _Waiting:
    """A question, and who waits for its answer."""

    question: _Question
    audio_s: float
    answer: asyncio.Future[list[WordTimes]]


class _Queue:
    """What is to be aligned: what waits, what is in hand, and how long it takes."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._waiting: deque[_Waiting] = deque()
        self._idle: deque[Callable[[_Waiting], None]] = deque()
        """The workers that have nothing to do, each by what gives it something."""
        self._audio_s = 0.0
        """Of what waits and what is in hand."""
        self._cost = _FIRST_COST
        self._closed = False

    def expected_s(self, audio_s: float) -> float:
        """How long it takes until so much more audio is aligned, after all that is here."""
        before_s = 0.0 if self._idle else self._audio_s / self._processes
        return (before_s + audio_s) * self._cost

    def passed_by(self) -> None:
        """Something was not even tried. What was measured is trusted less each time, else one
        alignment that was held up would be the last."""
        self._cost += _NEWEST_SHARE * (min(self._cost, _FIRST_COST) - self._cost)

    async def answer(self, question: _Question, audio_s: float) -> list[WordTimes]:
        """The answer of the next worker that is free.

        Raises:
            WorkerDied: it died, or the queue was closed.
        """
        if self._closed:
            raise WorkerDied("the aligners have been closed")
        waiting = _Waiting(question, audio_s, asyncio.get_running_loop().create_future())
        self._audio_s += audio_s
        if self._idle:
            self._idle.popleft()(waiting)
        else:
            self._waiting.append(waiting)
        try:
            return await waiting.answer
        finally:
            # Nobody aligns what nobody waits for any more.
            if waiting in self._waiting:
                self._waiting.remove(waiting)
                self._audio_s -= audio_s

    def idle(self, give: Callable[[_Waiting], None]) -> None:
        """A worker has nothing to do."""
        for waiting in self._waiting:
            if not waiting.answer.done():
                self._waiting.remove(waiting)
                give(waiting)
                return
        self._idle.append(give)

    def gone(self, give: Callable[[_Waiting], None]) -> None:
        """A worker cannot be given anything for now."""
        if give in self._idle:
            self._idle.remove(give)

    def done(self, waiting: _Waiting, took_s: float | None) -> None:
        """A worker has nothing more in hand of this; None: it is not known what it costs."""
        self._audio_s -= waiting.audio_s
        if took_s is not None:
            # What does not grow with the audio counts as a second of it.
            cost = took_s / max(waiting.audio_s, 1.0)
            self._cost += _NEWEST_SHARE * (cost - self._cost)

    def close(self) -> None:
        """Whoever waits is told that no worker comes."""
        self._closed = True
        for waiting in self._waiting:
            if not waiting.answer.done():
                waiting.answer.set_exception(WorkerDied("the aligners have been closed"))


class _AlignmentWorker:
    """A process that aligns, and its replacements."""

    def __init__(
        self,
        number: int,
        work: Callable[[Connection], None],
        queue: _Queue,
        statistics: AlignmentStatistics,
        *,
        hung_s: float,
        restart_delay_s: float,
        loading_s: float,
    ) -> None:
        self._number = number
        self._work = work
        self._queue = queue
        self._statistics = statistics
        self._hung_s = hung_s
        self._restart_delay_s = restart_delay_s
        self._loading_s = loading_s
        self._process = ChildProcess("aligner")
        self._replacing: asyncio.Task[None] | None = None
        self.up = False
        """True while the process can align."""

    async def start(self) -> None:
        """Start the process for the first time.

        Raises:
            DecoderError: the aligner cannot be had; the text says why.
        """
        try:
            await self._start()
        except WorkerDied as error:
            raise DecoderError(
                "the process that aligns words died while it loaded; is there enough memory?"
            ) from error
        except TimeoutError as error:
            raise DecoderError(
                f"the process that aligns words has not loaded within {self._loading_s:g} s"
            ) from error

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._queue.gone(self._give)
        self.up = False
        if self._replacing is not None:
            self._replacing.cancel()
        self._process.stop()

    async def _start(self) -> None:
        async with asyncio.timeout(self._loading_s):
            await self._process.start(self._work, died=self._died)
        self.up = True
        self._queue.idle(self._give)

    def _give(self, waiting: _Waiting) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        watch = loop.call_later(self._hung_s, self._hung)
        exchange = self._process.ask(waiting.question)
        exchange.add_done_callback(partial(self._answered, waiting, begun, watch))

    def _answered(
        self,
        waiting: _Waiting,
        begun: float,
        watch: asyncio.TimerHandle,
        exchange: asyncio.Future[list[WordTimes]],
    ) -> None:
        watch.cancel()
        error = WorkerDied() if exchange.cancelled() else exchange.exception()
        took_s = asyncio.get_running_loop().time() - begun
        self._queue.done(waiting, took_s if error is None else None)
        if not waiting.answer.done():
            if error is None:
                waiting.answer.set_result(exchange.result())
            else:
                waiting.answer.set_exception(error)
        # Without a process this one comes back when it is replaced.
        if self.up and not isinstance(error, WorkerDied):
            self._queue.idle(self._give)

    def _hung(self) -> None:
        _log.error("aligner_hung", worker=self._number, after_s=self._hung_s)
        self._process.kill()

    def _died(self) -> None:
        _log.error("aligner_died", worker=self._number)
        self._statistics.restarts += 1
        self.up = False
        self._queue.gone(self._give)
        self._replacing = watched(self._replace(), name="replace-aligner")

    async def _replace(self) -> None:
        while True:
            try:
                await self._start()
            except (DecoderError, WorkerDied, OSError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
                _log.error("aligner_not_started", worker=self._number, error=reason)
            except Exception:
                self._statistics.faults += 1
                _log.exception("aligner_not_started", worker=self._number)
            else:
                _log.info("aligner_replaced", worker=self._number)
                return
            self._process.stop()
            await asyncio.sleep(self._restart_delay_s)


def align_in_process(connection: Connection) -> None:
    """The work of a process: load an aligner, then align what comes."""
    answer_questions(connection, _load)


def _load() -> tuple[None, Callable[[_Question], list[WordTimes]]]:
    # Here, because it imports the library, which the server's own process does without.
    from decoder.alignment.forced import ForcedAligner

    aligner = ForcedAligner()
    return None, lambda question: aligner.align(*question)


def _phrases(hypothesis: Hypothesis, speller: Speller) -> list[Phrase]:
    texts: Sequence[str] = [word.text for word in hypothesis.words]
    return [
        Phrase(tuple(texts[first:last]), speller.spoken(" ".join(texts[first:last])))
        for first, last in speller.together(texts)
    ]
