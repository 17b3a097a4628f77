"""From what sherpa-onnx says of an utterance to its words.

Where a family says when its tokens were said, words are placed as those of streaming models
(`decoder.sherpa.transcript`). Where it does not, they share the voiced time of the utterance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from decoder.engine import SAMPLE_RATE, Findings, Hypothesis, Samples
from decoder.joining import join_words
from decoder.languages import LANGUAGE_NAMES
from decoder.loudness import spread_words
from decoder.sherpa.offline.recogniser import OfflineResult
from decoder.sherpa.transcript import Transcript, WordMaker, confidence_of, words_of_text

_UNSAID = frozenset({"", "auto", "nospeech", "emo_unknown", "event_unk", "unknown"})
"""Tags that say nothing."""
_EVENTS = {"bgm": "music"}
"""Tags of SenseVoice that are no English words."""


@dataclass(frozen=True, slots=True)
class _Timed:
    """A result as `Transcript` reads it."""

    tokens: list[str]
    timestamps: list[float]
    ys_probs: list[float]


def hypothesis_of(result: OfflineResult, maker: WordMaker | None, audio: Samples) -> Hypothesis:
    """What a result says of an utterance.

    Args:
        maker: of the model's symbols; None where they are parts of letters.
        audio: of the utterance, shape (n,), int16, at 16 kHz, n > 0.
    """
    found = _findings(result)
    tokens = None if maker is None else _tokens(result)
    if maker is None or tokens is None:
        return _spread(words_of_text(result.text), [], audio, found)
    seconds, likely = result.timestamps, result.ys_log_probs
    if len(seconds) == len(tokens):
        # A transcript is of one utterance; here it is read once.
        transcript = Transcript(maker, sample_rate=SAMPLE_RATE)
        read = transcript.read(_Timed(tokens, seconds, likely), len(audio))
        return Hypothesis(read.words, read.text, read.confidence, found)
    spoken = maker.words(tokens)
    known = len(likely) == len(tokens)
    sure = [confidence_of(likely[word.first : word.last]) for word in spoken] if known else []
    return _spread([word.text for word in spoken], sure, audio, found)


def _tokens(result: OfflineResult) -> list[str] | None:
    try:
        return result.tokens
    except UnicodeDecodeError:
        return None


def _spread(
    texts: Sequence[str], confidences: Sequence[float], audio: Samples, found: Findings | None
) -> Hypothesis:
    sure = confidences or [0.0] * len(texts)
    words = spread_words(texts, sure, audio)
    return Hypothesis(tuple(words), join_words(texts), sum(sure) / max(1, len(texts)), found)


def _findings(result: OfflineResult) -> Findings | None:
    language, emotion, event = _plain(result.lang), _plain(result.emotion), _plain(result.event)
    found = Findings(LANGUAGE_NAMES.get(language, language), emotion, _EVENTS.get(event, event))
    return None if found == Findings() else found


def _plain(tag: str) -> str:
    """A tag without its brackets, in small letters; empty where it says nothing."""
    text = tag.strip().removeprefix("<|").removesuffix("|>").lower()
    return "" if text in _UNSAID else text
