"""From audio as it comes to segments: the front end of every recognition.

It decodes bytes, judges frames, finds where speech begins and ends, and hands out the audio of each
segment once. Live sessions, requests and recordings use the same one. It never reads a clock; its
only time is the number of samples that it was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from decoder.engine import Samples
from rasr.audio import SAMPLE_RATE, AudioBuffer, AudioCheck, audio_decoder
from rasr.recognition.config import RecognitionConfig
from rasr.recognition.events import (
    HeadSilence,
    LimitReached,
    SpeechEnd,
    SpeechEnded,
    SpeechStarted,
    Warning,
    WarningCode,
)
from vad import (
    Classifier,
    Endpointer,
    EndpointReason,
    EndpointRules,
    FlushReason,
    frame_levels,
)
from vad import Endpoint as VadEndpoint
from vad import HeadSilence as VadHeadSilence
from vad import SpeechStarted as VadSpeechStarted

_UNLIMITED = 1 << 62

_REASONS = {
    EndpointReason.SILENCE: SpeechEnd.SILENCE,
    EndpointReason.MAX_LENGTH: SpeechEnd.MAX_LENGTH,
    EndpointReason.FLUSH: SpeechEnd.FLUSH,
    EndpointReason.END: SpeechEnd.END,
}


@dataclass(frozen=True, slots=True)
class Margins:
    """Audio that is decoded around the speech, milliseconds."""

    pre_roll_ms: int
    post_roll_ms: int


@dataclass(frozen=True, slots=True)
class SegmentAudio:
    """The next audio of the open segment."""

    segment: int
    samples: Samples
    end_sample: int


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """Nobody speaks just now: what was handed out may be all of the open segment."""

    segment: int


Finding = (
    SpeechStarted | SpeechPaused | SegmentAudio | SpeechEnded | HeadSilence | LimitReached | Warning
)


class Segmenter:
    """The front end of one recognition. Findings come in the order of the audio."""

    def __init__(self, config: RecognitionConfig, classifier: Classifier, margins: Margins) -> None:
        assert classifier.sample_rate == SAMPLE_RATE, "a classifier of another rate"
        self._segmentation = config.segmentation
        self._classifier = classifier
        self._decoder = audio_decoder(config.audio_format, self._check if config.warnings else None)
        self._warns = config.warnings
        self._audio_check = AudioCheck(self._decoder.source_rate)
        self._buffer = AudioBuffer()
        self._endpointer = Endpointer(_endpoint_rules(config, classifier, margins))
        limit = config.max_audio_s
        self._limit_sample = _UNLIMITED if limit is None else limit * SAMPLE_RATE
        self._findings: list[Finding] = []
        self._position = 0
        """Samples that have gone through the endpointer, in whole frames."""
        self._segment = 0
        """Number of the newest segment."""
        self._is_open = False
        self._fed_sample = 0
        """Audio of the open segment before this has been handed out."""
        self._paused_sample = -1
        """Where the audio ended that was handed out when the last pause was told."""
        self._header_seen = False
        self.listening = True
        """False once later audio is ignored."""
        self.speech_samples = 0
        """Audio handed out in all segments."""

    # What is known of it

    @property
    def received_samples(self) -> int:
        """Audio received, up to the limit."""
        return self._buffer.end_sample

    @property
    def oldest_needed_sample(self) -> int:
        """No segment that is still to come begins before it."""
        # After a flush the frame that is incomplete is still to be judged.
        return min(self._endpointer.oldest_needed_sample, self._position)

    @property
    def segments(self) -> int:
        """So many segments have begun."""
        return self._segment

    @property
    def open_segment(self) -> int | None:
        """The segment whose end has not been found."""
        return self._segment if self._is_open else None

    @property
    def pending(self) -> bool:
        """True if what was fed holds more audio, which is heard with the next `feed`."""
        return self.listening and self._decoder.pending

    @property
    def fault(self) -> str | None:
        """Why the bytes cannot be read as the audio that they were declared to be."""
        return self._decoder.fault

    # What comes in

    def feed(self, data: bytes) -> list[Finding]:
        """Take the next bytes, cut anyhow, and hear the next audio; see `pending`."""
        if self.listening:
            samples = self._decoder.feed(data)
            self._check_header()
            self._take(samples)
        return self._drain()

    def flush(self) -> list[Finding]:
        """End the open segment here. Audio that follows belongs to the next one."""
        if self.listening:
            self._end(EndpointReason.FLUSH)
        return self._drain()

    def drop(self) -> None:
        """Forget the open segment. What follows is heard."""
        if self.listening:
            self._endpointer.drop(self._buffer.end_sample)
            self._is_open = False
            self._forget()

    def finish(self) -> list[Finding]:
        """End the open segment and listen no more, not even to audio that is `pending`."""
        if self.listening and not self.pending:
            self._take(self._decoder.flush())
        # Taking the last samples may have ended the only segment, or reached the limit.
        if self.listening:
            self._end(EndpointReason.END)
            self.stop()
        return self._drain()

    def stop(self) -> None:
        """Listen no more, whatever is open."""
        self.listening = False
        self._is_open = False
        self._buffer.forget_before(self._buffer.end_sample)

    # Audio → frames → segments

    def _take(self, samples: Samples) -> None:
        room = self._limit_sample - self._buffer.end_sample
        self._buffer.append(samples[:room])
        self._frames()
        if len(samples) > room and self.listening:
            self._end(EndpointReason.END)
            self.stop()
            self._findings.append(LimitReached(self._limit_sample))

    def _frames(self) -> None:
        length = self._classifier.frame_samples
        count = (self._buffer.end_sample - self._position) // length
        if count:
            samples = self._buffer.read(self._position, self._position + count * length)
            levels = frame_levels(samples, length)
            flags = self._classifier.judge(samples, levels)
            for flag, level in zip(flags, levels, strict=True):
                self._position += length
                for event in self._endpointer.push(flag, level):
                    self._follow(event)
                if not self.listening:
                    break
        if self._is_open:
            self._hand_out(self._endpointer.committed_sample)
            is_pause = self._endpointer.is_paused and not self._decoder.pending
            if is_pause and self._paused_sample != self._fed_sample:
                self._paused_sample = self._fed_sample
                self._findings.append(SpeechPaused(self._segment))
        self._forget()

    def _end(self, reason: FlushReason) -> None:
        for event in self._endpointer.flush(self._buffer.end_sample, reason):
            self._follow(event)
        self._forget()

    def _follow(self, event: VadSpeechStarted | VadEndpoint | VadHeadSilence) -> None:
        # A forced break says two things at once. After the only segment the second is nothing:
        # a segment opened then would never be finished.
        if not self.listening:
            return
        match event:
            case VadSpeechStarted():
                self._segment += 1
                self._is_open = True
                self._fed_sample = event.start_sample
                self._findings.append(
                    SpeechStarted(self._segment, event.start_sample, event.onset_sample)
                )
            case VadEndpoint():
                self._hand_out(event.end_sample)
                self._is_open = False
                self._findings.append(
                    SpeechEnded(
                        self._segment,
                        event.end_sample,
                        event.speech_end_sample,
                        _REASONS[event.reason],
                    )
                )
                if self._segmentation.single:
                    self.stop()
            case VadHeadSilence():
                self._findings.append(HeadSilence(event.at_sample))
                if self._segmentation.single:
                    self.stop()
            case _:
                assert_never(event)

    def _hand_out(self, end_sample: int) -> None:
        if end_sample <= self._fed_sample:
            return
        samples = self._buffer.read(self._fed_sample, end_sample)
        self._findings.append(SegmentAudio(self._segment, samples, end_sample))
        self.speech_samples += len(samples)
        self._fed_sample = end_sample

    def _forget(self) -> None:
        if self.listening:
            self._buffer.forget_before(self.oldest_needed_sample)

    # What is wrong with it

    def _check_header(self) -> None:
        if self._header_seen or self._decoder.header is None:
            return
        self._header_seen = True
        sentence = self._decoder.contradiction
        if sentence is not None and self._warns:
            self._findings.append(Warning(WarningCode.WAV_HEADER, sentence, self.received_samples))

    def _check(self, samples: Samples) -> None:
        for found in self._audio_check.feed(samples):
            self._findings.append(Warning(found.code, found.message, self.received_samples))

    def _drain(self) -> list[Finding]:
        findings, self._findings = self._findings, []
        return findings


def _endpoint_rules(
    config: RecognitionConfig, classifier: Classifier, margins: Margins
) -> EndpointRules:
    asked = config.segmentation
    return EndpointRules(
        frame_samples=classifier.frame_samples,
        sample_rate=SAMPLE_RATE,
        vad_head_ms=asked.head_ms,
        vad_tail_ms=asked.tail_ms,
        max_ms=asked.max_ms,
        # The margin before a segment must leave room for the segment itself.
        pre_roll_ms=min(margins.pre_roll_ms, asked.max_ms * 3 // 10),
        # With less the last word's partial would wait for the endpoint.
        post_roll_ms=max(
            margins.post_roll_ms, config.engine.lookahead_samples * 1000 // SAMPLE_RATE
        ),
    )
