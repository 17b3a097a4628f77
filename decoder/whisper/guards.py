"""Readings that nobody said: Whisper hears words in noise, and may go round in circles."""

from __future__ import annotations

import zlib

from decoder.whisper.options import WhisperOptions


def is_noise(log_probability: float, no_speech: float, options: WhisperOptions) -> bool:
    """Whether a reading is taken for what the model made of noise.

    On five kinds of noise and two recorded ones Whisper base read with -0.9 and less, and took it
    for no speech with 0.42 and more; on speech, down to 0 dB in these noises, with more than -0.8
    and less than 0.4, but for one sentence that it did not understand.

    Args:
        log_probability: mean of the tokens' natural logarithms.
        no_speech: the model's probability that nobody speaks, 0 to 1.
        options: with the two bounds.
    """
    lowest = options.lowest_log_probability
    return log_probability < (lowest / 2 if no_speech >= options.no_speech else lowest)


def goes_in_circles(text: str, options: WhisperOptions) -> bool:
    """Whether a text says the same again and again: how many times smaller zlib makes it."""
    written = text.encode()
    return bool(written) and len(written) > options.compression * len(zlib.compress(written))
