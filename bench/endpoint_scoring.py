"""What an endpointer made of a scene, scored against what was really spoken when.

Every figure that the verb `endpoint` prints comes from here, from samples alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.noisy_speech import Span
from bench.workload import CHUNK_SAMPLES
from rasr.audio import SAMPLE_RATE, Samples
from vad import Classifier, Endpoint, Endpointer, EndpointRules, SpeechStarted, frame_levels

_NEAR = SAMPLE_RATE * 150 // 1000
"""The end of a sentence may be missed by so much; nobody starts falsely by less, either."""
_UNSURE_MS = 200
"""Nobody can say whether a pause so little longer than `vad_tail` should end an utterance."""
_SLACK = SAMPLE_RATE // 50
"""The times of words are good to a frame."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One that was found."""

    onset: int
    """Where its speech was first noticed, pre-roll apart."""
    audio: Span
    """What the engine gets."""

    speech_end: int


@dataclass(frozen=True, slots=True)
class Detection:
    """All that was found in one stream, and what it cost."""

    utterances: tuple[Utterance, ...]
    cpu_s: float
    audio_s: float


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one scene, or of many added up."""

    sentences: int = 0
    missed: int = 0
    """Sentences that no utterance touches."""
    false_starts: int = 0
    """Utterances that touch no sentence."""
    splits: int = 0
    """Endpoints inside sentences."""
    words: int = 0
    cut: int = 0
    """Words that do not lie whole in one utterance."""
    end_errors_ms: tuple[float, ...] = ()
    """Of each sentence that was found and that a clear pause follows: endpoint less `vad_tail` less
    true end; above 0 is late."""

    def __add__(self, other: Score) -> Score:
        return Score(
            self.sentences + other.sentences,
            self.missed + other.missed,
            self.false_starts + other.false_starts,
            self.splits + other.splits,
            self.words + other.words,
            self.cut + other.cut,
            self.end_errors_ms + other.end_errors_ms,
        )

    @property
    def near(self) -> float:
        """The share of the ends that were found to within 150 ms, 0 to 1."""
        errors = self.end_errors_ms
        return sum(abs(error) <= _ms(_NEAR) for error in errors) / max(1, len(errors))


def detect(classifier: Classifier, samples: Samples, rules: EndpointRules) -> Detection:
    """Give a stream to a classifier and an endpointer of its own as a server does, in chunks."""
    size = classifier.frame_samples
    endpointer = Endpointer(rules)
    found: list[Utterance] = []
    onset = position = 0
    before = time.thread_time()
    for received in range(CHUNK_SAMPLES, len(samples) + 1, CHUNK_SAMPLES):
        whole = received // size * size
        frames = samples[position:whole]
        position = whole
        levels = frame_levels(frames, size)
        for flag, level in zip(classifier.judge(frames, levels), levels, strict=True):
            for event in endpointer.push(flag, level):
                if isinstance(event, SpeechStarted):
                    onset = event.onset_sample
                elif isinstance(event, Endpoint):
                    found.append(_utterance(onset, event))
    cpu_s = time.thread_time() - before
    found += [
        _utterance(onset, event)
        for event in endpointer.flush(position)
        if isinstance(event, Endpoint)
    ]
    return Detection(tuple(found), cpu_s, position / SAMPLE_RATE)


def score(
    found: Sequence[Utterance], sentences: Sequence[Span], words: Sequence[Span], tail_ms: int
) -> Score:
    """Compare what was found with what was spoken.

    Sentences closer together than `tail_ms` are one and may end once or twice.
    """
    spans = [Span(one.onset, one.speech_end) for one in found]
    errors: list[float] = []
    missed = splits = 0
    for number, sentence in enumerate(sentences):
        touching = [one for one in spans if _touch(one, sentence)]
        splits += sum(sentence.start < one.end < sentence.end - _NEAR for one in touching[:-1])
        if not touching:
            missed += 1
            continue
        following = sentences[number + 1].start if number + 1 < len(sentences) else None
        error = (touching[-1].end - sentence.end) * 1000 / SAMPLE_RATE
        pause_ms = math.inf if following is None else _ms(following - sentence.end)
        if pause_ms > tail_ms + _UNSURE_MS:
            errors.append(error)
    return Score(
        sentences=len(sentences),
        missed=missed,
        false_starts=sum(not any(_touch(one, real) for real in sentences) for one in spans),
        splits=splits,
        words=len(words),
        cut=sum(not any(_holds(one.audio, word) for one in found) for word in words),
        end_errors_ms=tuple(errors),
    )


def _utterance(onset: int, event: Endpoint) -> Utterance:
    return Utterance(onset, Span(event.start_sample, event.end_sample), event.speech_end_sample)


def _touch(one: Span, other: Span) -> bool:
    return one.start < other.end + _NEAR and other.start - _NEAR < one.end


def _holds(audio: Span, word: Span) -> bool:
    return audio.start - _SLACK <= word.start and word.end <= audio.end + _SLACK


def _ms(samples: int) -> float:
    return samples * 1000 / SAMPLE_RATE
