"""One round, from START to END: sound in, utterances and results out.

Pure: bytes and hypotheses come in, effects are appended to a list that the machine owns. It never
reads a clock; its only time is the number of samples it was given.

Here is what is heard and when a round ends; what is said, and in which order, is
`rasr.session.teller`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import assert_never

from decoder import HotWord, Hypothesis
from decoder.engine import Samples
from rasr.audio import AudioBuffer, AudioCheck, audio_decoder
from rasr.session.effects import (
    Decode,
    Effect,
    FinishUtterance,
    OpenUtterance,
    RoundClosed,
    RoundOpened,
)
from rasr.session.rules import EngineChoice, Services, SessionRules
from rasr.session.teller import Outcome, Teller, Utterance
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import EndReason, EventName, StartConfig, Started
from rasr.wire.sis.modes import MODE_TRAITS, Mode
from vad import (
    Endpoint,
    Endpointer,
    EndpointReason,
    EndpointRules,
    HeadSilence,
    SpeechStarted,
    frame_levels,
)


class State(Enum):
    LISTENING = auto()
    DEAF = auto()
    """Later sound is ignored; END is awaited."""
    CLOSING = auto()
    """The last finals are awaited, then the closing messages go out."""
    OVER = auto()


class WarningCode(StrEnum):
    """`warning` of EVENT WARNING, besides the codes of `rasr.audio.AudioCheck`."""

    WAV_HEADER = "wav_header"
    HOT_WORDS = "hot_words"


_REFUSED_SHOWN = 5
"""Hot words that one warning names."""

NORMAL = Outcome(EndReason.NORMAL)


def _unreadable(sentence: str) -> Outcome:
    return Outcome(EndReason.ERROR, ProtocolError(ErrorCode.INVALID, sentence))


@dataclass(slots=True)
class _Count:
    speech_samples: int = 0
    utterances: int = 0


class Round:
    """A round that has been accepted. Sends START's acknowledgement when it is made."""

    def __init__(
        self,
        *,
        mode: Mode,
        config: StartConfig,
        engine: EngineChoice,
        hot_words: tuple[HotWord, ...],
        services: Services,
        rules: SessionRules,
        trace_id: str,
        first_utterance: int,
        effects: list[Effect],
    ) -> None:
        self.trace_id = trace_id
        self.state = State.LISTENING
        self._traits = MODE_TRAITS[mode]
        self._config = config
        self._engine = engine
        self._rules = rules
        self._effects = effects
        self._teller = Teller(
            trace_id=trace_id,
            traits=self._traits,
            config=config,
            text=services.make_text(config.property.language, config.digit_norm, config.add_punc),
            sample_rate=engine.sample_rate,
            effects=effects,
        )
        self._classifier = services.make_classifier()
        self._warns = rules.warnings if config.warnings is None else config.warnings
        self._inlet = audio_decoder(config.audio_format, self._check_audio if self._warns else None)
        self._audio_check = AudioCheck(self._inlet.source_rate)
        self._tape = AudioBuffer()
        self._endpointer = Endpointer(self._endpoint_rules())
        self._position = 0
        """Samples that have gone through the endpointer, in whole frames."""
        self._limit_sample = self._traits.max_audio_s * engine.sample_rate
        self._next_utterance = first_utterance
        self._open: Utterance | None = None
        self._fed_sample = 0
        """Sound of the open utterance before this has been given to the engine."""
        self._count = _Count()
        self._header_told = False
        self._hot_words = hot_words if engine.hot_words else ()
        self._refusals_told = False

        effects.append(RoundOpened(trace_id, config.property.name, engine.sample_rate))
        self._teller.send(Started(trace_id))
        if hot_words and not engine.hot_words:
            self._warn(
                WarningCode.HOT_WORDS,
                f"the {len(hot_words)} hot words have no effect: the engine {engine.name!r} "
                "knows none",
            )

    # Where the round stands

    @property
    def next_utterance(self) -> int:
        """The first number that this round has not used."""
        return self._next_utterance

    @property
    def over(self) -> bool:
        return self.state is State.OVER

    @property
    def received_s(self) -> float:
        """Sound received so far, up to the limit of the round."""
        return self._tape.end_sample / self._engine.sample_rate

    @property
    def speech_s(self) -> float:
        """Sound given to the engine so far."""
        return self._count.speech_samples / self._engine.sample_rate

    @property
    def most_bytes(self) -> int:
        """How many bytes of audio may be given at once."""
        return self._inlet.most_bytes

    # What the client does

    def audio(self, data: bytes) -> None:
        """Take the next bytes of sound, cut anyhow."""
        if self.state is not State.LISTENING:
            return
        samples = self._inlet.feed(data)
        self._check_header()
        self._take(samples)
        if self._inlet.fault is not None and self.state is State.LISTENING:
            self.end(_unreadable(self._inlet.fault))

    def end(self, outcome: Outcome = NORMAL) -> None:
        """Finish what was received, tell its results, then end as `outcome` says."""
        if self.state is State.LISTENING:
            self._take(self._inlet.flush())
        # Taking the last samples may have ended the sentence, or the round at its limit.
        if self.state is State.LISTENING:
            if self._inlet.fault is not None and outcome is NORMAL:
                outcome = _unreadable(self._inlet.fault)
            self._stop_listening()
        if self.state is not State.DEAF:
            return
        self.state = State.CLOSING
        self._teller.conclude(outcome)
        self._tell()

    def cancel(self) -> None:
        """Drop what is not recognised yet and end at once."""
        if self.state is State.OVER:
            return
        self._open = None
        self._teller.cut_short(Outcome(EndReason.CANCEL))
        self.state = State.CLOSING
        self._tell()

    def vanish(self) -> None:
        """The client is gone: give everything back, say nothing."""
        if self.state is State.OVER:
            return
        self._open = None
        self._teller.drop()
        self._close_books("disconnected")

    # What the engine does

    def hypothesis(self, number: int, hypothesis: Hypothesis, *, final: bool) -> None:
        """Take what the engine makes of utterance `number` now."""
        utterance = self._teller.find(number)
        if utterance is None:
            return
        if final:
            utterance.final = hypothesis
        else:
            utterance.partial = hypothesis
        self._tell()

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        """The engine has no way to say or spell these. The client is told once a round."""
        if self._refusals_told or self.state is State.OVER:
            return
        self._refusals_told = True
        shown = ", ".join(repr(word.text[:20]) for word in words[:_REFUSED_SHOWN])
        more = f" and {len(words) - _REFUSED_SHOWN} more" if len(words) > _REFUSED_SHOWN else ""
        self._warn(
            WarningCode.HOT_WORDS,
            f"these hot words have no effect: {shown}{more}; the model of "
            f"{self._engine.name!r} cannot write them",
        )

    def decode_failed(self, number: int, sentence: str) -> None:
        """The engine gave up on utterance `number`: what else was recognised is still told."""
        utterance = self._teller.find(number)
        if utterance is None:
            return
        # What had been recognised of it is all that there will be.
        utterance.final = utterance.partial or Hypothesis()
        if self._open is utterance:
            self._open = None
            if self.state is State.LISTENING:
                self.state = State.DEAF
        fault = ProtocolError(ErrorCode.RECOGNITION_FAILED, sentence)
        if self._teller.blame(fault):
            self._tell()
        else:
            self.end(Outcome(EndReason.ERROR, fault))

    # Sound → frames → utterances

    def _endpoint_rules(self) -> EndpointRules:
        own = self._traits.endpoints
        max_ms = self._config.max_seconds * 1000 if own else self._rules.short_max_ms
        return EndpointRules(
            frame_samples=self._classifier.frame_samples,
            sample_rate=self._classifier.sample_rate,
            vad_head_ms=self._config.vad_head if own else 0,
            vad_tail_ms=self._config.vad_tail if own else self._rules.short_tail_ms,
            max_ms=max_ms,
            # The margin before an utterance must leave room for the utterance itself.
            pre_roll_ms=min(self._rules.pre_roll_ms, max_ms * 3 // 10),
            # With less the last word's partial would wait for the endpoint.
            post_roll_ms=max(
                self._rules.post_roll_ms,
                self._engine.lookahead_samples * 1000 // self._engine.sample_rate,
            ),
        )

    def _take(self, samples: Samples) -> None:
        room = self._limit_sample - self._tape.end_sample
        self._tape.append(samples[:room])
        self._frames()
        if len(samples) > room and self.state is State.LISTENING:
            self._limit_reached()

    def _frames(self) -> None:
        length = self._classifier.frame_samples
        count = (self._tape.end_sample - self._position) // length
        if count:
            samples = self._tape.read(self._position, self._position + count * length)
            levels = frame_levels(samples, length)
            flags = self._classifier.judge(samples, levels)
            for flag, level in zip(flags, levels, strict=True):
                self._position += length
                for event in self._endpointer.push(flag, level):
                    self._follow(event)
                    # A forced break says two things at once; to a deaf round the second is
                    # nothing. An utterance opened now would never be finished.
                    if self.state is not State.LISTENING:
                        break
                if self.state is not State.LISTENING:
                    break
        if self._open is not None and self._endpointer.is_open:
            self._feed(self._open, self._endpointer.committed_sample)
        self._forget()

    def _follow(self, event: SpeechStarted | Endpoint | HeadSilence) -> None:
        match event:
            case SpeechStarted():
                self._open_utterance(event)
            case Endpoint():
                self._finish_utterance(event)
            case HeadSilence():
                if self._traits.voice_events:
                    self._teller.event(EventName.EXCEEDED_SILENCE, event.at_sample)
                    self.state = State.DEAF
            case _:
                assert_never(event)

    def _open_utterance(self, event: SpeechStarted) -> None:
        utterance = Utterance(self._next_utterance, event.start_sample, event.start_sample)
        self._next_utterance += 1
        self._count.utterances += 1
        self._open = utterance
        self._fed_sample = event.start_sample
        self._teller.expect(utterance)
        if self._traits.voice_events and self._count.utterances == 1:
            self._teller.event(EventName.VOICE_START, event.onset_sample)
        self._effects.append(
            OpenUtterance(
                utterance.number,
                self._engine.name,
                partials=self._config.interim_results,
                hot_words=self._hot_words,
            )
        )

    def _finish_utterance(self, event: Endpoint) -> None:
        utterance = self._open
        if utterance is None:
            return  # The engine has failed on it already.
        self._feed(utterance, event.end_sample)
        silence = max(0, event.end_sample - event.speech_end_sample)
        awaited = event.reason is EndpointReason.CLIENT_END
        self._effects.append(FinishUtterance(utterance.number, silence, awaited))
        self._open = None
        if self._traits.voice_events:
            self.state = State.DEAF

    def _feed(self, utterance: Utterance, end_sample: int) -> None:
        if end_sample <= self._fed_sample:
            return
        samples = self._tape.read(self._fed_sample, end_sample)
        self._effects.append(Decode(utterance.number, samples, end_sample))
        self._count.speech_samples += len(samples)
        self._fed_sample = utterance.end_sample = end_sample

    def _forget(self) -> None:
        if self.state is not State.LISTENING:
            self._tape.forget_before(self._tape.end_sample)
            return
        self._tape.forget_before(self._endpointer.oldest_needed_sample)

    def _stop_listening(self) -> None:
        for event in self._endpointer.flush(self._tape.end_sample):
            self._follow(event)
        self.state = State.DEAF
        self._forget()

    def _limit_reached(self) -> None:
        self._stop_listening()
        seconds = self._traits.max_audio_s
        if self._rules.strict_audio_limit:
            self.end(
                Outcome(
                    EndReason.ERROR,
                    ProtocolError(
                        ErrorCode.AUDIO_TOO_LONG,
                        f"the audio is too long; allowed: {seconds} s in one round of this mode",
                    ),
                )
            )
        else:
            self._teller.reach_limit(self._limit_sample)
            self._tell()

    def _check_header(self) -> None:
        if self._header_told or self._inlet.header is None:
            return
        self._header_told = True
        sentence = self._inlet.contradiction
        if sentence is not None:
            self._warn(WarningCode.WAV_HEADER, sentence)

    def _check_audio(self, samples: Samples) -> None:
        for finding in self._audio_check.feed(samples):
            self._warn(finding.code, finding.message)

    def _tell(self) -> None:
        outcome = self._teller.tell()
        if outcome is not None:
            self._close_books(outcome.name)
            if outcome.close is not None:
                self._effects.append(outcome.close)

    def _close_books(self, reason: str) -> None:
        rate = self._engine.sample_rate
        self._effects.append(
            RoundClosed(
                self.trace_id,
                audio_ms=self._tape.end_sample * 1000 // rate,
                speech_ms=self._count.speech_samples * 1000 // rate,
                utterances=self._count.utterances,
                reason=reason,
            )
        )
        self.state = State.OVER
        self._tape.forget_before(self._tape.end_sample)

    def _warn(self, code: str, sentence: str) -> None:
        if self._warns:
            self._teller.warn(code, sentence, self._tape.end_sample)
