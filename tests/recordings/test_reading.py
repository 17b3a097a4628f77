"""What is told of recordings that cannot be read, and who is at fault."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import IO, Any, cast

import pytest

from rasr.audio import AudioFileError, AudioInfo, FileFormat
from rasr.media import AudioFiles, DecodingKilled, DecodingLate, DecodingUnavailable
from rasr.recordings.faults import RecordingFault
from rasr.recordings.reading import Recording, RecordingReader
from rasr.runtime.recognizer import Recognizer
from rasr.wire.sis.errors import ErrorCode


class Failing:
    """Files that are not decoded."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def info(self, file: IO[bytes], *args: Any) -> AudioInfo:
        raise self._error

    async def pieces(self, file: IO[bytes], *args: Any, **more: Any) -> AsyncGenerator[bytes, None]:
        for piece in (b"",):
            if piece == b"":
                raise self._error
            yield piece


@pytest.mark.parametrize(
    ("error", "code", "may_pass", "said"),
    [
        (AudioFileError("it is a text file"), ErrorCode.NOT_DECODED, False, "text file"),
        (DecodingLate("nothing came"), ErrorCode.FULL, True, "at its limit"),
        (DecodingUnavailable("it hangs"), ErrorCode.INTERNAL, True, "cannot decode"),
        (DecodingKilled(), ErrorCode.INTERNAL, False, "ended from outside, twice"),
    ],
)
async def test_who_is_at_fault_is_told(
    tmp_path: Path, error: Exception, code: ErrorCode, may_pass: bool, said: str
) -> None:
    path = tmp_path / "recording"
    path.touch()
    files = cast(AudioFiles, Failing(error))
    reader = RecordingReader(files, cast(Recognizer, None))
    recording = Recording(path, FileFormat.AUTO, 60.0)
    with pytest.raises(RecordingFault, match=said) as of_info:
        await reader.info(recording)
    with pytest.raises(RecordingFault, match=said) as of_audio:
        await anext(reader.audio(recording, None, 16000))
    for raised in (of_info, of_audio):
        assert (raised.value.code, raised.value.may_pass) == (code, may_pass)
