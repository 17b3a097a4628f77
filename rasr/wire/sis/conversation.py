"""The conversation of one SIS connection: commands and audio in, messages out.

It owns the order of commands (`rasr.wire.sis.states`), the modes, the idle rule, the life of the
connection, and what each event of a recognition becomes. It has no loop, no socket and no clock. A
fault of the peer never raises: it becomes an ERROR for the peer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from rasr.recognition.config import RecognitionConfig, Segmentation, TextOptions
from rasr.recognition.events import (
    Done,
    Failure,
    FailureKind,
    Final,
    HeadSilence,
    LimitReached,
    Mark,
    Outcome,
    Partial,
    RecognitionEvent,
    SpeechEnded,
    SpeechStarted,
    Warning,
)
from rasr.settings import SessionSettings
from rasr.wire.dialect import (
    AccessRequest,
    Cancel,
    Close,
    Effect,
    Ended,
    Feed,
    Finish,
    Grant,
    Open,
    Refusal,
    RefusalKind,
    Send,
)
from rasr.wire.sis.codec import decode_client, encode_server
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import (
    End,
    EndReason,
    Error,
    Event,
    EventName,
    Result,
    ServerMessage,
    Start,
    StartConfig,
    Started,
)
from rasr.wire.sis.messages import Ended as EndedMessage
from rasr.wire.sis.modes import MODE_TRAITS, Mode
from rasr.wire.sis.results import event_ms, segment_of
from rasr.wire.sis.states import TABLE, Action, Input, State

CLOSE_NORMAL = 1000
CLOSE_GOING_AWAY = 1001
CLOSE_INTERNAL = 1011

SHORT_TAIL_MS = 500
"""Pause at which audio without endpoints of its own (short modes) is decoded in pieces."""
SHORT_MAX_MS = 30_000

_MOST_LATE = 16
"""Answers kept for commands sent before END was answered; a flood of them gets no more."""

_FAULTS = {
    FailureKind.ENGINE: ErrorCode.RECOGNITION_FAILED,
    FailureKind.AUDIO: ErrorCode.INVALID,
    FailureKind.FULL: ErrorCode.FULL,
}


@dataclass(frozen=True, slots=True)
class _Ending:
    """How the open recognition ends: what is said last, and whether the socket is closed."""

    reason: EndReason | None = EndReason.NORMAL
    """Of END; None where FATAL_ERROR stands in its place."""
    fault: ProtocolError | None = None
    close: Close | None = None


class SisConversation:
    """One connection's. See `rasr.wire.dialect.Conversation`."""

    def __init__(
        self,
        mode: Mode,
        settings: SessionSettings,
        new_trace_id: Callable[[], str],
        *,
        now: float,
    ) -> None:
        self._mode = mode
        self._traits = MODE_TRAITS[mode]
        self._settings = settings
        self._new_trace_id = new_trace_id
        self._effects: list[Effect] = []
        self._state = State.IDLE
        self._connection_trace_id = new_trace_id()
        """Of messages outside of any recognition."""
        self._trace_id = self._connection_trace_id
        """Of the messages of the open recognition."""
        self._config: StartConfig | None = None
        """Of the newest START that was accepted as a message."""
        self._ending = _Ending()
        self._shown_text = ""
        """Of the newest partial, so that one that says nothing new is not sent."""
        self._audio_refused = False
        """Audio outside of a recognition was answered once already; more of it is ignored."""
        self._late: list[ProtocolError] = []
        """Answers to commands that came before END was answered; they wait for it."""
        self._leaving: Close | None = None
        """No new recognitions: this closes the socket once the open one has ended."""
        self._heard_at = now
        self._ends_at = now + settings.connection_s

    # What the client does

    def receive(self, message: str | bytes, *, now: float) -> None:
        """A text or binary frame."""
        self._heard_at = now
        if self._state is State.CLOSED:
            return
        if isinstance(message, bytes):
            self._audio(message)
        else:
            self._command(message)
        self._close_if_leaving()

    def receive_eof(self) -> None:
        """The peer is gone, with or without a closing handshake."""
        self._move(Input.EOF)

    def _command(self, text: str) -> None:
        try:
            message = decode_client(text, self._mode)
        except ProtocolError as fault:
            self._fail(Input.FAULT, fault)
            return
        match message:
            case Start():
                self._start(message.config)
            case End():
                self._end(Input.CANCEL if message.cancel else Input.END)
            case _:
                assert_never(message)

    def _start(self, config: StartConfig) -> None:
        if self._state is not State.IDLE:
            self._fail(
                Input.START,
                ProtocolError(
                    ErrorCode.INVALID,
                    "'command' is invalid: START came in the middle of a round; "
                    "allowed: END, and START after END was answered",
                ),
            )
            return
        self._move(Input.START)
        self._config = config
        self._effects.append(
            AccessRequest(
                model=config.property.name,
                language=config.property.language,
                sample_rate=config.property.sample_rate,
                hot_words=config.user_words or (),
                vocabulary_id=config.vocabulary_id,
                caption_channel=config.caption_channel,
            )
        )

    def _end(self, what: Input) -> None:
        if self._state is not State.OPEN:
            self._fail(
                what,
                ProtocolError(
                    ErrorCode.INVALID,
                    "'command' is invalid: END came outside of a round; allowed: START",
                ),
            )
        elif self._move(what) is Action.CANCEL:
            self._ending = _Ending(EndReason.CANCEL)
            self._effects.append(Cancel())
        else:
            self._finish(_Ending())

    def _audio(self, data: bytes) -> None:
        longest = self._settings.max_message_bytes
        if len(data) > longest:
            self._fail(
                Input.FAULT,
                ProtocolError(
                    ErrorCode.INVALID,
                    f"the binary frame is too long: {len(data)} bytes; allowed: at most {longest}",
                ),
            )
            return
        match self._move(Input.AUDIO):
            case Action.FEED:
                self._effects.append(Feed(data))
            case Action.COMPLAIN if data and not self._audio_refused:
                self._answer(
                    ProtocolError(
                        ErrorCode.INVALID,
                        f"audio came outside of a round: {len(data)} bytes; allowed: a text frame "
                        'with {"command":"START","config":{…}} first',
                    )
                )

    # What the server does

    def granted(self, grant: Grant, *, now: float) -> None:
        """The answer to START: it may."""
        self._heard_at = now
        config = self._config
        if self._state is State.ASKING and self._leaving is not None:
            self._fail(Input.REFUSED, ProtocolError(ErrorCode.FULL, self._leaving.reason))
        elif config is not None and self._move(Input.GRANTED) is Action.BEGIN:
            self._audio_refused = False
            self._ending = _Ending()
            self._shown_text = ""
            self._trace_id = self._new_trace_id()
            self._effects.append(Send(Started(self._trace_id)))
            self._effects.append(Open(self._recognition(config, grant), self._trace_id))
        self._close_if_leaving()

    def refused(self, refusal: Refusal, *, now: float) -> None:
        """The answer to START: it may not."""
        self._heard_at = now
        if self._config is not None:
            self._fail(Input.REFUSED, _refusal(refusal, self._config))
        self._close_if_leaving()

    def shut_down(self) -> None:
        """The server stops: an open recognition gets its finals and END, then the socket closes."""
        self._leave(Close(CLOSE_GOING_AWAY, "the server is shutting down"))

    def cut_off(self) -> None:
        """The time to shut down is over: close, whatever is not finished."""
        self._close(Input.CUT, Close(CLOSE_GOING_AWAY, "the server is shutting down"))

    def break_off(self) -> None:
        """The server itself failed this connection: say so, close."""
        fault = ProtocolError(ErrorCode.INTERNAL, "the server failed; the connection is closed")
        self._close(Input.BREAK, Close(CLOSE_INTERNAL, fault.message), fault)

    # Time

    def deadline(self) -> float | None:
        """When `advance` is to be called, on the clock of `now`; None for never."""
        if self._state is State.CLOSED:
            return None
        if not self._is_idle_timed:
            return self._ends_at
        return min(self._ends_at, self._heard_at + self._settings.idle_s)

    def advance(self, *, now: float) -> None:
        """Let time pass. It does nothing before `deadline`."""
        idle_s = self._settings.idle_s
        if now >= self._ends_at:
            # The client did nothing wrong: what it said so far is finished in the normal way.
            self._ends_at = float("inf")
            self._leave(Close(CLOSE_NORMAL, "the connection has reached its longest time"))
        elif self._is_idle_timed and now >= self._heard_at + idle_s:
            fault = ProtocolError(
                ErrorCode.IDLE, f"wait voice timeout: no message for {idle_s:g} s"
            )
            close = Close(CLOSE_NORMAL, "no message for too long")
            if self._state is State.OPEN:
                self._move(Input.TIMEOUT)
                self._finish(_Ending(None, fault, close))
            else:
                self._close(Input.TIMEOUT, close, fault)

    @property
    def _is_idle_timed(self) -> bool:
        # While START or END is being answered the client waits for us, not we for it.
        return self._state in (State.IDLE, State.OPEN)

    # What the recognition reports

    def event(self, event: RecognitionEvent, *, now: float) -> None:
        """The open recognition reports something."""
        if self._state is State.CLOSED:
            return
        if self._state is State.CLOSING:
            # The idle rule starts anew when END is answered, however long the answer took.
            self._heard_at = now
        match event:
            case Partial():
                if event.hypothesis.text != self._shown_text:
                    self._shown_text = event.hypothesis.text
                    self._result(event)
            case Final():
                self._final(event)
            case SpeechStarted():
                if self._traits.voice_events:
                    self._event(EventName.VOICE_START, event.onset_sample)
            case HeadSilence():
                if self._traits.voice_events:
                    self._event(EventName.EXCEEDED_SILENCE, event.at_sample)
            case LimitReached():
                self._limit_reached(event)
            case Warning():
                at_ms = event_ms(event.at_sample)
                message = Event(self._trace_id, EventName.WARNING, at_ms, event.code, event.message)
                self._effects.append(Send(message))
            case Failure():
                self._move(Input.FAILED)
                self._blame(ProtocolError(_FAULTS[event.kind], event.message))
            case Done():
                self._done(event)
            case SpeechEnded() | Mark():
                # VOICE_END follows the final, and a SIS client has no flush.
                pass
            case _:
                assert_never(event)
        self._close_if_leaving()

    def _final(self, final: Final) -> None:
        self._shown_text = ""
        # In short modes the one final is sent without text too: no reply looks like loss.
        if final.hypothesis.text or not self._traits.endpoints:
            self._result(final)
        if self._traits.voice_events:
            # The final comes first: clients are known to stop reading at VOICE_END.
            said = bool(final.hypothesis.text)
            name = EventName.VOICE_END if said else EventName.EXCEEDED_SILENCE
            self._event(name, final.end_sample)

    def _limit_reached(self, event: LimitReached) -> None:
        if not self._settings.strict_audio_limit:
            self._event(EventName.EXCEEDED_AUDIO, event.at_sample)
            return
        seconds = self._traits.max_audio_s
        fault = ProtocolError(
            ErrorCode.AUDIO_TOO_LONG,
            f"the audio is too long; allowed: {seconds} s in one round of this mode",
        )
        if self._state is State.OPEN:
            self._fail(Input.FAULT, fault)
        else:
            self._blame(fault)

    def _blame(self, fault: ProtocolError) -> None:
        """The recognition ends with this fault, unless something else has ended it already."""
        if self._ending.fault is None and self._ending.reason is not EndReason.CANCEL:
            self._ending = replace(self._ending, reason=EndReason.ERROR, fault=fault)

    def _done(self, event: Done) -> None:
        if self._move(Input.DONE) is not Action.CONCLUDE:
            return
        ending = self._ending
        if event.outcome is Outcome.CANCELLED:
            ending = _Ending(EndReason.CANCEL)
        fault = ending.fault
        if fault is not None:
            fatal = ending.reason is None
            self._send(Error(self._trace_id, fault.code, fault.message, fatal=fatal))
        if ending.reason is not None:
            self._send(EndedMessage(self._trace_id, ending.reason))
        self._effects.append(Ended(fault.code if fault else str(ending.reason)))
        # Audio that was on its way when the recognition ended belongs to nothing and harms nobody.
        self._audio_refused = True
        if ending.close is not None:
            self._close(Input.LEAVE, ending.close)
            return
        late, self._late = self._late, []
        for one in late:
            self._answer(one)

    # Faults and endings

    def _fail(self, what: Input, fault: ProtocolError) -> None:
        """Answer an input with an error, now, at the end of the recognition, or after it."""
        match self._move(what):
            case Action.ANSWER:
                self._answer(fault)
            case Action.POSTPONE:
                if len(self._late) < _MOST_LATE:
                    self._late.append(fault)
            case Action.FINISH:
                self._audio_refused = True
                self._finish(_Ending(EndReason.ERROR, fault))

    def _answer(self, fault: ProtocolError) -> None:
        # Audio that follows a refused START is not worth an answer of its own.
        self._audio_refused = True
        self._send(Error(self._connection_trace_id, fault.code, fault.message))

    def _finish(self, ending: _Ending) -> None:
        self._ending = ending
        self._effects.append(Finish())

    def _leave(self, close: Close) -> None:
        """Finish the recognition that is open, then close."""
        if self._leaving is None and self._state is not State.CLOSED:
            self._leaving = close
            match self._state:
                case State.OPEN:
                    self._move(Input.LEAVE)
                    self._finish(_Ending())
                case State.ASKING | State.CLOSING:
                    self._move(Input.LEAVE)
            self._close_if_leaving()

    def _close_if_leaving(self) -> None:
        if self._leaving is not None and self._state is State.IDLE:
            self._close(Input.LEAVE, self._leaving)

    def _close(self, what: Input, close: Close, fault: ProtocolError | None = None) -> None:
        """Close the connection, whatever is open."""
        was_open = self._state in (State.OPEN, State.CLOSING)
        if self._move(what) is Action.IGNORE:
            return
        if was_open:
            self._effects += [Cancel(), Ended("disconnected")]
        if fault is not None:
            self._send(Error(self._connection_trace_id, fault.code, fault.message, fatal=True))
        self._effects.append(close)

    def _move(self, what: Input) -> Action:
        """Take a step of the table; what is to be done."""
        step = TABLE[self._state][what]
        self._state = step.state
        return step.action

    # Messages

    def effects(self) -> list[Effect]:
        """What is to be done since the last call, in order."""
        drained = self._effects[:]
        self._effects.clear()
        return drained

    def encode(self, message: object) -> str:
        """The JSON text of a message."""
        assert isinstance(message, ServerMessage)
        return encode_server(message)

    def error_of(self, message: object) -> tuple[str, bool] | None:
        """The code of an error message, and whether it is fatal; None for others."""
        return (message.error_code, message.fatal) if isinstance(message, Error) else None

    def _result(self, event: Partial | Final) -> None:
        with_words = self._config is not None and self._config.need_word_info
        segment = segment_of(event, with_words=with_words)
        self._effects.append(
            Send(
                Result(self._trace_id, (segment,)),
                replaceable=not segment.is_final,
                replaces=True,
            )
        )

    def _event(self, name: EventName, at_sample: int) -> None:
        self._send(Event(self._trace_id, name, event_ms(at_sample)))

    def _send(self, message: ServerMessage) -> None:
        self._effects.append(Send(message))

    # What START asks for

    def _recognition(self, config: StartConfig, grant: Grant) -> RecognitionConfig:
        if self._traits.endpoints:
            segmentation = Segmentation(
                head_ms=config.vad_head,
                tail_ms=config.vad_tail,
                max_ms=config.max_seconds * 1000,
                single=self._traits.voice_events,
            )
        else:
            segmentation = Segmentation(tail_ms=SHORT_TAIL_MS, max_ms=SHORT_MAX_MS, joined=True)
        asked = config.warnings
        return RecognitionConfig(
            audio_format=config.audio_format,
            engine=grant.engine,
            text=TextOptions(
                config.property.language, digits=config.digit_norm, punctuation=config.add_punc
            ),
            segmentation=segmentation,
            partials=config.interim_results,
            hot_words=grant.hot_words,
            max_audio_s=self._traits.max_audio_s,
            warnings=self._settings.warnings if asked is None else asked,
        )


def _refusal(refusal: Refusal, config: StartConfig) -> ProtocolError:
    """A refused START in the words of SIS."""
    match refusal.kind:
        case RefusalKind.LANGUAGE:
            return ProtocolError(
                ErrorCode.UNSUPPORTED,
                f"'property' is not supported: {config.property.name!r}; "
                f"languages on this server: {refusal.detail}",
            )
        case RefusalKind.VOCABULARY:
            return ProtocolError(
                ErrorCode.NO_VOCABULARY,
                f"'vocabulary_id' is invalid: there is no vocabulary "
                f"{(config.vocabulary_id or '')[:60]!r} on this server",
            )
        case RefusalKind.CHANNEL_BUSY:
            return ProtocolError(
                ErrorCode.INVALID,
                f"'caption_channel' is invalid: it is {config.caption_channel!r}, to which another "
                "round is publishing; allowed: a channel without an open round",
            )
        case RefusalKind.CHANNELS_FULL:
            return ProtocolError(ErrorCode.FULL, f"'caption_channel' is refused: {refusal.detail}")
        case RefusalKind.CAPACITY:
            return ProtocolError(ErrorCode.FULL, refusal.detail)
        case _:
            assert_never(refusal.kind)
