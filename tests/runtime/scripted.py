"""Everything below the socket of one SIS connection, with an engine whose faults a test scripts."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from decoder import Capabilities, EngineUnavailable, Hypothesis, Word
from decoder.engine import Samples
from rasr.recognition.config import EngineChoice
from rasr.recognition.segmenter import Margins
from rasr.runtime.access import Access
from rasr.runtime.connection import Connection
from rasr.runtime.fair_share import FairShare
from rasr.runtime.recognizer import Recognizer
from rasr.scheduling import Scheduler, WorkerDied
from rasr.scheduling.engine_host import Batch, Step, StepResult
from rasr.settings import DecodingSettings, SessionSettings
from rasr.tasks import notice_faults
from rasr.text import TextTools
from rasr.wire.dialect import AccessRequest, Grant, Refusal, RefusalKind
from rasr.wire.sis.conversation import SisConversation
from rasr.wire.sis.modes import Mode
from tests.recognition.talk import LoudIsSpeech
from tests.runtime.fakes import PlayedSocket, Slot, Texts, statistics
from tests.scheduling.commanded import known

BATCH_FAULTS = (
    *("late", "dies", "dies at once", "dies afterwards", "hangs", "raises", "raises at once"),
    *("has no memory", "is cancelled", "loses a result", "fails"),
)
START_FAULTS = ("slow", "fails", "raises", "hangs")
STEP_TIMEOUT_S = 5.0
_WORD_SAMPLES = 4000
_WORK_S = 0.001
"""What each piece of work of a session costs."""
_MEMORY_OF_TEXT = 3600.0
"""Longer than anybody waits for text."""


class Fault(Exception):
    """An error that nobody expects."""


class ScriptedWorker:
    """Decodes at once, but for the faults of its script, one for each batch or start."""

    def __init__(self, batches: Iterable[str], starts: Iterable[str], *, slots: int) -> None:
        self.slots = slots
        self._batches = deque(batches)
        self._starts = deque(starts)
        self._started = False
        self._heard: dict[int, int] = {}
        self._hung: list[asyncio.Future[None]] = []
        self._died: Callable[[], None] = lambda: None
        self._dead = False

    async def start(self, died: Callable[[], None]) -> Capabilities:
        if self._started:
            match self._starts.popleft() if self._starts else "":
                case "slow":
                    await asyncio.sleep(3)
                case "fails":
                    raise EngineUnavailable("no memory")
                case "raises":
                    raise Fault
                case "hangs":
                    await asyncio.Event().wait()
        self._started = True
        self._heard, self._hung, self._dead, self._died = {}, [], False, died
        return known(max_batch=4, first=1600, every=1600)

    def run(self, batch: Batch, slot: int) -> asyncio.Future[list[StepResult]]:
        if self._dead:
            raise WorkerDied
        fault = self._batches.popleft() if self._batches and batch.steps else ""
        if fault in ("dies at once", "raises at once"):
            self._dead = True
            raise WorkerDied if fault == "dies at once" else Fault
        return asyncio.ensure_future(self._run(batch, fault))

    async def _run(self, batch: Batch, fault: str) -> list[StepResult]:
        loop = asyncio.get_running_loop()
        for stream in batch.discard:
            self._heard.pop(stream, None)
        await asyncio.sleep(0.01)
        match fault:
            case "late":
                await asyncio.sleep(STEP_TIMEOUT_S - 2)
            case "dies":
                self._dead = True
                raise WorkerDied
            case "dies afterwards":
                loop.call_soon(partial(self._die, self._died))
            case "hangs":
                self._hung.append(loop.create_future())
                await self._hung[-1]
            case "raises":
                raise Fault
            case "has no memory":
                raise MemoryError
            case "is cancelled":
                raise asyncio.CancelledError
        results = [self._result(step) for step in batch.steps]
        if fault == "fails":
            number = batch.steps[0].stream
            self._heard.pop(number, None)
            results[0] = StepResult(number, None, failure="not decodable")
        return results[:-1] if fault == "loses a result" else results

    def _die(self, died: Callable[[], None]) -> None:
        self._dead = True
        died()

    def _result(self, step: Step) -> StepResult:
        assert step.opens == (step.stream not in self._heard)
        heard = self._heard[step.stream] = self._heard.get(step.stream, 0) + len(step.samples)
        if step.finishes:
            del self._heard[step.stream]
        wanted = step.wants_hypothesis or step.finishes
        return StepResult(step.stream, _words(heard) if wanted else None, step.finishes)

    def kill(self) -> None:
        for one in self._hung:
            if not one.done():
                one.set_exception(WorkerDied())

    def stop(self) -> None:
        self._dead = True


def _words(samples: int) -> Hypothesis:
    words = tuple(
        Word("word", at, at + _WORD_SAMPLES, 0.9, times_guessed=True)
        for at in range(0, samples - _WORD_SAMPLES + 1, _WORD_SAMPLES)
    )
    return Hypothesis(words, " ".join(word.text for word in words), 0.9)


class ScriptedText:
    """A text processor that is quick, slow, too late, or raises."""

    def __init__(self, how: str) -> None:
        self._how = how

    def is_slow(self, hypothesis: Hypothesis) -> bool:
        return self._how != "quick"

    def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        if self._how == "raises":
            raise Fault
        return hypothesis

    def substitute(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        if self._how == "raises":
            raise Fault
        return hypothesis


class ScriptedAligner:
    """An aligner that answers, is slow, raises, or is cancelled from within."""

    def __init__(self, how: str) -> None:
        self._how = how

    async def align(self, hypothesis: Hypothesis, samples: Samples, language: str) -> Hypothesis:
        match self._how:
            case "slow":
                await asyncio.sleep(0.3)
            case "raises":
                raise Fault
            case "is cancelled":
                raise asyncio.CancelledError
        return hypothesis


class ScriptedSocket(PlayedSocket):
    """A websocket whose peer may read nothing for a while, or for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.is_read = asyncio.Event()
        self.is_read.set()

    async def send(self, message: str | bytes) -> None:
        await self.is_read.wait()
        await super().send(message)

    async def close(self, code: int, reason: str) -> None:
        await self.is_read.wait()
        await super().close(code, reason)


@dataclass(frozen=True, slots=True)
class Script:
    """What goes wrong beside the client."""

    batches: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    """How each question is answered: "yes", "late", "no", "never", "raises", "is cancelled"."""
    workers: int = 1
    slots: int = 1
    second_pass: bool = False
    second_batches: tuple[str, ...] = ()
    text: str = "quick"
    aligner: str = ""
    rules: dict[str, Any] = field(default_factory=dict)
    """Of the session."""


class Server:
    """One connection and what is beneath it."""

    def __init__(self, mode: Mode, script: Script) -> None:
        loop = asyncio.get_running_loop()
        loop.thread_delay_s = _MEMORY_OF_TEXT if script.text == "late" else 0.5  # type: ignore[attr-defined]
        self.faults = 0
        notice_faults(loop, self._count)
        self._access = deque(script.access)
        self.slots: list[Slot] = []
        self.socket = ScriptedSocket()
        self.statistics = statistics()
        self.starts = 0
        """STARTs that the client has sent."""
        self.schedulers = {"engine": _scheduler(script, script.batches, loop)}
        self._choice = EngineChoice("engine", word_times=False)
        if script.second_pass:
            self.schedulers["finals"] = _scheduler(script, script.second_batches, loop)
            final = EngineChoice("finals", word_times=False)
            self._choice = EngineChoice("engine", word_times=False, final=final)
        settings = SessionSettings(**({"warnings": False, "backlog_s": 2.0} | script.rules))
        recognizer = Recognizer(
            self.schedulers,
            cast(TextTools, Texts(ScriptedText(script.text))),
            LoudIsSpeech,
            Margins(300, 300),
            settings,
            final_timeout_s=1.5,
            aligner=ScriptedAligner(script.aligner) if script.aligner else None,
            share=_share(loop),
        )
        ids = itertools.count(1)
        self.connection = Connection(
            self.socket,
            SisConversation(mode, settings, lambda: f"trace-{next(ids)}", now=loop.time()),
            recognizer,
            self._authorise,
            self.statistics,
            send_timeout_s=20.0,
        )
        self._serving: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Load the engines and serve the connection."""
        for scheduler in self.schedulers.values():
            await scheduler.start()
        self._serving = asyncio.ensure_future(self.connection.run())

    def start(self, **config: Any) -> None:
        """The client says START."""
        defaults = {"audio_format": "pcm16k16bit", "property": "english_16k_common"}
        self.starts += 1
        self.socket.say(json.dumps({"command": "START", "config": defaults | config}))

    def end(self, *, cancel: bool = False) -> None:
        """The client says END."""
        self.socket.say(json.dumps({"command": "END", "cancel": cancel}))

    @property
    def told(self) -> list[dict[str, Any]]:
        """The messages that the client has got."""
        return [json.loads(one) for one in self.socket.sent]

    @property
    def gone(self) -> bool:
        """The connection is over."""
        return self._serving is not None and self._serving.done()

    def owes(self) -> str:
        """What the client may still wait for; empty: nothing."""
        if self.gone or self.socket.closed is not None or self.socket.aborted:
            return ""
        kinds = [message["resp_type"] for message in self.told]
        if kinds.count("START") > kinds.count("END"):
            return f"END: {kinds}"
        answered = kinds.count("START") + kinds.count("ERROR") + kinds.count("FATAL_ERROR")
        return f"an answer to START: {kinds}" if answered < self.starts else ""

    async def over(self, bound_s: float) -> None:
        """The client leaves. Everything is given back within a bound."""
        assert self._serving is not None, "begin comes first"
        self.socket.leave()
        async with asyncio.timeout(bound_s):
            await self._serving
        await asyncio.sleep(bound_s)
        assert not any(slot.held for slot in self.slots), "a slot is held"
        for scheduler in self.schedulers.values():
            assert scheduler.statistics.open_tasks == 0
            assert scheduler.streams_in_use == 0
            assert scheduler.workers_up == len(scheduler.workers)
        left = {task.get_name().partition("-")[0] for task in asyncio.all_tasks()}
        left = {name for name in left if not name.startswith("Task")}
        assert left <= {"worker", "slot"}, f"these tasks are left: {left}"

    async def stop(self) -> None:
        """Stop the engines."""
        if self._serving is not None:
            self._serving.cancel()
        for scheduler in self.schedulers.values():
            await scheduler.stop()

    def _count(self) -> None:
        self.faults += 1

    async def _authorise(self, request: AccessRequest) -> Access | Refusal:
        match self._access.popleft() if self._access else "yes":
            case "late":
                await asyncio.sleep(3)
            case "no":
                return Refusal(RefusalKind.CAPACITY, "full")
            case "never":
                await asyncio.Event().wait()
            case "raises":
                raise Fault
            case "is cancelled":
                raise asyncio.CancelledError
        self.slots.append(Slot(held=True))
        return Access(Grant(self._choice), self.slots[-1])


def _share(loop: asyncio.AbstractEventLoop) -> FairShare:
    """It waits in the time of the loop. By a real clock that time would run on by hours while a
    session earns what one pause of the machine has cost."""
    readings = itertools.count()
    return FairShare(clock=loop.time, cost=lambda: _WORK_S * next(readings))


def _scheduler(
    script: Script, batches: tuple[str, ...], loop: asyncio.AbstractEventLoop
) -> Scheduler:
    """Its workers share the faults of its script: one after the other, as they come."""
    shared = deque(batches)
    workers = [ScriptedWorker((), script.starts, slots=script.slots) for _ in range(script.workers)]
    for worker in workers:
        worker._batches = shared
    return Scheduler(
        workers,
        DecodingSettings(step_timeout_s=STEP_TIMEOUT_S),
        streams_per_worker=4,
        clock=loop.time,
    )
