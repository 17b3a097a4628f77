"""What can be set for a PocketSphinx engine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PocketSphinxOptions:
    """Options of the engine; those of PocketSphinx itself keep its names."""

    decoders: int = 2
    """Utterances decoded by turns; 95 MB each, 130 MB once it has had hot words."""
    fwdflat: bool = False
    """Search the whole utterance a second time after its end."""
    bestpath: bool = True
    """Search the word lattice after the end, which is where confidences come from: without it they
    are 0.0."""
    maxhmmpf: int = 5000
    """Most states searched in a frame: bounds the cost of noisy speech."""
    hot_word_weight: float = 1000.0
    """How often a hot word of boost 1 is expected, in multiples of the mean of all words.

    On speech without any of 27 hot words, some of them like words that are said: up to 1000 no
    error more, with 10,000 one word in a hundred is wrong (`tests/decoder/test_pocketsphinx.py`
    holds the first)."""
