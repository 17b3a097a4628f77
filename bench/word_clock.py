"""The words of the measured model: each says which 40 ms of its stream it was heard in.

What a model with random weights says means nothing, so it may as well tell the time. Word number n
is emitted at frame n of the stream (40 ms each, counted from where decoding began), so a client
reads from any text, of any server, which decoding steps are in it. `bench.model` builds the words
in; `bench.latency` reads them.
"""

from __future__ import annotations

from collections.abc import Iterable

from rasr.audio import SAMPLE_RATE

CHUNK_FRAMES = 32
"""Feature frames of 10 ms that a decoding step moves on by."""
CONTEXT_FRAMES = 13
"""Frames to the right that a step needs beyond those: 7 for the convolutions, 6 for ConvNeXt."""
STEP_FRAMES = CHUNK_FRAMES + CONTEXT_FRAMES
OUTPUT_FRAMES = CHUNK_FRAMES // 4
"""Frames of 40 ms that the encoder makes of a step."""
FRAME_SAMPLES = SAMPLE_RATE * 40 // 1000
"""One output of the encoder."""
STEP_SAMPLES = OUTPUT_FRAMES * FRAME_SAMPLES

SPECIAL = ("<blk>", "<sos/eos>", "<unk>")
_SYLLABLES = [c + v for c in "bdfgjklmnprstvz" for v in "aeiou"]


def word(frame: int) -> str:
    """Return the word of a frame: three syllables for each of 421,875 frames.

    It has letters only, so that no rule for digits or capitals changes it.
    """
    base = len(_SYLLABLES)
    return "".join(_SYLLABLES[frame // base**place % base] for place in (2, 1, 0))


def tokens(vocabulary: int) -> Iterable[str]:
    """Yield the tokens of a vocabulary of that size in order; U+2581 begins a word."""
    yield from SPECIAL
    for frame in range(vocabulary - len(SPECIAL)):
        yield "\u2581" + word(frame)


def frames(text: str) -> tuple[int, ...]:
    """Return the frames that a text tells.

    Raises:
        ValueError: a word is not one of `word`.
    """
    return tuple(_frame(one) for one in text.split())


def step_of(frame: int) -> int:
    """Return the number of the decoding step that tells a frame, from 0."""
    return frame // OUTPUT_FRAMES


def first_frame(step: int) -> int:
    """Return the first of the frames that a step tells."""
    return step * OUTPUT_FRAMES


def samples_needed(step: int) -> int:
    """Return how many samples a stream must have before sherpa-onnx decodes a step.

    It asks for one feature frame more than the step's 45, and frame n, 25 ms long and centred on
    its 10 ms, is whole after 160 n + 280 samples.
    """
    return (CHUNK_FRAMES * step + STEP_FRAMES) * 160 + 280


def _frame(text: str) -> int:
    places = [text[at : at + 2] for at in range(0, len(text), 2)]
    if len(places) != 3 or not all(place in _SYLLABLES for place in places):
        raise ValueError(
            f"{text!r} is no word of this model; allowed: three syllables, as in {word(0)!r}"
        )
    number = 0
    for syllable in places:
        number = number * len(_SYLLABLES) + _SYLLABLES.index(syllable)
    return number
