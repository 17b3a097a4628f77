"""Readings that nobody said: Whisper hears words in noise, and may go round in circles."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from decoder.joining import is_unspaced
from decoder.repetition import loop_period
from decoder.whisper.decoded import Decoded
from decoder.whisper.options import WhisperOptions

_RUN = re.compile(r"[^\W_]+")


def is_speech(decoded: Decoded, options: WhisperOptions) -> bool:
    """Whether a reading is of speech, and not what the model made of noise.

    On five kinds of noise and two recorded ones Whisper base read with a mean logarithm of -0.9 and
    less, and took it for no speech with 0.42 and more; on speech, down to 0 dB in three of these
    noises, with more than -0.8 and less than 0.4, but for one sentence that it did not understand.
    """
    if not decoded.tokens or goes_in_circles(decoded.text, options):
        return False
    sure = decoded.no_speech < options.no_speech
    lowest = options.lowest_log_probability
    return decoded.log_probability >= (lowest if sure else lowest / 2)


def echoes(text: str, told: str) -> bool:
    """Whether all words of a text are in the prompt: in noise Whisper repeats it, and is sure.

    Args:
        text: the reading.
        told: hot words and context.
    """
    said = set(_parts(text))
    return bool(said) and said <= set(_parts(told))


def goes_in_circles(text: str, options: WhisperOptions) -> bool:
    """Whether a text says the same again and again: in words that repeat at its end, or by how many
    times smaller zlib makes it, which short texts do not show."""
    if loop_period(list(_parts(text))) is not None:
        return True
    written = text.encode()
    return bool(written) and len(written) > options.compression * len(zlib.compress(written))


def _parts(text: str) -> Iterator[str]:
    """Words in small letters, and characters of scripts without spaces."""
    for run in _RUN.findall(text.lower()):
        if is_unspaced(run[0]):
            yield from run
        else:
            yield run
