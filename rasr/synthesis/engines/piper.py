"""Piper's voices (VITS), by sherpa-onnx: an English speaker, 0.06 of real time.

The folder is as Piper publishes a voice: NAME.onnx, and NAME.onnx.json with its symbols.
The library reads in the graph what kind of graph it is: a copy that says so is on the disk
until it is loaded. It makes no phonemes itself, so it is given them.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from rasr.synthesis.engines.espeak_library import EspeakLibrary
from rasr.synthesis.engines.phonetics import Clause, Phonetics, estimated
from rasr.synthesis.engines.shaping import Speeds, shaped
from rasr.synthesis.errors import VoiceUnavailable
from rasr.synthesis.speech import Piece, Sound

_SPEEDS = Speeds((0.5, 0.7, 1.0, 1.4, 2.0), (0.589, 0.779, 1.0, 1.255, 1.55))
_LEVEL = 1.2
"""The loudest sentences reach two thirds of full scale."""


class PiperEngine:
    """One voice of Piper behind `rasr.synthesis.engine.Engine`."""

    def __init__(self, folder: Path, variant: str, library: EspeakLibrary) -> None:
        """
        Args:
            variant: the name of its files: "en_US-joe-medium".

        Raises:
            VoiceUnavailable: the folder is not that of such a voice.
        """
        self._phonetics = Phonetics(library)
        try:
            config = json.loads((folder / f"{variant}.onnx.json").read_text("utf-8"))
            self._rate = int(config["audio"]["sample_rate"])
            symbols = {str(one): int(ids[0]) for one, ids in config["phoneme_id_map"].items()}
            self._tts = _loaded(folder / f"{variant}.onnx", symbols, self._rate)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise VoiceUnavailable(f"the voice in {folder} cannot be loaded: {error}") from error
        self._symbols = frozenset(symbols)

    def say(self, piece: Piece) -> Sound:
        """As `Engine.say`; the times of words are estimated."""
        clauses = list(self._phonetics.clauses(piece.words))
        samples = shaped(
            lambda speed: self._made(clauses, speed), _SPEEDS, piece.manner, self._rate, _LEVEL
        )
        return Sound(samples, self._rate, estimated(clauses, len(samples) / self._rate))

    def _made(self, clauses: list[Clause], speed: float) -> NDArray[np.float32]:
        import sherpa_onnx

        text = " ".join(clause.ipa for clause in clauses)
        points = [ord(one) for one in text if one in self._symbols]
        if not points:
            return np.zeros(0, np.float32)
        config = sherpa_onnx.GenerationConfig()
        config.speed = speed
        config.phoneme_codepoints = [points]
        return np.asarray(self._tts.generate("", config).samples, np.float32)


def _loaded(graph: Path, symbols: dict[str, int], rate: int) -> Any:
    # Here, because the library takes a while to load.
    import sherpa_onnx

    model = onnx.load(graph)
    for key, value in {
        "model_type": "vits",
        "comment": "piper",
        "language": "English",
        "voice": "en-us",
        "has_espeak": 1,
        "n_speakers": 1,
        "sample_rate": rate,
    }.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    with TemporaryDirectory(prefix="rasr-voice-") as folder:
        described = Path(folder) / "model.onnx"
        tokens = Path(folder) / "tokens.txt"
        onnx.save(model, described)
        tokens.write_text("".join(f"{one} {id}\n" for one, id in symbols.items()), "utf-8")
        vits = sherpa_onnx.OfflineTtsVitsModelConfig(model=str(described), tokens=str(tokens))
        config = sherpa_onnx.OfflineTtsConfig(
            model=sherpa_onnx.OfflineTtsModelConfig(vits=vits, num_threads=1)
        )
        if not config.validate():
            raise ValueError("sherpa-onnx does not take it")
        return sherpa_onnx.OfflineTts(config)
