"""What all connections share: engines, seats, the list of who is here. Built once, at start."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import assert_never

import structlog

from rasr.captions import Broadcaster, ChannelBusy, ChannelRefusal, TooManyChannels
from rasr.scheduling import Scheduler
from rasr.server.admission import Admission, Party
from rasr.server.engines import PropertyTable
from rasr.server.ops.capacity import Capacity
from rasr.server.ops.ledger import Ledger
from rasr.session.driver import Driver, DriverRules, Socket
from rasr.session.machine import SessionMachine
from rasr.session.rules import Services, SessionRules, TextStep
from rasr.session.vitals import Vitals
from rasr.settings import Settings, VadSettings
from rasr.text import TextTools
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.modes import Mode
from vad import Classifier, make_classifier

_log = structlog.get_logger("rasr.session")


@dataclass(slots=True, eq=False)
class House:
    """Serves connections until it is told to close."""

    settings: Settings
    schedulers: Mapping[str, Scheduler]
    properties: PropertyTable
    text: TextTools
    admission: Admission
    captions: Broadcaster
    capacities: Mapping[str, Capacity]
    """Of the engines that have been calibrated, by their names."""
    closing: bool = False
    ledger: Ledger = field(default_factory=Ledger)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _drivers: set[Driver] = field(default_factory=set)
    _empty: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._empty.set()

    async def serve(self, socket: Socket, mode: Mode, party: Party) -> None:
        """One connection, from its handshake to its end."""
        loop = asyncio.get_running_loop()
        vitals = Vitals(next(self._numbers), mode.value, party.address, loop.time(), self.ledger)
        driver = Driver(
            socket,
            partial(self._machine, mode, loop.time()),
            schedulers=self.schedulers,
            take_seat=partial(self._take_seat, party),
            open_channel=self.captions.open,
            rules=DriverRules(
                backlog_s=self.settings.session.backlog_s,
                send_timeout_s=self.settings.server.send_timeout_s,
            ),
            vitals=vitals,
        )
        self._drivers.add(driver)
        self._empty.clear()
        _log.info("session_opened", session=vitals.number, mode=mode.value, peer=party.address)
        try:
            if self.closing:
                driver.shut_down()
            await driver.run()
        finally:
            self._drivers.discard(driver)
            self.ledger.close(driver)
            if not self._drivers:
                self._empty.set()
            summary = driver.summary
            _log.info(
                "session_closed",
                session=vitals.number,
                mode=mode.value,
                peer=party.address,
                seconds=round(loop.time() - vitals.opened_at, 1),
                rounds=summary.rounds,
                audio_s=round(summary.audio_ms / 1000, 1),
                speech_s=round(summary.speech_ms / 1000, 1),
                utterances=summary.utterances,
                rtf=round(summary.busy_s * 1000 / summary.speech_ms, 3)
                if summary.speech_ms
                else None,
                reason=summary.reason,
            )

    async def close(self, deadline_s: float) -> None:
        """Let every session have its finals and its END, within the deadline."""
        self.closing = True
        if not self._drivers:
            return
        _log.info("draining", sessions=len(self._drivers), deadline_s=deadline_s)
        for driver in list(self._drivers):
            driver.shut_down()
        try:
            async with asyncio.timeout(deadline_s):
                await self.quiet()
        except TimeoutError:
            _log.warning("drain_deadline", sessions=len(self._drivers))
            for driver in list(self._drivers):
                driver.cut_off()

    async def quiet(self) -> None:
        """Wait until nobody is connected."""
        await self._empty.wait()

    @property
    def drivers(self) -> Collection[Driver]:
        """Of the sessions that are open."""
        return self._drivers

    @property
    def connections(self) -> int:
        return len(self._drivers)

    @property
    def full(self) -> bool:
        return self.connections >= self.settings.server.max_connections

    def _take_seat(self, party: Party, engine: str, now: float) -> Callable[[], None] | str:
        seat = self.admission.take(party, engine, now)
        if isinstance(seat, str):
            return seat
        loop = asyncio.get_running_loop()
        return lambda: self.admission.leave(seat, loop.time())

    def _machine(
        self, mode: Mode, now: float, admit: Callable[[str], str | None]
    ) -> SessionMachine:
        session, vad = self.settings.session, self.settings.vad
        services = Services(
            engine_for=self.properties.choose,
            languages=self.properties.languages,
            make_classifier=partial(_classifier, vad),
            make_text=self._text_step,
            vocabulary=self._vocabulary,
            admit=admit,
            channel_refusal=self._channel_fault,
            new_trace_id=_new_trace_id,
        )
        rules = SessionRules(
            idle_s=session.idle_s,
            connection_s=session.connection_s,
            max_message_bytes=session.max_message_bytes,
            strict_audio_limit=session.strict_audio_limit,
            warnings=session.warnings,
            pre_roll_ms=vad.pre_roll_ms,
            post_roll_ms=vad.post_roll_ms,
        )
        return SessionMachine(mode, services, rules, now=now)

    def _text_step(self, language: str, digit_norm: bool, add_punc: bool) -> TextStep:
        processor = self.text.processor(language, digits=digit_norm, punctuation=add_punc)
        return lambda hypothesis, final: processor.process(hypothesis, final=final)

    def _vocabulary(self, vocabulary_id: str) -> tuple[str, ...] | None:
        words = self.settings.vocabularies.get(vocabulary_id)
        if words is None:
            return None
        return tuple(stripped for word in words.split(",") if (stripped := word.strip()))

    def _channel_fault(self, name: str) -> ProtocolError | None:
        refusal = self.captions.refusal(name)
        return None if refusal is None else channel_fault(refusal)


def channel_fault(refusal: ChannelRefusal) -> ProtocolError:
    """The answer to a START that names a channel to which it may not publish."""
    match refusal:
        case ChannelBusy():
            return ProtocolError(
                ErrorCode.INVALID,
                f"'caption_channel' is invalid: it is {refusal.name!r}, to which another round is "
                "publishing; allowed: a channel without an open round",
            )
        case TooManyChannels():
            return ProtocolError(
                ErrorCode.FULL,
                f"'caption_channel' is refused: the server keeps {refusal.channels} of "
                f"{refusal.max_channels} caption channels; try again when one has gone, "
                f"{refusal.grace_s:g} s after its round",
            )
        case _:
            assert_never(refusal)


def _classifier(vad: VadSettings) -> Classifier:
    return make_classifier(
        vad.kind,
        aggressiveness=vad.aggressiveness,
        frame_ms=vad.frame_ms,
        threshold=vad.threshold,
    )


def _new_trace_id() -> str:
    return str(uuid.uuid4())
