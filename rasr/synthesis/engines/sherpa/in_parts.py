"""The families whose voices are made of several graphs: ZipVoice, Pocket TTS, Supertonic."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from decoder.sherpa.graphs import read_graph
from rasr.synthesis.engines.sherpa.families import Family, FrontEnd
from rasr.synthesis.engines.sherpa.folder_files import (
    best,
    lacks_vocoder,
    lexicons_in,
    spoken_languages,
    symbols_of,
    tokens_file,
)
from rasr.synthesis.engines.sherpa.prompt import read_prompt
from rasr.synthesis.engines.sherpa.voice_model import VoiceModel
from rasr.synthesis.errors import VoiceUnavailable

_POCKET_RATE = 24000
_STYLE_SIZES = 6
"""Whole numbers that a file of styles begins with; the first one is the number of speakers."""
_MOST_SPEAKERS = 1000
"""More of them are no file of styles."""


def zipvoice(folder: Path, languages: Sequence[str]) -> VoiceModel:
    """It imitates a recording: Mandarin and English by a lexicon, English by the sounds of words.

    Raises:
        VoiceUnavailable: something is not there.
        EngineUnavailable: a graph cannot be read.
    """
    parts = _graphs(folder, "encoder", "decoder")
    vocoders = sorted(folder.glob("vocos*.onnx"))
    if not vocoders:
        raise VoiceUnavailable(lacks_vocoder(folder, "vocos_24khz.onnx"))
    parts["vocoder"] = best(folder, vocoders)
    decoder = read_graph(parts["decoder"])
    lexicons = lexicons_in(folder)
    said = "chinese english" if lexicons else "english"
    return VoiceModel(
        folder=folder,
        family=Family.ZIPVOICE,
        front_end=FrontEnd.LEXICON,
        graphs=parts,
        languages=spoken_languages(folder, FrontEnd.LEXICON, said, "en-us", languages),
        rate=decoder.integer("sample_rate") if "sample_rate" in decoder.metadata else 24000,
        speakers=("0",),
        tokens=tokens_file(folder),
        lexicons=lexicons,
        symbols=symbols_of(tokens_file(folder)),
        prompt=read_prompt(folder, with_text=True),
    )


def pocket(folder: Path, languages: Sequence[str]) -> VoiceModel:
    """It imitates a recording: English, whose words it cuts into tokens itself.

    Raises:
        VoiceUnavailable: something is not there.
    """
    parts = _graphs(folder, "lm_flow", "lm_main", "encoder", "decoder", "text_conditioner")
    parts |= {f"{name}_json": _file(folder, f"{name}.json") for name in ("vocab", "token_scores")}
    return VoiceModel(
        folder=folder,
        family=Family.POCKET,
        front_end=FrontEnd.LIBRARY,
        graphs=parts,
        languages=spoken_languages(folder, FrontEnd.LIBRARY, "english", "en-us", languages),
        rate=_POCKET_RATE,
        speakers=("0",),
        prompt=read_prompt(folder, with_text=False),
    )


def supertonic(folder: Path, languages: Sequence[str]) -> VoiceModel:
    """English by its letters; its speakers are styles in a file.

    Raises:
        VoiceUnavailable: something is not there.
    """
    parts = _graphs(folder, "duration_predictor", "text_encoder", "vector_estimator", "vocoder")
    parts |= {
        "tts_json": _file(folder, "tts.json"),
        "unicode_indexer": _file(folder, "unicode_indexer.bin"),
        "voice_style": _file(folder, "voice.bin"),
    }
    return VoiceModel(
        folder=folder,
        family=Family.SUPERTONIC,
        front_end=FrontEnd.LIBRARY,
        graphs=parts,
        languages=spoken_languages(folder, FrontEnd.LIBRARY, "english", "en-us", languages),
        rate=_rate_of(parts["tts_json"]),
        speakers=tuple(str(one) for one in range(_speakers_of(parts["voice_style"]))),
    )


def _graphs(folder: Path, *names: str) -> dict[str, Path]:
    """The graphs whose names begin so, by that, each in its best precision."""
    parts = {}
    for name in names:
        found = sorted(folder.glob(f"{name}*.onnx"))
        if not found:
            raise VoiceUnavailable(
                f"the voice in {folder} lacks its {name}….onnx; unpack the model again"
            )
        parts[name] = best(folder, found)
    return parts


def _file(folder: Path, name: str) -> Path:
    file = folder / name
    if not file.is_file():
        raise VoiceUnavailable(f"the voice in {folder} lacks its {name}; unpack the model again")
    return file


def _rate_of(file: Path) -> int:
    try:
        rate = int(json.loads(file.read_text("utf-8"))["ae"]["sample_rate"])
    except (ValueError, KeyError, TypeError) as error:
        raise VoiceUnavailable(
            f"{file} does not describe a voice of Supertonic: {error!r}"
        ) from error
    if rate <= 0:
        raise VoiceUnavailable(f"{file}: the sample rate is {rate}; allowed: more than 0")
    return rate


def _speakers_of(file: Path) -> int:
    sizes = np.fromfile(file, np.int64, _STYLE_SIZES)
    if len(sizes) < _STYLE_SIZES or not 0 < sizes[0] <= _MOST_SPEAKERS:
        raise VoiceUnavailable(f"{file} holds no styles of speakers; unpack the model again")
    return int(sizes[0])
