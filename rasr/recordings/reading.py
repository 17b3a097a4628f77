"""Recordings to sentences: a file goes through the same recognition as live audio.

It is cut and written as in continuous recognition, so that the same audio has the same sentences
and times, whichever way it came. Its decode tasks give way to whoever speaks live.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from rasr.audio import AudioFileError, AudioFormat, AudioInfo, FileFormat
from rasr.media import (
    AudioFiles,
    AudioTooLong,
    DecodingKilled,
    DecodingLate,
    DecodingUnavailable,
    Limits,
)
from rasr.recognition.config import RecognitionConfig
from rasr.recognition.events import Failure, Final
from rasr.recordings.faults import RecordingFault
from rasr.runtime.access import Access
from rasr.runtime.recognizer import Recognizer
from rasr.runtime.statistics import SessionStatistics
from rasr.scheduling import Priority
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.modes import MODE_TRAITS, Mode
from rasr.wire.sis.request import fault_of_failure

_READ_AT_ONCE = 64 << 10
_PROCESSOR_S = 30
"""Of a core, for any file, and for each second of it `_PROCESSOR_SHARE` of one besides."""
_PROCESSOR_SHARE = 0.01

TRAITS = MODE_TRAITS[Mode.CONTINUE]
"""How recordings are cut."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that is here."""

    path: Path
    declared: FileFormat | AudioFormat
    """What it is said to be."""
    most_audio_s: float
    """It may have."""

    @property
    def limits(self) -> Limits:
        """What reading it may take."""
        processor_s = _PROCESSOR_S + round(self.most_audio_s * _PROCESSOR_SHARE)
        return Limits(self.most_audio_s, processor_s)


class RecordingReader:
    """Reads recordings. One serves a whole server."""

    def __init__(self, files: AudioFiles, recognizer: Recognizer) -> None:
        self._files = files
        self._recognizer = recognizer

    async def info(self, recording: Recording) -> AudioInfo:
        """What the recording says of itself, before anything is decoded.

        Raises:
            RecordingFault: it cannot be read as audio, or says that it is too long.
        """
        declared, tolerance_s = recording.declared, 0.0
        if isinstance(declared, AudioFormat):
            size = (await asyncio.to_thread(recording.path.stat)).st_size
            info = AudioInfo(
                size / declared.bytes_per_second, declared.sample_rate, declared.channels
            )
        else:
            with await asyncio.to_thread(recording.path.open, "rb") as file:
                try:
                    info = await self._files.info(file, declared, recording.limits)
                except (AudioFileError, DecodingLate, DecodingUnavailable) as error:
                    raise _fault(error, recording) from error
            # What a file says is rounded, and may be wrong: decoding tells.
            tolerance_s = 1.0
        if info.duration_s is not None and info.duration_s > recording.most_audio_s + tolerance_s:
            raise _too_long(recording)
        return info

    async def sentences(
        self,
        recording: Recording,
        channel: int | None,
        config: RecognitionConfig,
        access: Access,
        statistics: SessionStatistics,
    ) -> AsyncGenerator[Final, None]:
        """Yield what is said in one channel, or in all of them mixed, sentence by sentence.

        Close the iterator to give it up.

        Args:
            config: its format is that of raw recordings, or of what files are decoded to.
            access: closed when it is over.

        Raises:
            RecordingFault: the recording cannot be read, or is too long.
            ProtocolError: the recognition failed.
            ServerFault: a fault of the server, which the log tells.
        """
        samples = config.audio_format
        assert isinstance(samples, AudioFormat), "recordings are read as samples"
        audio = self.audio(recording, channel, samples.sample_rate)
        recognising = self._recognizer.recognize(
            audio, config, access, statistics, priority=Priority.BATCH
        )
        async with aclosing(recognising) as events:
            async for event in events:
                match event:
                    case Final():
                        yield event
                    case Failure():
                        raise fault_of_failure(event, TRAITS)

    async def audio(
        self, recording: Recording, channel: int | None, sample_rate: int
    ) -> AsyncGenerator[bytes, None]:
        """Yield the audio of one channel, or of all of them mixed, no faster than it is taken.

        Close the iterator to give it up.

        Args:
            sample_rate: Hz, of what files are decoded to; raw recordings stay as they are.

        Raises:
            RecordingFault: the recording cannot be read, or is too long.
        """
        try:
            async with aclosing(self._pieces(recording, channel, sample_rate)) as pieces:
                async for piece in pieces:
                    yield piece
        except (AudioFileError, DecodingLate, DecodingUnavailable) as error:
            raise _fault(error, recording) from error

    async def _pieces(
        self, recording: Recording, channel: int | None, sample_rate: int
    ) -> AsyncGenerator[bytes, None]:
        # Opened for each channel: a position in the file belongs to one reader.
        with await asyncio.to_thread(recording.path.open, "rb") as file:
            if isinstance(recording.declared, AudioFormat):
                while piece := await asyncio.to_thread(file.read, _READ_AT_ONCE):
                    yield piece
                return
            decoding = self._files.pieces(
                file,
                recording.declared,
                sample_rate,
                recording.limits,
                channel=channel,
                unhurried=True,
            )
            async with aclosing(decoding) as pieces:
                async for piece in pieces:
                    yield piece


def _fault(
    error: AudioFileError | DecodingLate | DecodingUnavailable, recording: Recording
) -> RecordingFault:
    match error:
        case AudioTooLong():
            return _too_long(recording)
        case AudioFileError():
            return RecordingFault(ErrorCode.NOT_DECODED, f"the recording cannot be used: {error}")
        case DecodingLate():
            return RecordingFault(
                ErrorCode.FULL,
                f"the server is at its limit: {error}; try again in some seconds",
                may_pass=True,
            )
        case DecodingKilled():
            # Not again and again: it may be this file that takes the last of the memory.
            return RecordingFault(ErrorCode.INTERNAL, f"the recording was not read: {error}")
        case _:
            return RecordingFault(
                ErrorCode.INTERNAL, "the server cannot decode recordings now", may_pass=True
            )


def _too_long(recording: Recording) -> RecordingFault:
    return RecordingFault(
        ErrorCode.FILE_TOO_LARGE,
        f"the recording is too long; allowed: {recording.most_audio_s / 60:g} minutes of audio",
    )
