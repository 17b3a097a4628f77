"""Audio files from anybody → samples, decoded in processes of their own: one file, one process."""

from rasr.media.decoding import (
    AudioFiles,
    AudioTooLong,
    DecodingKilled,
    DecodingLate,
    DecodingUnavailable,
    Limits,
    file_of,
)

__all__ = [
    "AudioFiles",
    "AudioTooLong",
    "DecodingKilled",
    "DecodingLate",
    "DecodingUnavailable",
    "Limits",
    "file_of",
]
