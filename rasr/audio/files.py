"""The audio of files, whatever they are: everything that FFmpeg decodes, by PyAV.

This module opens, mixes down to mono and resamples, and has one sentence for each way in which that
fails. It holds no more of a file than FFmpeg's own buffers do, and it never opens a second file:
playlists and the like, which name others, are refused (`protocol_whitelist`), since a file may come
from anybody.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from rasr.audio.formats import Samples

_NO_OTHER_FILES = {"protocol_whitelist": "none"}

_LOOKED_AT_BYTES = 4096

AudioPath = str | PathLike[str]
"""The name of a file."""


class AudioFileError(Exception):
    """A file cannot be read as audio. The text is a sentence for whoever named the file."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file says of its audio before it is decoded."""

    duration_s: float | None
    """Seconds; None where the file does not say. Only decoding tells exactly."""
    sample_rate: int
    """Hz, in the file."""
    channels: int


def audio_info(path: AudioPath) -> AudioInfo:
    """Return what the file says of its first audio stream.

    Raises:
        AudioFileError: it cannot be opened, is no audio or has no audio stream.
    """
    with _opened(path) as (container, stream):
        duration_s: float | None = None
        if stream.duration is not None and stream.time_base is not None:
            duration_s = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            duration_s = container.duration / av.time_base
        return AudioInfo(duration_s, stream.sample_rate, stream.channels)


def read_audio(path: AudioPath, sample_rate: int) -> Iterator[Samples]:
    """Yield the first audio stream of a file, mixed to mono, at `sample_rate` Hz, piece by piece.

    The file is opened at the first `next` and closed with the iterator.

    Raises:
        AudioFileError: it cannot be opened, is no audio, has no audio stream or is damaged.
    """
    with _opened(path) as (container, stream):
        resampler = av.AudioResampler(format="s16", layout="mono", rate=sample_rate)
        for frame in container.decode(stream):
            for piece in resampler.resample(frame):
                yield piece.to_ndarray().reshape(-1).astype(np.int16, copy=False)
        for piece in resampler.resample(None):
            yield piece.to_ndarray().reshape(-1).astype(np.int16, copy=False)


@contextmanager
def _opened(path: AudioPath) -> Iterator[tuple[InputContainer, AudioStream]]:
    """The file and its first audio stream, with what goes wrong inside told as `AudioFileError`."""
    try:
        # Opened here, so that a name such as "http:…" or "concat:…" is a file name and no more.
        with open(path, "rb") as file, av.open(file, "r", options=_NO_OTHER_FILES) as container:
            streams = container.streams.audio
            if not streams:
                raise AudioFileError(_unless_text(path, "has no audio stream"))
            yield container, streams[0]
    except av.FFmpegError as error:
        fault = f"cannot be read as sound: {error.strerror}"
        raise AudioFileError(_unless_text(path, fault)) from error
    except OSError as error:
        raise AudioFileError(f"{path} cannot be opened: {error.strerror}") from error
    except ValueError as error:
        # PyAV's resampler, when rate or channels change within the stream; paths with a NUL.
        raise AudioFileError(f"{path} cannot be read as sound: {error}") from error


def _unless_text(path: AudioPath, fault: str) -> str:
    """The sentence for a file without audio: its fault, or more plainly that it is a text."""
    try:
        with open(path, "rb") as file:
            begin = file.read(_LOOKED_AT_BYTES)
    except OSError:
        return f"{path} {fault}"
    if not begin:
        return f"{path} is empty"
    return f"{path} is a text file, not a recording" if _is_text(begin) else f"{path} {fault}"


def _is_text(begin: bytes) -> bool:
    """True for the beginning of a text: it may end in the middle of a character."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(begin)
    except UnicodeDecodeError:
        return False
    return all(one.isprintable() or one.isspace() for one in text)
