"""The driver: runs one session machine on the event loop. It has no rules of its own.

It reads messages, gives them to the machine, carries out the effects, keeps one timer, and takes
messages more slowly when too much of the session's sound waits to be decoded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol, assert_never

import structlog

from decoder import HotWord, Hypothesis
from rasr.captions import Publisher
from rasr.scheduling import DecodeHandle, DecodeListener, Scheduler
from rasr.session.effects import (
    AbandonUtterance,
    Close,
    Decode,
    FinishUtterance,
    OpenChannel,
    OpenUtterance,
    Publish,
    RoundClosed,
    RoundOpened,
    Send,
)
from rasr.session.machine import SessionMachine
from rasr.session.outbox import Outbox
from rasr.session.vitals import Vitals
from rasr.wire.sis.codec import encode_server
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import Error

_log = structlog.get_logger("rasr.session")

_LONGEST_PAUSE_S = 5.0
_MOST_BUDGETS = 16
"""With so much undecoded sound nothing more is taken, pings or not: memory has an end."""
_HASTE = 8.0
"""Seconds of sound taken in a second when a session has just reached its budget.

A ping waits behind the sound that the client has given its kernel before it, up to 1.7 MB on
loopback with the options of `rasr.server.listener`; taken at eight times the speed of speech that
is 7 s, and the official SDK gives up after 10 s. Slower from the start would drop such clients;
never slower would fill the memory.
"""


class Socket(Protocol):
    """A websocket after its handshake."""

    async def receive(self) -> str | bytes | None:
        """The next message; None once the peer is gone."""

    async def send(self, text: str) -> None: ...

    async def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None:
        """Drop the connection at once, whatever has not been sent."""


@dataclass(frozen=True, slots=True)
class DriverRules:
    backlog_s: float = 60.0
    """Undecoded sound from which on messages are taken slowly."""
    send_timeout_s: float = 20.0


@dataclass(slots=True)
class SessionSummary:
    """What the log says when a session closes."""

    rounds: int = 0
    audio_ms: int = 0
    speech_ms: int = 0
    utterances: int = 0
    busy_s: float = 0.0
    reason: str = "closed without a round"


@dataclass(slots=True)
class _Clock:
    """Relates a round's samples to the loop's clock."""

    sample_rate: int = 16000
    began: float | None = None
    """When the first sound of the round came."""

    def due(self, end_sample: int, now: float) -> float:
        began = now if self.began is None else self.began
        return max(now, began + end_sample / self.sample_rate)


class Driver:
    """One connection's life.

    `make_machine` is given how to take a seat for a round of an engine. `take_seat`, asked with the
    engine's name and the time, answers with what gives the seat back, or with the sentence that
    refuses it.
    """

    def __init__(
        self,
        socket: Socket,
        make_machine: Callable[[Callable[[str], str | None]], SessionMachine],
        *,
        schedulers: Mapping[str, Scheduler],
        take_seat: Callable[[str, float], Callable[[], None] | str],
        open_channel: Callable[[str], Publisher],
        rules: DriverRules,
        vitals: Vitals,
    ) -> None:
        self._socket = socket
        self._schedulers = schedulers
        self._take_seat = take_seat
        self._open_channel = open_channel
        self._rules = rules
        self._loop = asyncio.get_running_loop()
        self._machine = make_machine(self._admit)
        self._outbox = Outbox()
        self._handles: dict[int, DecodeHandle] = {}
        self._clock = _Clock()
        self._heard = asyncio.Event()
        """Set by each result of an engine."""
        self._leave_seat: Callable[[], None] | None = None
        self._publisher: Publisher | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.summary = SessionSummary()
        self.vitals = vitals

    async def run(self) -> None:
        """Serve the connection until it is gone. Gives everything back, however it ends."""
        self._arm()
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write(), name="session-writer")
                await self._read()
                writer.cancel()
        except* TimeoutError:
            self.summary.reason = "the client does not read"
            self._socket.abort()
        finally:
            self._guarded(self._machine.receive_eof)
            if self._timer is not None:
                self._timer.cancel()
            for handle in self._handles.values():
                handle.abandon()
            self._give_seat_back()
            self._give_channel_back()

    def shut_down(self) -> None:
        """Bring the session to its end: finals, END, close."""
        self._guarded(self._machine.shut_down)

    def cut_off(self) -> None:
        """Close at once: the time to shut down is over."""
        self._guarded(self._machine.cut_off)

    # Messages in

    async def _read(self) -> None:
        while (message := await self._socket.receive()) is not None:
            now = self._loop.time()
            match message:
                case str():
                    self._guarded(partial(self._machine.receive_text, message, now=now))
                case bytes():
                    if self._clock.began is None:
                        self._clock.began = now
                    await self._hear(message)
            if self._outbox.full:
                await self._outbox.room()

    async def _hear(self, message: bytes) -> None:
        for number, piece in enumerate(self._machine.pieces(message)):
            if number:
                await asyncio.sleep(0)
            before_s = self._machine.received_s
            now = self._loop.time()
            self._guarded(partial(self._machine.receive_audio, piece, now=now))
            if now >= self.vitals.audio.next_at:
                self.vitals.audio.note(now, self.audio_s)
            if self._handles and self._budgets_used() > 1:
                await self._pause(max(0.0, self._machine.received_s - before_s))

    async def _pause(self, seconds: float) -> None:
        """Slow down a client whose sound comes faster than it is decoded, past one budget.

        With `n` budgets of undecoded sound, sound is taken at 8/n times the speed of speech; TCP
        carries the pause to the client. Why not slower at once: see `_HASTE`.
        """
        await asyncio.sleep(min(_LONGEST_PAUSE_S, seconds * self._budgets_used() / _HASTE))
        while self._budgets_used() > _MOST_BUDGETS:
            self._heard.clear()
            await self._heard.wait()

    def _budgets_used(self) -> float:
        """Undecoded sound of the session, in budgets."""
        return self.backlog_s / self._rules.backlog_s

    # For observers

    @property
    def backlog_s(self) -> float:
        """Undecoded sound of the session."""
        backlog = sum(handle.backlog_samples for handle in self._handles.values())
        return backlog / self._clock.sample_rate

    @property
    def audio_s(self) -> float:
        """Sound received in all rounds."""
        return self.summary.audio_ms / 1000 + self._machine.received_s

    @property
    def speech_s(self) -> float:
        """Sound of all rounds that was given to an engine."""
        return self.summary.speech_ms / 1000 + self._machine.speech_s

    @property
    def partials_replaced(self) -> int:
        """Partials that were outdated before the client took them."""
        return self._outbox.replaced

    # Effects out

    def _guarded(self, call: Callable[[], None]) -> None:
        """One input of the machine and what follows from it.

        A fault in here is ours. It ends this connection and no other, and is told apart from the
        peer's faults, which never raise.
        """
        try:
            call()
            self._carry_out()
        except Exception:
            _log.exception("session_failed")
            self._break_off()

    def _break_off(self) -> None:
        try:
            self._machine.break_off(
                ProtocolError(ErrorCode.INTERNAL, "the server failed; the connection is closed")
            )
            self._carry_out()
        except Exception:
            # The machine itself is broken. Callers are other people's tasks, the scheduler's too.
            _log.exception("session_dropped")
            self._socket.abort()

    def _carry_out(self) -> None:
        now = self._loop.time()
        for effect in self._machine.effects():
            match effect:
                case Send():
                    self._outbox.put(effect.message)
                    if isinstance(effect.message, Error):
                        self.vitals.error(effect.message.error_code, fatal=effect.message.fatal)
                case OpenUtterance():
                    self.vitals.opened(effect.utterance, now)
                    self._handles[effect.utterance] = self._schedulers[effect.engine].open(
                        _UtteranceListener(self, effect.utterance),
                        owner=self,
                        partials=effect.partials,
                        hot_words=effect.hot_words,
                    )
                case Decode():
                    due = self._clock.due(effect.end_sample, now)
                    self._handles[effect.utterance].accept(effect.samples, due=due)
                case FinishUtterance():
                    self.vitals.finished(effect.utterance, now)
                    handle = self._handles[effect.utterance]
                    handle.finish(due=now, silence=effect.silence, awaited=effect.awaited)
                case AbandonUtterance():
                    self.vitals.gone(effect.utterance)
                    self._count(self._handles.pop(effect.utterance)).abandon()
                case OpenChannel():
                    self._publisher = self._open_channel(effect.name)
                case Publish():
                    if self._publisher is not None:
                        self._publisher.publish(effect.segments)
                case RoundOpened():
                    self._clock = _Clock(effect.sample_rate)
                    self.summary.rounds += 1
                    self.vitals.round_opened(effect.trace_id, effect.property)
                case RoundClosed():
                    self._give_seat_back()
                    self._give_channel_back()
                    self.vitals.round_closed()
                    self.summary.audio_ms += effect.audio_ms
                    self.summary.speech_ms += effect.speech_ms
                    self.summary.utterances += effect.utterances
                    self.summary.reason = effect.reason
                case Close():
                    self._outbox.put(effect)
                case _:
                    assert_never(effect)
        self._arm()

    async def _write(self) -> None:
        while True:
            item = await self._outbox.get()
            if isinstance(item, Close):
                await self._socket.close(item.code, item.reason)
                return
            async with asyncio.timeout(self._rules.send_timeout_s):
                await self._socket.send(encode_server(item))

    # Engine results in

    def result(self, utterance: int, hypothesis: Hypothesis, *, final: bool) -> None:
        self._heard.set()
        if final:
            self._count(self._handles.pop(utterance))
        now = self._loop.time()
        self.vitals.told(utterance, now, final=final, text=bool(hypothesis.text))
        self._guarded(
            partial(self._machine.hypothesis, utterance, hypothesis, final=final, now=now)
        )

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        self._guarded(partial(self._machine.hot_words_refused, words))

    def failure(self, utterance: int, sentence: str) -> None:
        self._heard.set()
        self._count(self._handles.pop(utterance))
        self.vitals.gone(utterance)
        now = self._loop.time()
        self._guarded(partial(self._machine.decode_failed, utterance, sentence, now=now))

    def _count(self, handle: DecodeHandle) -> DecodeHandle:
        self.summary.busy_s += handle.busy_s
        return handle

    # Time

    def _arm(self) -> None:
        """Keep one timer, at or before the machine's deadline.

        Each message moves the deadline back; the timer is left where it is and asks again when it
        fires, which is cheaper than a new timer for each message.
        """
        deadline = self._machine.deadline()
        if deadline is None:
            return
        if self._timer is not None and not self._timer.cancelled():
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        self._guarded(partial(self._machine.advance, now=now))

    # Seats and channels

    def _admit(self, engine: str) -> str | None:
        answer = self._take_seat(engine, self._loop.time())
        if isinstance(answer, str):
            return answer
        self._leave_seat = answer
        return None

    def _give_seat_back(self) -> None:
        if self._leave_seat is not None:
            leave, self._leave_seat = self._leave_seat, None
            leave()

    def _give_channel_back(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None


class _UtteranceListener(DecodeListener):
    """Brings the results of one utterance to its driver."""

    def __init__(self, driver: Driver, utterance: int) -> None:
        self._driver = driver
        self._utterance = utterance

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        self._driver.result(self._utterance, hypothesis, final=final)

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        self._driver.hot_words_refused(words)

    def failed(self, sentence: str) -> None:
        self._driver.failure(self._utterance, sentence)
