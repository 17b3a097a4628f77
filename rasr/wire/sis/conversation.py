"""The conversation of one SIS connection: commands and audio in, messages out.

It owns the order of commands (`rasr.wire.sis.states`), the modes, the idle rule, the life of the
connection, and what each event of a recognition becomes. It has no loop, no socket and no clock. A
fault of the peer never raises: it becomes an ERROR for the peer.
"""

from __future__ import annotations

from collections.abc import Callable

from rasr.recognition.events import (
    Done,
    Failure,
    Outcome,
    RecognitionEvent,
)
from rasr.settings import SessionSettings
from rasr.wire.dialect import (
    Cancel,
    Close,
    Effect,
    Ended,
    Farewell,
    Finish,
    Grant,
    Open,
    Refusal,
    RefusalKind,
    Send,
)
from rasr.wire.sis.codec import encode_server
from rasr.wire.sis.ending import (
    CLOSE_GOING_AWAY,
    CLOSE_INTERNAL,
    CLOSE_NORMAL,
    LONGEST_LIFE,
    Ending,
    Leaving,
)
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import (
    EndReason,
    Error,
    ServerMessage,
    StartConfig,
    Started,
)
from rasr.wire.sis.modes import MODE_TRAITS, Mode
from rasr.wire.sis.received import Received, read
from rasr.wire.sis.reports import Reports
from rasr.wire.sis.request import access_request, fault_of, fault_of_failure, recognition_config
from rasr.wire.sis.resuming import NOT_TAKEN_UP, ResumeOffers
from rasr.wire.sis.states import TABLE, Action, Input, State
from rasr.wire.sis.time_limits import IDLE_REASON, Expired, TimeLimits

_MOST_LATE = 16
"""Answers kept for commands sent before END was answered; a flood of them gets no more."""


class SisConversation:
    """One connection's. See `rasr.wire.dialect.Conversation`."""

    def __init__(
        self,
        mode: Mode,
        settings: SessionSettings,
        new_trace_id: Callable[[], str],
        *,
        now: float,
        offers: ResumeOffers | None = None,
    ) -> None:
        self._mode = mode
        self._traits = MODE_TRAITS[mode]
        self._settings = settings
        self._new_trace_id = new_trace_id
        self._effects: list[Effect] = []
        self._state = State.IDLE
        self._connection_trace_id = new_trace_id()
        """Of messages outside of any recognition."""
        self._trace_id = ""
        self._config: StartConfig | None = None
        """Of the newest START that was valid."""
        self._ending = Ending()
        self._reports: Reports | None = None
        self._audio_refused = False
        """Audio outside of a recognition was answered once already; more of it is ignored."""
        self._late: list[ProtocolError] = []
        """Answers to commands that came before END was answered; they wait for it."""
        self._leaving: Leaving | None = None
        """No new recognitions: this closes the socket once the open one has ended."""
        self._limits = TimeLimits(settings, now)
        self._offers = offers
        self._is_numbered = False

    # What the client does

    def receive(self, message: str | bytes, *, now: float) -> None:
        """A text or binary frame."""
        self._limits.heard(now)
        if self._state is State.CLOSED:
            return
        received = read(message, self._mode, self._settings.max_message_bytes)
        if received.input is Input.ACK and not self._is_numbered:
            received = Received(Input.FAULT, broken=received.fault())
        match self._move(received.input):
            case Action.FEED | Action.CANCEL | Action.ACKNOWLEDGE | Action.TAKE_UP:
                self._effects.append(received.effect())
            case Action.ASK if received.config is not None:
                self._config = received.config
                self._effects.append(access_request(received.config))
            case Action.FINISH if received.input is Input.END:
                self._finish(Ending())
            case Action.COMPLAIN:
                if received.data and not self._audio_refused:
                    self._answer(received.fault())
            case action:
                self._fail(action, received.fault())

    def heard(self, *, now: float) -> None:
        """What the peer has sent is still being taken: it is not silent."""
        self._limits.heard(now)

    def receive_eof(self) -> None:
        """The peer is gone, with or without a closing handshake."""
        self._move(Input.EOF)

    # What the server does

    def granted(self, grant: Grant, *, now: float) -> None:
        """The answer to START: it may."""
        self._limits.heard(now)
        config = self._config
        if self._leaving is not None:
            self.refused(Refusal(RefusalKind.CAPACITY, self._leaving.close.reason), now=now)
        elif config is not None and self._move(Input.GRANTED) is Action.BEGIN:
            self._ending = Ending()
            self._trace_id = self._new_trace_id()
            self._reports = Reports(self._trace_id, self._traits, config)
            offer = None
            if config.resume and self._offers is not None:
                resumable, offer = self._offers.make(self._trace_id)
                self._effects.append(resumable)
            self._is_numbered = offer is not None
            self._send(Started(self._trace_id, offer))
            recognition = recognition_config(config, self._traits, grant, self._settings)
            self._effects.append(Open(recognition, self._trace_id))

    def refused(self, refusal: Refusal, *, now: float) -> None:
        """The answer to START: it may not."""
        self._limits.heard(now)
        if self._config is not None:
            self._fail(self._move(Input.REFUSED), fault_of(refusal, self._config))
        self._close_if_leaving()

    def not_taken_up(self) -> None:
        """The answer to RESUME where it cannot be."""
        self._fail(self._move(Input.REFUSED), NOT_TAKEN_UP)
        self._close_if_leaving()

    def shut_down(self, farewell: Farewell = Farewell.SHUTDOWN) -> None:
        """The server ends the connection: an open recognition gets its finals and its END, or
        FATAL_ERROR where the client is to know why; then the socket closes."""
        self._leave(Leaving.of(farewell))

    def cut_off(self) -> None:
        """The time to shut down is over: close, whatever is not finished."""
        self._close(Input.CUT, Close(CLOSE_GOING_AWAY, Farewell.SHUTDOWN))

    def break_off(self) -> None:
        """The server itself failed this connection: say so, close."""
        fault = ProtocolError(ErrorCode.INTERNAL, "the server failed; the connection is closed")
        self._close(Input.BREAK, Close(CLOSE_INTERNAL, fault.message), fault)

    # Time

    def deadline(self) -> float | None:
        """When `advance` is to be called, on the clock of `now`; None for never."""
        if self._state is State.CLOSED:
            return None
        return self._limits.deadline(idle=self._is_idle_timed)

    def advance(self, *, now: float) -> None:
        """Let time pass. It does nothing before `deadline`."""
        match self._limits.expired(now, idle=self._is_idle_timed):
            case Expired.LIFE:
                self._leave(LONGEST_LIFE)
            case Expired.IDLE:
                fault, close = self._limits.idle_fault, Close(CLOSE_NORMAL, IDLE_REASON)
                if self._state is State.OPEN:
                    self._move(Input.TIMEOUT)
                    self._finish(Ending(None, fault, close))
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
            self._limits.heard(now)
        match event:
            case Failure():
                self._move(Input.FAILED)
                self._ending = self._ending.blamed_on(fault_of_failure(event, self._traits))
            case Done():
                self._done(event)
            case _ if self._reports is not None:
                self._effects += self._reports.of(event)
        self._close_if_leaving()

    def _done(self, event: Done) -> None:
        if self._move(Input.DONE) is not Action.CONCLUDE:
            return
        ending = self._ending
        if event.outcome is Outcome.CANCELLED:
            ending = Ending(EndReason.CANCEL)
        for message in ending.messages(self._trace_id):
            self._send(message)
        self._effects.append(Ended(ending.name, succeeded=ending.reason is EndReason.NORMAL))
        # Audio that was on its way when the recognition ended belongs to nothing and harms nobody.
        self._audio_refused = True
        if ending.close is not None:
            self._close(Input.LEAVE, ending.close)
            return
        late, self._late = self._late, []
        for one in late:
            self._answer(one)

    # Faults and endings

    def _fail(self, action: Action, fault: ProtocolError) -> None:
        """Answer with an error: now, at the end of the recognition, or after it."""
        match action:
            case Action.ANSWER:
                self._answer(fault)
            case Action.POSTPONE:
                if len(self._late) < _MOST_LATE:
                    self._late.append(fault)
            case Action.FINISH:
                self._finish(Ending(EndReason.ERROR, fault))

    def _answer(self, fault: ProtocolError) -> None:
        # Audio that follows a refused START is not worth an answer of its own.
        self._audio_refused = True
        self._send(Error(self._connection_trace_id, fault.code, fault.message))

    def _finish(self, ending: Ending) -> None:
        self._ending = ending
        self._effects.append(Finish())

    def _leave(self, leaving: Leaving) -> None:
        """Finish the recognition that is open, or wait for its end, then close."""
        if (self._leaving is None or self._leaving.waits) and self._state is not State.CLOSED:
            self._leaving = leaving
            match self._state:
                case State.OPEN if not leaving.waits:
                    self._move(leaving.input)
                    self._finish(leaving.ending)
                case State.ASKING | State.CLOSING:
                    self._move(leaving.input)
            self._close_if_leaving()

    def _close_if_leaving(self) -> None:
        if self._leaving is not None and self._state is State.IDLE:
            self._close(self._leaving.input, self._leaving.close, self._leaving.fault)

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
        drained, self._effects = self._effects, []
        return drained

    def encode(self, message: object) -> str:
        """The JSON text of a message."""
        assert isinstance(message, ServerMessage)
        return encode_server(message)

    def _send(self, message: ServerMessage) -> None:
        if isinstance(message, Error):
            self._effects.append(Send(message, error=message.error_code, fatal=message.fatal))
        else:
            self._effects.append(Send(message))
