"""From hypotheses on an utterance's clock to segments on the round's clock, in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence

from decoder import Hypothesis, Word
from rasr.audio import SAMPLE_RATE
from rasr.recognition.events import Final, Partial
from rasr.text import join_words
from rasr.wire.sis.messages import Segment, WordInfo


def placed(hypothesis: Hypothesis, at_sample: int) -> Hypothesis:
    """`hypothesis` of an utterance that began at `at_sample`, on the clock that counts it."""
    if not at_sample:
        return hypothesis
    # Spelt out: `dataclasses.replace` takes five times as long, and partials have many words.
    words = tuple(
        Word(word.text, word.start_sample + at_sample, word.end_sample + at_sample, word.confidence)
        for word in hypothesis.words
    )
    return Hypothesis(words, hypothesis.text, hypothesis.confidence)


def joined(pieces: Sequence[Hypothesis]) -> Hypothesis:
    """Hypotheses of neighbouring utterances, already placed on one clock, as one.

    Confidence is the mean over the pieces, weighted by their number of words.
    """
    if len(pieces) == 1:
        return pieces[0]
    words = tuple(word for piece in pieces for word in piece.words)
    weight = sum(len(piece.words) for piece in pieces)
    confidence = sum(piece.confidence * len(piece.words) for piece in pieces) / max(weight, 1)
    return Hypothesis(words, join_words(word.text for word in words), confidence)


def segment(
    hypothesis: Hypothesis,
    *,
    start_sample: int,
    end_sample: int,
    sample_rate: int,
    is_final: bool,
    with_words: bool,
) -> Segment:
    """The wire's picture of a hypothesis whose clock began at `start_sample`.

    The segment lasts from its first word to its last, which is what captions need; where there is
    no word, from `start_sample` to `end_sample`.
    """

    def ms(sample: int) -> int:
        return ((start_sample + sample) * 1000 + sample_rate // 2) // sample_rate

    words = hypothesis.words
    return Segment(
        text=hypothesis.text,
        start_time=ms(words[0].start_sample if words else 0),
        end_time=ms(words[-1].end_sample if words else end_sample - start_sample),
        is_final=is_final,
        score=hypothesis.confidence,
        word_info=tuple(WordInfo(w.text, ms(w.start_sample), ms(w.end_sample)) for w in words)
        if with_words
        else None,
    )


def result_event(segment: Segment) -> Partial | Final:
    """The event whose picture `segment` is, for subscribers that know no wire format."""
    start_ms, per_ms = segment.start_time, SAMPLE_RATE // 1000
    words = tuple(
        Word(
            one.word,
            (one.start_time - start_ms) * per_ms,
            (one.end_time - start_ms) * per_ms,
            segment.score,
        )
        for one in segment.word_info or ()
    )
    start, end = start_ms * per_ms, segment.end_time * per_ms
    hypothesis = Hypothesis(words, segment.text, segment.score)
    if segment.is_final:
        return Final(0, start, end, hypothesis)
    return Partial(0, start, end, hypothesis, stable_words=0)
