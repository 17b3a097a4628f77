"""The front end of a recognition on its own: bytes in, findings out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rasr.recognition.config import Segmentation
from rasr.recognition.events import LimitReached, SpeechEnd, SpeechEnded, SpeechStarted, Warning
from rasr.recognition.segmenter import Finding, Margins, SegmentAudio, Segmenter, SpeechPaused
from tests.recognition.talk import LoudIsSpeech, config, hush, speech

MS = 16
"""Samples."""
HEADER_OF_8_KHZ = bytes.fromhex(
    "52494646 24000000 57415645 666d7420 10000000 0100 0100 401f0000 803e0000 0200 1000"
    "64617461 00000000"
)


class Eager(Segmenter):
    """Takes all of what it is fed at once, and not in turns with others."""

    def feed(self, data: bytes) -> list[Finding]:
        found = super().feed(data)
        while self.pending:
            found += super().feed(b"")
        return found


def segmenter(segmentation: Segmentation | None = None, **fields: Any) -> Segmenter:
    return Eager(config(segmentation or Segmentation(), fields), LoudIsSpeech(), Margins(300, 300))


def kinds(findings: list[Finding]) -> list[type[Finding]]:
    return [type(one) for one in findings]


class TestHeader:
    @pytest.mark.parametrize("cut", [1, 20, 43, 44])
    def test_one_that_contradicts_is_told_once_however_it_is_cut(self, cut: int) -> None:
        front = segmenter(warnings=True)
        data = HEADER_OF_8_KHZ + hush(400)
        found = front.feed(data[:cut]) + front.feed(data[cut : cut + 4000])
        found += front.feed(data[cut + 4000 :]) + front.feed(hush(100))
        (warning,) = [one for one in found if isinstance(one, Warning)]
        assert (warning.code, warning.at_sample) == ("wav_header", 0)

    def test_it_is_not_audio(self) -> None:
        front = segmenter(warnings=False)
        assert front.feed(HEADER_OF_8_KHZ + hush(400)) == []
        assert front.received_samples == 400 * MS

    def test_one_that_agrees_is_not_told(self) -> None:
        fits = HEADER_OF_8_KHZ.replace(bytes.fromhex("401f0000803e0000"), b"\x80\x3e\0\0\0\x7d\0\0")
        front = segmenter(warnings=True)
        assert front.feed(fits + hush(100)) == []


class TestSegments:
    def test_audio_is_handed_out_between_start_and_end_and_then_forgotten(self) -> None:
        front = segmenter(Segmentation(tail_ms=300))
        found = front.feed(hush(400) + speech(240) + hush(360))
        assert kinds(found) == [SpeechStarted, SegmentAudio, SpeechEnded]
        started, audio, ended = found
        assert isinstance(started, SpeechStarted)
        assert isinstance(audio, SegmentAudio)
        assert isinstance(ended, SpeechEnded)
        assert (started.segment, audio.segment, ended.segment) == (1, 1, 1)
        assert (started.start_sample, audio.end_sample) == (100 * MS, ended.end_sample)
        assert len(audio.samples) == front.speech_samples == ended.end_sample - 100 * MS
        assert (front.segments, front.open_segment) == (1, None)

    def test_a_pause_is_told_anew_only_behind_more_audio(self) -> None:
        front = segmenter(Segmentation(tail_ms=2000))
        front.feed(speech(600))
        assert front.open_segment == 1
        assert kinds(front.feed(hush(400))) == [SegmentAudio, SpeechPaused]
        assert front.feed(hush(400)) == []
        found = front.feed(speech(300) + hush(400))
        assert kinds(found) == [SegmentAudio, SpeechPaused]
        assert front.speech_samples == (600 + 400 + 400 + 300 + 300) * MS

    def test_after_a_stop_nothing_is_open_and_nothing_is_heard(self) -> None:
        front = segmenter()
        front.feed(speech(600))
        front.stop()
        assert (front.open_segment, front.listening) == (None, False)
        received, said = front.received_samples, front.speech_samples
        assert front.feed(speech(600)) == front.flush() == front.finish() == []
        front.drop()
        assert (front.received_samples, front.speech_samples) == (received, said)

    def test_after_a_drop_nothing_is_open_and_what_follows_is_heard(self) -> None:
        front = segmenter()
        front.feed(speech(600))
        front.drop()
        assert front.open_segment is None
        found = front.feed(speech(600))
        assert isinstance(found[0], SpeechStarted)
        assert found[0].segment == 2
        assert found[0].start_sample == 600 * MS

    def test_the_end_closes_what_is_open_with_the_frame_that_is_not_whole(self) -> None:
        front = segmenter()
        front.feed(speech(600) + speech(20)[:100])
        found = front.finish()
        ended = found[-1]
        assert isinstance(ended, SpeechEnded)
        assert (ended.reason, ended.end_sample) == (SpeechEnd.END, 600 * MS + 50)
        assert front.speech_samples == 600 * MS + 50
        assert not front.listening
        assert front.finish() == front.feed(speech(600)) == []

    def test_one_segment_may_be_all(self) -> None:
        front = segmenter(Segmentation(tail_ms=300, single=True))
        found = front.feed(speech(600) + hush(400) + speech(600) + hush(400))
        assert kinds(found) == [SpeechStarted, SegmentAudio, SpeechEnded]
        assert not front.listening


class TestLimit:
    def test_the_last_sample_within_it_counts_and_the_next_one_is_too_much(self) -> None:
        front = segmenter(max_audio_s=1)
        assert LimitReached not in kinds(front.feed(speech(1000)))
        assert front.received_samples == 16_000
        found = front.feed(speech(20)[:2])
        assert kinds(found)[-2:] == [SpeechEnded, LimitReached]
        assert found[-1] == LimitReached(16_000)
        assert front.received_samples == 16_000
        assert not front.listening

    def test_without_one_it_goes_on(self) -> None:
        front = segmenter()
        for _ in range(120):
            assert front.feed(hush(1000)) == []
        assert front.received_samples == 120 * 16_000


def test_margins_leave_room_for_short_segments() -> None:
    front = segmenter(Segmentation(max_ms=500))
    (started, *_) = front.feed(hush(500) + speech(100))
    assert isinstance(started, SpeechStarted)
    assert started.onset_sample - started.start_sample == 150 * MS


def test_a_fault_of_the_audio_check_is_told_where_it_was_found() -> None:
    front = segmenter(warnings=True)
    found = front.feed(np.zeros(16_000 * 8, "<i2").tobytes())
    (warning,) = [one for one in found if isinstance(one, Warning)]
    assert warning.code == "silence"
    assert segmenter(warnings=False).feed(np.zeros(16_000 * 8, "<i2").tobytes()) == []


def test_a_classifier_of_another_rate_is_a_bug_of_the_caller() -> None:
    classifier = LoudIsSpeech()
    classifier.sample_rate = 8000
    with pytest.raises(AssertionError, match="another rate"):
        Segmenter(config(Segmentation(), {}), classifier, Margins(300, 300))
