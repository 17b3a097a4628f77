"""The rules of the oracle for audio: what each word must be, and what must be in finals.

The audio is made comparable with the server's own decoder, whole instead of in pieces, and words
with the fake engine: each is a hash of a quarter of a second, so that the words of a stretch of
audio are known, and audio that was lost, doubled or moved shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from bench.conversations.answers import RoundAnswers, bare, words_of
from bench.conversations.sounds import heard as heard_as
from decoder import Hypothesis
from decoder.fake import FakeEngine, FakeOptions
from rasr.audio import SAMPLE_RATE, Samples
from rasr.client import Mode

_PER_MS = SAMPLE_RATE // 1000
_MARGIN_MS = 200
"""By so much a classifier may be late to notice that speech begins."""
_HANGOVER_MS = 400
"""By so much it may be late to notice that it is over."""
_EDGE_MS = 20
"""So much at either end of a stretch of speech may be lost: the margins make up for the rest."""
_SHORT_TAIL_MS = 300
"""With less, silence ends a sentence before its margin has been heard, and more may be lost."""
_SHORT_TAIL_EDGE_MS = 150
_PAUSE_WITH_STOP_MS = 500
"""With punctuation, pauses from about here on may end a sentence that `vad_tail` does not."""
_SHORTEST_SAMPLES = 3
"""A recording whose last block has fewer samples than this is not compared."""


class AudioRules:
    """Applied to one round."""

    def __init__(self, answers: RoundAnswers) -> None:
        self._answers = answers
        self._round = answers.round
        self._faults: list[str] = []
        recording = self._round.recording
        samples = heard_as(recording.encoded(), recording.audio_format)
        self._samples = samples[: answers.audio_ms * _PER_MS]

    def faults(self) -> list[str]:
        """Each in one sentence."""
        self._check_words()
        if self._answers.is_whole:
            self._check_finals()
        return self._faults

    def _fault(self, sentence: str) -> None:
        self._faults.append(sentence)

    def _check_words(self) -> None:
        """Every word is that of the audio where it is said to be."""
        for segment in self._answers.segments:
            words = segment["result"].get("word_info")
            if self._answers.has_endpoints:
                spans = [(segment["start_time"], segment["end_time"], words_of(segment))]
            elif words is not None:
                # One text of several segments, whose blocks do not follow each other.
                spans = [(w["start_time"], w["end_time"], [bare(w["word"])]) for w in words]
            else:
                continue
            for start_ms, end_ms, said in spans:
                if not self._is_said(start_ms, end_ms, said):
                    self._fault(f"{said} is not what the audio says from {start_ms} to {end_ms} ms")
                    return

    def _is_said(self, start_ms: int, end_ms: int, said: list[str]) -> bool:
        start, end = start_ms * _PER_MS, end_ms * _PER_MS
        # Whole milliseconds are rounded where the audio ends, and with it the last word.
        near = (0, *range(-_PER_MS // 2, _PER_MS // 2 + 1))
        return any(_words_of(self._samples[start : end + more]) == said for more in near)

    def _check_finals(self) -> None:
        """What must be in finals, and which finals there must be."""
        if not self._answers.has_endpoints:
            if len(self._answers.finals) != 1:
                self._fault(f"{len(self._answers.finals)} finals, 1 expected")
            self._check_covered(self._speech())
        elif self._answers.mode is Mode.CONTINUE:
            self._check_covered(self._speech())
            self._check_pauses()
            self._check_lengths()
        else:
            self._check_sentence()

    def _speech(self) -> list[tuple[int, int]]:
        spans = self._round.recording.spans(True)
        return [
            (start, min(end, self._answers.audio_ms))
            for start, end in spans
            if start < self._answers.audio_ms
        ]

    def _check_covered(self, spans: Sequence[tuple[int, int]]) -> None:
        is_short = self._answers.has_endpoints and self._tail_ms < _SHORT_TAIL_MS
        edge = _SHORT_TAIL_EDGE_MS if is_short else _EDGE_MS
        covered = np.zeros(self._answers.audio_ms + 1, dtype=bool)
        for start, end in self._covered():
            covered[start:end] = True
        for start, end in spans:
            if not covered[start + edge : max(0, end - edge)].all():
                self._fault(f"speech from {start} to {end} ms is not all in finals")

    def _covered(self) -> Iterator[tuple[int, int]]:
        for final in self._answers.finals:
            words = final["result"].get("word_info")
            for one in [final] if words is None else words:
                yield one["start_time"], one["end_time"]

    @property
    def _tail_ms(self) -> int:
        return int(self._round.fields.get("vad_tail", 500))

    @property
    def _max_ms(self) -> int:
        return 1000 * int(self._round.fields.get("max_seconds", 30))

    @property
    def _head_ms(self) -> int:
        return int(self._round.fields.get("vad_head", 10_000))

    def _check_pauses(self) -> None:
        """Long pauses end a sentence, short ones do not."""
        finals = [(final["start_time"], final["end_time"]) for final in self._answers.finals]
        for (before, start), (end, behind) in pairwise(self._speech()):
            pause = end - start
            if pause >= self._tail_ms + _HANGOVER_MS:
                if any(one < start and other > end for one, other in finals):
                    self._fault(f"a pause of {pause} ms did not end the sentence")
            elif (
                pause <= self._tail_ms - _MARGIN_MS
                and behind - before + 2 * _HANGOVER_MS < self._max_ms // 2
                and not (self._round.asks("add_punc") and pause >= _PAUSE_WITH_STOP_MS)
                and not any(one < start and other > end for one, other in finals)
                # One that began before may be cut at its longest.
                and finals
                and self._max_ms > self._answers.audio_ms
            ):
                self._fault(f"a pause of {pause} ms ended the sentence")

    def _check_lengths(self) -> None:
        for final in self._answers.finals:
            if final["end_time"] - final["start_time"] > self._max_ms:
                self._fault(f"a sentence longer than {self._max_ms} ms")

    def _check_sentence(self) -> None:
        spans, events = self._speech(), self._answers.events("EXCEEDED_SILENCE")
        lead = spans[0][0] if spans else self._answers.audio_ms
        if self._head_ms and lead >= self._head_ms + _MARGIN_MS:
            if not events or self._answers.finals:
                self._fault(f"{lead} ms of silence were to be EXCEEDED_SILENCE")
            return
        if not spans or (self._head_ms and lead > self._head_ms - _MARGIN_MS):
            return
        if events:
            self._fault(f"EXCEEDED_SILENCE after {lead} ms of silence")
        # The sentence goes on at least until it may have been cut, at a pause or at its longest.
        until = lead + max(0, self._max_ms // 2 - _HANGOVER_MS)
        for (_, start), (end, _) in pairwise(spans):
            if end - start > self._tail_ms - _MARGIN_MS:
                until = min(until, start)
                break
        if self._tail_ms >= _SHORT_TAIL_MS:
            self._check_covered([(a, min(b, until)) for a, b in spans if a < until])
        elif not self._answers.finals:
            self._fault("speech without a final")


def _words_of(samples: Samples) -> list[str]:
    """What the fake engine makes of a stretch of audio, whatever the server cut it into."""
    if len(samples) < _SHORTEST_SAMPLES:
        return []
    engine = FakeEngine(FakeOptions())
    stream = engine.open()
    stream.accept(samples)
    stream.finish()
    engine.decode([stream])
    found: Hypothesis = stream.hypothesis()
    return [word.text for word in found.words]
