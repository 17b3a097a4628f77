"""The audio of files, whatever they are: everything that FFmpeg decodes, by PyAV.

This module opens, mixes down to mono and resamples, and has one sentence for each way in which that
fails. It holds no more of a file than FFmpeg's own buffers do, and it never opens a second file:
playlists and the like, which name others, are refused (`protocol_whitelist`), since a file may come
from anybody. Files of a declared format are read by the few demuxers and decoders of `FileFormat`
alone: each one more that a stranger's bytes reach is one more that may have a fault.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import IO

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec import CodecContext
from av.container import InputContainer

from rasr.audio.formats import FileFormat, Samples

_NO_OTHER_FILES = {"protocol_whitelist": "none"}
_DEMUXERS: Mapping[str, FileFormat] = {
    "wav": FileFormat.WAV,
    "mp3": FileFormat.MP3,
    "aac": FileFormat.AAC,
    "mov": FileFormat.M4A,
    "amr": FileFormat.AMR,
    "asf": FileFormat.WMA,
    "flac": FileFormat.FLAC,
    "ogg": FileFormat.OGG,
    "matroska": FileFormat.WEBM,
}
"""The first name that FFmpeg has for each."""
_DECODERS = frozenset(
    (
        *("aac", "alac", "amrnb", "amrwb", "flac", "libopus", "mp2float", "mp3float", "opus"),
        *("libspeex", "speex"),
        *("vorbis", "wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice"),
        *("adpcm_ima_wav", "adpcm_ms", "pcm_alaw", "pcm_mulaw"),
        *("pcm_f32le", "pcm_f64le", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_u8"),
    )
)
_ANYBODYS = {
    **_NO_OTHER_FILES,
    "format_whitelist": ",".join(_DEMUXERS),
    "codec_whitelist": ",".join(sorted(_DECODERS)),
    # Each is looked at before the first of them is decoded.
    "max_streams": "16",
}

_LOOKED_AT_BYTES = 4096
_CONSTANT_RATE = ("pcm_", "adpcm_")
"""Codecs of which a second always has the same number of bits."""
_VOX_RATE = 8000
_VOX_SAMPLES_PER_BYTE = 2

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
    with _named(path) as file, _opened(file, str(path), None) as (container, stream):
        return _info(container, stream)


def read_audio(path: AudioPath, sample_rate: int) -> Iterator[Samples]:
    """Yield the first audio stream of a file, mixed to mono, at `sample_rate` Hz, piece by piece.

    The file is opened at the first `next` and closed with the iterator.

    Raises:
        AudioFileError: it cannot be opened, is no audio, has no audio stream or is damaged.
    """
    with _named(path) as file, _opened(file, str(path), None) as (container, stream):
        yield from _resampled(container, stream, sample_rate)


def declared_info(file: IO[bytes], declared: FileFormat) -> AudioInfo:
    """As `audio_info`, of a file from anybody, which has to be what it is declared to be.

    Args:
        file: open, at its beginning, and seekable.

    Raises:
        AudioFileError: it is not; or as `audio_info`.
    """
    if declared is FileFormat.VOX:
        return AudioInfo(file.seek(0, 2) * _VOX_SAMPLES_PER_BYTE / _VOX_RATE, _VOX_RATE, 1)
    with _opened(file, "the audio", declared) as (container, stream):
        return _info(container, stream)


def read_declared(
    file: IO[bytes], declared: FileFormat, sample_rate: int, channel: int | None = None
) -> Iterator[Samples]:
    """As `read_audio`, of a file from anybody, which has to be what it is declared to be.

    Args:
        file: open, at its beginning, and seekable.
        channel: the one to read, counted from 0; None for the mean of all.

    Raises:
        AudioFileError: it is not, or has no such channel; or as `read_audio`.
    """
    if declared is FileFormat.VOX:
        if channel:
            raise _no_channel(channel, 1)
        yield from _read_vox(file, sample_rate)
        return
    with _opened(file, "the audio", declared) as (container, stream):
        # A single channel is mixed with nothing: the same samples either way.
        if channel is None or (channel == 0 and stream.channels == 1):
            yield from _resampled(container, stream, sample_rate)
        else:
            yield from _channel(container, stream, sample_rate, channel)


def _info(container: InputContainer, stream: AudioStream) -> AudioInfo:
    duration_s: float | None = None
    if stream.duration is not None and stream.time_base is not None:
        duration_s = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        duration_s = container.duration / av.time_base
    coded = stream.codec_context
    if duration_s is not None and coded.name.startswith(_CONSTANT_RATE) and coded.bit_rate:
        # Who writes to a pipe says a length before he knows it.
        duration_s = min(duration_s, container.size * 8 / coded.bit_rate)
    return AudioInfo(duration_s, stream.sample_rate, stream.channels)


def _read_vox(file: IO[bytes], sample_rate: int) -> Iterator[Samples]:
    """Dialogic ADPCM has no header: all bytes are samples."""
    decoder = CodecContext.create("adpcm_ima_oki", "r")
    assert isinstance(decoder, AudioCodecContext), "it is a codec of audio"
    decoder.sample_rate, decoder.layout = _VOX_RATE, "mono"
    resampler = av.AudioResampler(format="s16", layout="mono", rate=sample_rate)
    try:
        while data := file.read(_LOOKED_AT_BYTES):
            for frame in decoder.decode(av.Packet(data)):
                yield from _samples(resampler, frame)
    except OSError as error:
        raise AudioFileError(f"the audio cannot be read: {error.strerror}") from error
    yield from _samples(resampler, None)


def _samples(resampler: av.AudioResampler, frame: AudioFrame | None) -> Iterator[Samples]:
    for piece in resampler.resample(frame):
        yield piece.to_ndarray().reshape(-1).astype(np.int16, copy=False)


def _resampled(
    container: InputContainer, stream: AudioStream, sample_rate: int
) -> Iterator[Samples]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=sample_rate)
    for frame in container.decode(stream):
        yield from _samples(resampler, frame)
    yield from _samples(resampler, None)


def _channel(
    container: InputContainer, stream: AudioStream, sample_rate: int, channel: int
) -> Iterator[Samples]:
    resampler = av.AudioResampler(format="s16p", rate=sample_rate)
    for piece in _pieces(container, stream, resampler):
        rows = piece.to_ndarray()
        if channel >= len(rows):
            raise _no_channel(channel, len(rows))
        yield np.ascontiguousarray(rows[channel], np.int16)


def _no_channel(channel: int, channels: int) -> AudioFileError:
    return AudioFileError(f"the audio has no channel {channel}; it has {channels}, counted from 0")


def _pieces(
    container: InputContainer, stream: AudioStream, resampler: av.AudioResampler
) -> Iterator[AudioFrame]:
    for frame in container.decode(stream):
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


@contextmanager
def _named(path: AudioPath) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        try:
            # Here, so that a name such as "http:…" or "concat:…" is a file name and no more.
            file = stack.enter_context(open(path, "rb"))
        except OSError as error:
            raise AudioFileError(f"{path} cannot be opened: {error.strerror}") from error
        except ValueError as error:
            # A path with a NUL.
            raise AudioFileError(f"{path} cannot be opened: {error}") from error
        yield file


@contextmanager
def _opened(
    file: IO[bytes], subject: str, declared: FileFormat | None
) -> Iterator[tuple[InputContainer, AudioStream]]:
    """The file and its first audio stream, with what goes wrong inside told as `AudioFileError`.

    Args:
        subject: what the sentences are about.
        declared: None: whatever FFmpeg reads.
    """
    try:
        with _open(file, subject, declared) as container:
            streams = container.streams.audio
            if not streams:
                raise AudioFileError(_unless_text(file, subject, "has no audio stream"))
            if declared is not None:
                _check_declared(container, streams[0], subject, declared)
            yield container, streams[0]
    except av.FFmpegError as error:
        fault = f"cannot be read as sound: {error.strerror}"
        raise AudioFileError(_unless_text(file, subject, fault)) from error
    except OSError as error:
        raise AudioFileError(f"{subject} cannot be read: {error.strerror}") from error
    except ValueError as error:
        # PyAV's resampler, when rate or channels change within the stream.
        raise AudioFileError(f"{subject} cannot be read as sound: {error}") from error


def _open(file: IO[bytes], subject: str, declared: FileFormat | None) -> InputContainer:
    if declared is None:
        return av.open(file, "r", options=_NO_OTHER_FILES)
    try:
        return av.open(file, "r", options=_ANYBODYS)
    except av.ArgumentError:
        # Its kind is known, and is none that may be read.
        fault = "is of none of the formats that are read here"
    except av.FFmpegError as error:
        fault = f"cannot be read as {declared.value!r}: {error.strerror}"
    raise AudioFileError(_unless_text(file, subject, fault))


def _check_declared(
    container: InputContainer, stream: AudioStream, subject: str, declared: FileFormat
) -> None:
    """See that the file is what it is said to be, by what FFmpeg has found in it.

    Raises:
        AudioFileError: it is not, or its codec is none that may be decoded.
    """
    coded = stream.codec_context.name if stream.codec_context is not None else "an unknown codec"
    found = _DEMUXERS[container.format.name.partition(",")[0]]
    if found is FileFormat.AMR and coded == "amrwb":
        found = FileFormat.AMR_WB
    if declared not in (FileFormat.AUTO, found):
        raise AudioFileError(
            f"{subject} is not {declared.value!r}, as declared; it seems to be {found.value!r}"
        )
    if coded not in _DECODERS:
        raise AudioFileError(f"{subject} is coded as {coded}, which is not read here")


def _unless_text(file: IO[bytes], subject: str, fault: str) -> str:
    """The sentence for a file without audio: its fault, or more plainly that it is a text."""
    try:
        file.seek(0)
        begin = file.read(_LOOKED_AT_BYTES)
    except OSError:
        return f"{subject} {fault}"
    if not begin:
        return f"{subject} is empty"
    is_text = _is_text(begin)
    return f"{subject} is a text file, not a recording" if is_text else f"{subject} {fault}"


def _is_text(begin: bytes) -> bool:
    """True for the beginning of a text: it may end in the middle of a character."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(begin)
    except UnicodeDecodeError:
        return False
    return all(one.isprintable() or one.isspace() for one in text)
