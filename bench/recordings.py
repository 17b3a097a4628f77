"""The recordings whose words are known: the bundled ones, and a folder of people's speech.

Tests and benchmarks read them here. The bundled files are made by the two scripts `synthesise.py`
in `tests/speech`, which also write the index of each language; the environment variable
RASR_SPEECH_DIR names the folder of people's speech. All samples are mono int16 at 16 kHz, which is
what the engines take.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from rasr.audio import SAMPLE_RATE, Samples

_ROOT = Path(__file__).parent.parent
_SPEECH = _ROOT / "tests" / "speech"
_DATA = _ROOT / "rasr" / "data"
_UNKNOWN_NAME = _SPEECH / "unknown-name.json"
FOLDERS = {"en": _SPEECH, "zh": _SPEECH / "zh"}
"""Language → the folder of its bundled recordings and their index."""
_DEMOS = {"en": _DATA / "demo.json", "zh": _DATA / "demo-zh.json"}
_HUMAN_DEMO = _DATA / "demo-human.json"


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word or a Chinese character, and when it is said, in ms from the start of the audio."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class SpeechSpan:
    """A stretch of speech without a pause, in ms from the start of the audio."""

    start_ms: int
    end_ms: int
    words: tuple[SpokenWord, ...] = ()
    """Empty where they are not known."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a bundled recording: words said without a pause."""

    text: str
    words: tuple[SpokenWord, ...]

    @property
    def start_ms(self) -> int:
        """When its first word begins."""
        return self.words[0].start_ms

    @property
    def end_ms(self) -> int:
        """When its last word ends."""
        return self.words[-1].end_ms


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A bundled recording with the times of its words: exact where it is synthesised."""

    name: str
    text: str
    sentences: tuple[Sentence, ...]
    samples: Samples
    """Shape (n,), int16, 16 kHz."""
    path: Path

    @property
    def words(self) -> tuple[SpokenWord, ...]:
        """The words of all its sentences, in the order of time."""
        return tuple(word for sentence in self.sentences for word in sentence.words)


@dataclass(frozen=True, slots=True, eq=False)
class HumanRecording:
    """Somebody's speech and what was said, without the times of the words."""

    name: str
    language: str
    """As in transcripts.tsv: "en", "zh"."""
    text: str
    samples: Samples
    """Shape (n,), int16, 16 kHz."""
    path: Path


def names(language: str = "en") -> tuple[str, ...]:
    """The names of the bundled recordings: single sentences, and `conversation`, which is several
    with pauses between them."""
    return tuple(_index(language))


def load(name: str, language: str = "en") -> Recording:
    """Read one bundled recording.

    Args:
        name: one of `names(language)`.
        language: "en", or "zh": Mandarin, partly with English words.

    Raises:
        KeyError: there is no such name or language.
    """
    return _recording(_index(language)[name], FOLDERS[language])


def load_demo(language: str = "en") -> Recording:
    """Read the synthesised recording that `make demo` streams."""
    path = _DEMOS[language]
    return _recording(json.loads(path.read_text(encoding="utf-8")), path.parent)


def load_human_demo() -> Recording:
    """Read the recording of a person that `make demo` streams.

    The times of its words were found by alignment, so they are near the truth, not exact.
    """
    return _recording(json.loads(_HUMAN_DEMO.read_text(encoding="utf-8")), _DATA)


def load_unknown_name() -> Recording:
    """Read the sentence whose last word no dictionary has."""
    return _recording(json.loads(_UNKNOWN_NAME.read_text(encoding="utf-8")), _SPEECH)


def human_recordings(language: str | None = None) -> list[HumanRecording]:
    """Read the folder that RASR_SPEECH_DIR names; an empty list if it is unset or empty.

    Args:
        language: of those that are wanted: "en"; None for all.
    """
    named = os.environ.get("RASR_SPEECH_DIR")
    found = recordings_in(Path(named)) if named else []
    return [one for one in found if language in (None, one.language)]


def english_of_people() -> list[Samples]:
    """What people say in English: the demo, and the folder that RASR_SPEECH_DIR names."""
    return [load_human_demo().samples, *(one.samples for one in human_recordings("en"))]


def recordings_in(folder: Path) -> list[HumanRecording]:
    """Read the recordings that the transcripts.tsv of a folder lists."""
    with (folder / "transcripts.tsv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    return [
        HumanRecording(
            name=Path(row["file"]).stem,
            language=row["language"],
            text=row["text"],
            samples=read_audio_of(folder / row["file"]),
            path=folder / row["file"],
        )
        for row in rows
    ]


def _index(language: str) -> dict[str, Mapping[str, Any]]:
    index = json.loads((FOLDERS[language] / "index.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry for entry in index["recordings"]}


def _recording(entry: Mapping[str, Any], folder: Path) -> Recording:
    sentences = tuple(
        Sentence(
            text=sentence["text"],
            words=tuple(SpokenWord(**word) for word in sentence["words"]),
        )
        for sentence in entry["sentences"]
    )
    path = folder / entry["file"]
    return Recording(
        name=entry["name"],
        text=entry["text"],
        sentences=sentences,
        samples=read_audio_of(path),
        path=path,
    )


def read_audio_of(path: Path) -> Samples:
    """Decode a whole file to mono int16 at 16 kHz, shape (n,).

    Raises:
        av.FFmpegError: it cannot be read.
    """
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])
