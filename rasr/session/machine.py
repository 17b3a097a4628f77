"""The session machine: one connection's conversation, as inputs and effects.

It has no loop, no socket and no clock. Each call that depends on time is told `now` (seconds of any
monotonic clock); `deadline` says when `advance` wants to be called. What is to be done is drained
from `effects`. A fault of the peer never raises: it becomes an ERROR for the peer.

A round itself is `rasr.session.round`; here is what surrounds it: commands and their order,
refusals, the idle rule, the life of the connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from decoder import HotWord, Hypothesis
from rasr.session.effects import Close, Effect, OpenChannel, Publish, Send
from rasr.session.round import Round, State
from rasr.session.rules import EngineChoice, Services, SessionRules
from rasr.session.teller import Outcome
from rasr.wire.sis.codec import decode_client
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import End, EndReason, Error, Result, Start, StartConfig
from rasr.wire.sis.modes import Mode

CLOSE_NORMAL = 1000
CLOSE_GOING_AWAY = 1001
CLOSE_INTERNAL = 1011


class SessionMachine:
    """The judge of one connection."""

    def __init__(self, mode: Mode, services: Services, rules: SessionRules, *, now: float) -> None:
        self._mode = mode
        self._services = services
        self._rules = rules
        self._effects: list[Effect] = []
        self._trace_id = services.new_trace_id()
        """Of messages outside of any round."""
        self._round: Round | None = None
        self._captioned = False
        """The newest round publishes its results."""
        self._words_wanted = False
        self._next_utterance = 1
        self._audio_refused = False
        """Sound outside of a round was answered once already; more of it is ignored."""
        self._late: list[ProtocolError] = []
        """Answers to commands that came before END was answered; they wait for it."""
        self._leaving: Close | None = None
        """No new rounds: this closes the socket once the open one has ended."""
        self._closed = False
        self._last_heard = now
        self._ends_at = now + rules.connection_s

    # Inputs

    def receive_text(self, text: str, *, now: float) -> None:
        """A text frame."""
        self._last_heard = now
        if self._closed:
            return
        try:
            message = decode_client(text, self._mode)
            match message:
                case Start():
                    self._start(message.config)
                case End():
                    self._end(cancel=message.cancel)
                case _:
                    assert_never(message)
        except ProtocolError as fault:
            self._fail(fault)
        self._after()

    def receive_audio(self, data: bytes, *, now: float) -> None:
        """A binary frame."""
        self._last_heard = now
        if self._closed:
            return
        if len(data) > self._rules.max_message_bytes:
            self._fail(
                ProtocolError(
                    ErrorCode.INVALID,
                    f"the binary frame is too long: {len(data)} bytes; "
                    f"allowed: at most {self._rules.max_message_bytes}",
                )
            )
        elif self._round is not None:
            self._round.audio(data)
        elif not self._audio_refused and data:
            self._audio_refused = True
            self._fail(
                ProtocolError(
                    ErrorCode.INVALID,
                    f"audio came outside of a round: {len(data)} bytes; allowed: a text frame "
                    'with {"command":"START","config":{…}} first',
                )
            )
        self._after()

    def receive_eof(self) -> None:
        """The peer is gone, with or without a closing handshake."""
        if self._closed:
            return
        self._closed = True
        self._drop_round()

    def hypothesis(
        self, utterance: int, hypothesis: Hypothesis, *, final: bool, now: float
    ) -> None:
        """What an engine makes of an utterance now. Unknown numbers are of abandoned ones."""
        if self._round is not None:
            self._hear_unless_idle_timed(now)
            self._round.hypothesis(utterance, hypothesis, final=final)
            self._after()

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        """The engine cannot prefer these hot words of the round."""
        if self._round is not None:
            self._round.hot_words_refused(words)

    def decode_failed(self, utterance: int, sentence: str, *, now: float) -> None:
        """An engine gave up on an utterance; `sentence` is for the client."""
        if self._round is not None:
            self._hear_unless_idle_timed(now)
            self._round.decode_failed(utterance, sentence)
            self._after()

    def shut_down(self) -> None:
        """The server stops: an open round gets its finals and its END, then the socket closes."""
        if not self._closed:
            self._leave(Close(CLOSE_GOING_AWAY, "the server is shutting down"))
            self._after()

    def break_off(self, fault: ProtocolError) -> None:
        """The house itself failed this connection: say so, close."""
        if self._closed:
            return
        self._drop_round()
        self._effects.append(Send(Error(self._trace_id, fault.code, fault.message, fatal=True)))
        self._close(Close(CLOSE_INTERNAL, fault.message[:120]))

    def cut_off(self) -> None:
        """The time to shut down is over: close, whatever is not finished."""
        if not self._closed:
            self._drop_round()
            self._close(Close(CLOSE_GOING_AWAY, "the server is shutting down"))

    def advance(self, *, now: float) -> None:
        """Let time pass. Does nothing before `deadline`."""
        if self._closed:
            return
        if now >= self._ends_at:
            # The client did nothing wrong: what it said so far is finished in the normal way.
            self._ends_at = float("inf")
            self._leave(Close(CLOSE_NORMAL, "the connection has reached its longest time"))
        elif self._is_idle_timed and now >= self._last_heard + self._rules.idle_s:
            fault = ProtocolError(
                ErrorCode.IDLE,
                f"wait voice timeout: no message for {self._rules.idle_s:g} s",
            )
            self._finish_with(fault, Close(CLOSE_NORMAL, "no message for too long"))
        self._after()

    # Answers

    def deadline(self) -> float | None:
        """When `advance` is to be called, on the clock of `now`; None for never."""
        if self._closed:
            return None
        if not self._is_idle_timed:
            return self._ends_at
        return min(self._ends_at, self._last_heard + self._rules.idle_s)

    def effects(self) -> list[Effect]:
        """What is to be done since the last call, in order."""
        drained = self._effects[:]
        self._effects.clear()
        # What is drained at once is of one round: the next begins with a message of its own.
        return self._with_captions(drained) if self._captioned else drained

    def pieces(self, data: bytes) -> Sequence[bytes]:
        """A binary frame cut so that no `receive_audio` takes long; others may go in between.

        A frame that is refused is refused whole.
        """
        most = None if self._round is None else self._round.most_bytes
        if most is None or len(data) <= most or len(data) > self._rules.max_message_bytes:
            return (data,)
        return [data[at : at + most] for at in range(0, len(data), most)]

    @property
    def received_s(self) -> float:
        """Sound of the open round so far; 0 without one."""
        return 0.0 if self._round is None else self._round.received_s

    @property
    def speech_s(self) -> float:
        """Sound of the open round that the engine was given so far; 0 without one."""
        return 0.0 if self._round is None else self._round.speech_s

    @property
    def closed(self) -> bool:
        return self._closed

    # Commands

    def _start(self, config: StartConfig) -> None:
        if self._round is not None:
            raise ProtocolError(
                ErrorCode.INVALID,
                "'command' is invalid: START came in the middle of a round; "
                "allowed: END, and START after END was answered",
            )
        if self._leaving is not None:
            raise ProtocolError(ErrorCode.FULL, self._leaving.reason)
        engine = self._engine_for(config)
        hot_words = self._hot_words(config)
        if config.caption_channel is not None:
            refused = self._services.channel_refusal(config.caption_channel)
            if refused is not None:
                raise refused
        refusal = self._services.admit(engine.name)
        if refusal is not None:
            raise ProtocolError(ErrorCode.FULL, refusal)
        self._audio_refused = False
        self._captioned = config.caption_channel is not None
        self._words_wanted = config.need_word_info
        if config.caption_channel is not None:
            self._effects.append(OpenChannel(config.caption_channel))
            # The times of cues are those of their words.
            config = replace(config, need_word_info=True)
        self._round = Round(
            mode=self._mode,
            config=config,
            engine=engine,
            hot_words=hot_words,
            services=self._services,
            rules=self._rules,
            trace_id=self._services.new_trace_id(),
            first_utterance=self._next_utterance,
            effects=self._effects,
        )

    def _engine_for(self, config: StartConfig) -> EngineChoice:
        engine = self._services.engine_for(config.property)
        if engine is None:
            here = ", ".join(self._services.languages) or "none"
            raise ProtocolError(
                ErrorCode.UNSUPPORTED,
                f"'property' is not supported: {config.property.name!r}; "
                f"languages on this server: {here}",
            )
        return engine

    def _hot_words(self, config: StartConfig) -> tuple[HotWord, ...]:
        """Those of the vocabulary, then those of START itself; each once."""
        asked = list(config.user_words or ())
        if config.vocabulary_id is not None:
            vocabulary = self._services.vocabulary(config.vocabulary_id)
            if vocabulary is None:
                raise ProtocolError(
                    ErrorCode.NO_VOCABULARY,
                    f"'vocabulary_id' is invalid: there is no vocabulary "
                    f"{config.vocabulary_id[:60]!r} on this server",
                )
            asked = [*vocabulary, *asked]
        return tuple(HotWord(word) for word in dict.fromkeys(asked))

    def _end(self, *, cancel: bool) -> None:
        if self._round is None or self._round.state is State.CLOSING:
            raise ProtocolError(
                ErrorCode.INVALID,
                "'command' is invalid: END came outside of a round; allowed: START",
            )
        if cancel:
            self._round.cancel()
        else:
            self._round.end()

    def _with_captions(self, effects: list[Effect]) -> list[Effect]:
        """Behind each result its publication; words that nobody asked for leave by that door only.

        The client comes first, whatever the channel costs.
        """
        out: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Send) and isinstance(effect.message, Result):
                result = effect.message
                out.append(effect if self._words_wanted else Send(_without_words(result)))
                out.append(Publish(result.segments))
            else:
                out.append(effect)
        return out

    # Faults and endings

    def _fail(self, fault: ProtocolError) -> None:
        if self._round is None:
            # Sound that follows a refused START is not worth an answer of its own.
            self._audio_refused = True
            self._effects.append(Send(Error(self._trace_id, fault.code, fault.message)))
        elif self._round.state is State.CLOSING:
            # Its END is on the way. The order of answers must not depend on the engine's speed.
            if len(self._late) < _MOST_LATE:
                self._late.append(fault)
        else:
            self._audio_refused = True
            self._round.end(Outcome(EndReason.ERROR, fault))

    def _finish_with(self, fault: ProtocolError, close: Close) -> None:
        if self._round is not None and self._round.state is not State.CLOSING:
            self._round.end(Outcome(None, fault, close))
            return
        self._drop_round()
        self._effects.append(Send(Error(self._trace_id, fault.code, fault.message, fatal=True)))
        self._close(close)

    def _leave(self, close: Close) -> None:
        """Finish the round that is open, then close."""
        if self._leaving is None:
            self._leaving = close
            if self._round is not None:
                self._round.end()

    def _drop_round(self) -> None:
        if self._round is not None:
            self._round.vanish()
            self._round = None

    def _after(self) -> None:
        """Follow a round that has just ended."""
        if self._round is not None and self._round.over:
            self._next_utterance = self._round.next_utterance
            self._round = None
            # Sound that was on its way when the round ended belongs to nothing and harms nobody.
            self._audio_refused = True
            late, self._late = self._late, []
            for fault in late:
                self._fail(fault)
        if any(isinstance(effect, Close) for effect in self._effects):
            self._closed = True
        elif self._leaving is not None and self._round is None and not self._closed:
            self._close(self._leaving)

    def _close(self, close: Close) -> None:
        self._effects.append(close)
        self._closed = True

    def _hear_unless_idle_timed(self, now: float) -> None:
        """The idle rule starts anew when END is answered, however long the answer took."""
        if not self._is_idle_timed:
            self._last_heard = now

    @property
    def _is_idle_timed(self) -> bool:
        # While END is being answered the client waits for us, not we for it.
        return self._round is None or self._round.state is not State.CLOSING


def _without_words(result: Result) -> Result:
    return replace(result, segments=tuple(replace(s, word_info=None) for s in result.segments))


_MOST_LATE = 16
"""Answers kept for commands sent before END was answered; a flood of them gets no more."""
