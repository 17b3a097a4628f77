"""A final of several sentences, as one for each of them.

Sentences of one or two words ("Yes.", "好的。") are no texts of their own: they join the one behind
them, or the last one before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from decoder import Hypothesis
from decoder.joining import is_unspaced, join_words
from rasr.text.marks import ends_sentence

_SHORT = 2.0
"""Words; a Chinese character counts as half of one."""


def sentence_spans(texts: Sequence[str], *, grows: bool = False) -> list[tuple[int, int]]:
    """Where the sentences of a text are, as ranges [first, last) of its words with their marks.

    Args:
        grows: more words will follow: what stands behind the last stop is a sentence that has
            begun, however short it is.

    Returns:
        The ranges are in order and cover all words. Splitting one of them again leaves it whole.
    """
    spans: list[tuple[int, int]] = []
    first, length = 0, 0.0
    for index, text in enumerate(texts):
        length += _length(text)
        following = texts[index + 1] if index + 1 < len(texts) else None
        if length > _SHORT and ends_sentence(text, following):
            spans.append((first, index + 1))
            first, length = index + 1, 0.0
    if first < len(texts):
        if spans and length <= _SHORT and not grows:
            spans[-1] = (spans[-1][0], len(texts))
        else:
            spans.append((first, len(texts)))
    return spans


def sentences(hypothesis: Hypothesis) -> tuple[Hypothesis, ...]:
    """The sentences of a final, on the same clock; one at least.

    The confidence of each is the mean of its words', where the engine gives words any.
    """
    spans = sentence_spans([word.text for word in hypothesis.words])
    if len(spans) < 2:
        return (hypothesis,)
    out = []
    for first, last in spans:
        words = hypothesis.words[first:last]
        mean = sum(word.confidence for word in words) / len(words)
        out.append(
            replace(
                hypothesis,
                words=words,
                text=join_words(word.text for word in words),
                confidence=mean or hypothesis.confidence,
            )
        )
    return tuple(out)


def _length(text: str) -> float:
    wide = sum(is_unspaced(one) and one.isalpha() for one in text)
    return wide / 2 or float(any(map(str.isalnum, text)))
