"""What stands around a connection or a runner in a test: scheduler, access, socket, listener."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import cast

from decoder import Capabilities, Hypothesis, Word
from decoder.engine import Samples, Writing
from rasr.recognition.config import EngineChoice, RecognitionConfig
from rasr.recognition.events import (
    Done,
    Final,
    Mark,
    Partial,
    RecognitionEvent,
    SpeechEnded,
    SpeechStarted,
)
from rasr.recognition.segmenter import Margins
from rasr.runtime.access import Access, Subscriber
from rasr.runtime.alignment import WordAligner
from rasr.runtime.fair_share import SLICE_S, FairShare
from rasr.runtime.recognizer import Recognizer
from rasr.runtime.statistics import SessionStatistics
from rasr.scheduling import DecodeListener, Priority, Scheduler
from rasr.settings import SessionSettings
from rasr.text import TextProcessor, TextTools
from rasr.wire.dialect import Grant
from tests.recognition.talk import SENTENCES, LoudIsSpeech, config


class PlayedScheduler:
    """A scheduler whose engine a test plays."""

    def __init__(self, *, rereads: bool = False) -> None:
        self.tasks: list[PlayedTask] = []
        self.workers_up = 1
        self.capabilities = Capabilities("played", (), 16000, True, True, True, 1, rereads=rereads)
        self._opened = asyncio.Event()

    def open(
        self,
        listener: DecodeListener,
        *,
        owner: Hashable,
        partials: bool,
        hot_words: Sequence[object] = (),
        priority: Priority = Priority.LIVE,
    ) -> PlayedTask:
        self.tasks.append(PlayedTask(listener, owner, priority, partials, tuple(hot_words)))
        self._opened.set()
        return self.tasks[-1]

    async def task(self, number: int) -> PlayedTask:
        """The task of a segment, counted from 0, as soon as it is there."""
        while len(self.tasks) <= number:
            self._opened.clear()
            await self._opened.wait()
        return self.tasks[number]


@dataclass
class PlayedTask:
    """One segment from the scheduler's side."""

    listener: DecodeListener
    owner: Hashable
    priority: Priority
    partials: bool = False
    hot_words: tuple[object, ...] = ()
    samples: list[Samples] = field(default_factory=list)
    due: list[float] = field(default_factory=list)
    abandoned: bool = False
    is_over: bool = False
    """It has told its final or its failure."""
    busy_s: float = 0.25
    is_decoded: bool = False
    end: asyncio.Event = field(default_factory=asyncio.Event)

    def accept(self, samples: Samples, *, due: float) -> None:
        self.samples.append(samples)
        self.due.append(due)

    def pause(self) -> None:
        pass

    def finish(self, *, due: float, silence: int = 0, awaited: bool = False) -> None:
        self.end.set()

    def abandon(self) -> None:
        self.abandoned = True

    @property
    def backlog_samples(self) -> int:
        return 0 if self.is_decoded else sum(map(len, self.samples))

    def partial(self, text: str) -> None:
        self.listener.hypothesis(words(text), final=False)

    def final(self, text: str) -> None:
        self.is_decoded = self.is_over = True
        self.listener.hypothesis(words(text), final=True)

    def fail(self, sentence: str) -> None:
        self.is_over = True
        self.listener.failed(sentence)


def words(text: str) -> Hypothesis:
    """A word for each 100 ms."""
    found = tuple(
        Word(word, 1600 * number, 1600 * (number + 1), 0.9)
        for number, word in enumerate(text.split())
    )
    return Hypothesis(found, text, 0.9)


def played_share(cost_s: float) -> FairShare:
    """A share of the event loop where all pieces of work cost the same and are soon earned."""
    seconds = itertools.count()
    # The cost is read before and behind each piece of work.
    readings = itertools.count()
    return FairShare(clock=lambda: float(next(seconds)), cost=lambda: cost_s * next(readings))


class Latencies:
    """Collects nothing."""

    def first_partial(self, seconds: float) -> None:
        pass

    def final(self, seconds: float) -> None:
        pass


@dataclass
class Slot:
    """An admission slot that is always to be had."""

    held: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self) -> str | None:
        self.held = True
        self.released.clear()
        return None

    def release(self) -> None:
        self.held = False
        self.released.set()


def access(*subscribers: Subscriber, slot: Slot | None = None) -> Access:
    """Leave to recognise with the played engine."""
    return Access(Grant(EngineChoice("engine")), slot or Slot(), subscribers)


def statistics() -> SessionStatistics:
    return SessionStatistics(1, "line", "127.0.0.1", 0.0, Latencies())


class Texts:
    """Text tools whose one processor a test chooses."""

    def __init__(self, processor: TextProcessor) -> None:
        self._processor = processor

    def processor(
        self, language: str, *, digits: bool, punctuation: bool, writing: Writing
    ) -> TextProcessor:
        return self._processor


class Unchanged:
    """A text processor that changes nothing."""

    def is_slow(self, hypothesis: Hypothesis) -> bool:
        return False

    def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        return hypothesis

    def substitute(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        return hypothesis


def recognizer(
    scheduler: PlayedScheduler,
    processor: TextProcessor | None = None,
    *,
    finals: PlayedScheduler | None = None,
    final_timeout_s: float = 1.5,
    aligner: WordAligner | None = None,
    share: FairShare | None = None,
) -> Recognizer:
    played = {"engine": scheduler} if finals is None else {"engine": scheduler, "finals": finals}
    return Recognizer(
        {name: cast(Scheduler, one) for name, one in played.items()},
        cast(TextTools, Texts(processor or Unchanged())),
        LoudIsSpeech,
        Margins(300, 300),
        SessionSettings(backlog_s=2.0),
        final_timeout_s=final_timeout_s,
        aligner=aligner,
        # Others have a turn behind each piece of work, however fast the machine is.
        share=share or played_share(1.25 * SLICE_S),
    )


class Heard:
    """A listener that writes down what it is told."""

    is_there = True

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.faults = 0
        self._told = asyncio.Event()

    def on_event(self, event: RecognitionEvent) -> None:
        self.lines.append(line_of(event))
        self._told.set()

    async def until(self, line: str) -> None:
        """Wait until it is told."""
        while line not in self.lines:
            self._told.clear()
            await self._told.wait()

    def on_fault(self) -> None:
        self.faults += 1


def line_of(event: RecognitionEvent) -> str:
    """An event in a word or two."""
    match event:
        case SpeechStarted():
            return "started"
        case SpeechEnded():
            return "ended"
        case Partial():
            return f"partial {event.hypothesis.text}"
        case Final():
            return f"final {event.hypothesis.text}"
        case Mark():
            return f"mark {event.mark}"
        case Done():
            return f"done {event.outcome}"
        case _:
            return type(event).__name__


class PlayedSocket:
    """A websocket whose peer is a test."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.sent: list[str | bytes] = []
        self.closed: tuple[int, str] | None = None
        self.aborted = False
        self.gone = False
        self.left_for_good = False
        self.received = 0

    def say(self, *messages: str | bytes) -> None:
        for message in messages:
            self._messages.put_nowait(message)

    def leave(self) -> None:
        self._messages.put_nowait(None)

    async def receive(self) -> str | bytes | None:
        message = await self._messages.get()
        self.received += 1
        return message

    async def send(self, message: str | bytes) -> None:
        self.sent.append(message)

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        self._messages.put_nowait(None)

    def abort(self) -> None:
        self.aborted = True
        self._messages.put_nowait(None)


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(30):
        await asyncio.sleep(0)


def config_of(**fields: object) -> RecognitionConfig:
    return config(SENTENCES, dict(fields))
