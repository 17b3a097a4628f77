"""The recording whose voice a model imitates, and what is said in it: two files of the folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rasr.audio.files import AudioFileError, audio_info, read_audio
from rasr.synthesis.engines.sherpa.folder_files import text_of
from rasr.synthesis.errors import VoiceUnavailable

RECORDING = "prompt.wav"
TEXT = "prompt.txt"

_RATE = 24000
_SHORTEST_S, _LONGEST_S = 1.0, 20.0
_MOST_CHARACTERS = 300
_SILENT = 300
"""An amplitude (-40 dB) that anybody who speaks is louder than."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Whom a model imitates. It pickles."""

    recording: Path
    text: str
    """Empty where the family does not ask for it."""
    rate: int = _RATE

    def samples(self) -> NDArray[np.float32]:
        """The recording at `rate`, in -1 to 1.

        Raises:
            VoiceUnavailable: it cannot be read, or nobody speaks in it.
        """
        try:
            heard = np.concatenate(list(read_audio(self.recording, self.rate)))
        except (AudioFileError, ValueError) as error:
            raise VoiceUnavailable(f"{self.recording} cannot be read: {error}") from error
        if np.abs(heard.astype(np.int32)).max() < _SILENT:
            raise VoiceUnavailable(f"{self.recording} is silent; nobody can be imitated by it")
        return heard.astype(np.float32) * np.float32(2**-15)


def read_prompt(folder: Path, *, with_text: bool) -> Prompt:
    """The prompt that a folder holds.

    Raises:
        VoiceUnavailable: it lacks one, or one that can be used; the text says why.
    """
    recording, text = folder / RECORDING, ""
    if not recording.is_file():
        raise VoiceUnavailable(
            f"the voice in {folder} imitates a recording, and lacks its {RECORDING}: somebody who "
            f"speaks for {_SHORTEST_S:g} to {_LONGEST_S:g} s"
        )
    try:
        seconds = audio_info(recording).duration_s
    except AudioFileError as error:
        raise VoiceUnavailable(f"{recording} cannot be read: {error}") from error
    if seconds is None or not _SHORTEST_S <= seconds <= _LONGEST_S:
        length = "of unknown length" if seconds is None else f"{seconds:.1f} s long"
        raise VoiceUnavailable(
            f"{recording} is {length}; allowed: {_SHORTEST_S:g} to {_LONGEST_S:g} s"
        )
    if with_text:
        text = _text(folder / TEXT)
    return Prompt(recording, text)


def _text(file: Path) -> str:
    if not file.is_file():
        raise VoiceUnavailable(
            f"the voice in {file.parent} imitates a recording, and lacks its {TEXT}: what is said "
            f"in {RECORDING}"
        )
    text = " ".join(text_of(file, "utf-8-sig").split())
    if not 0 < len(text) <= _MOST_CHARACTERS:
        raise VoiceUnavailable(
            f"{file} has {len(text)} characters; allowed: 1 to {_MOST_CHARACTERS}"
        )
    return text
