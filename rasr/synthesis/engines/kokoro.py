"""Kokoro 1.0, by onnxruntime: Mandarin and English speakers, 0.3 of real time on a good core.

The folder has the graph (`model.onnx`), the table of its symbols (`vocab.json`) and a file for each
speaker: styles, one row of 256 numbers for each number of symbols.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rasr.synthesis.engines.espeak_library import EspeakLibrary
from rasr.synthesis.engines.phonetics import (
    Phonetics,
    as_kokoro_was_taught,
    estimated,
)
from rasr.synthesis.engines.shaping import Speeds, shaped
from rasr.synthesis.errors import VoiceUnavailable
from rasr.synthesis.speech import Piece, Sound

_RATE = 24000
_SPEEDS = Speeds((0.5, 0.7, 1.0, 1.4, 2.0), (0.465, 0.672, 1.0, 1.46, 1.85))
_LEVEL = 0.9
_STYLE = 256
_MOST_SYMBOLS = 508
"""The graph was trained on 510, the two at the ends included."""


class KokoroEngine:
    """All speakers of a folder behind `rasr.synthesis.engine.Engine`."""

    def __init__(self, folder: Path, library: EspeakLibrary) -> None:
        """
        Raises:
            VoiceUnavailable: the folder is not that of Kokoro.
        """
        self._folder = folder
        self._phonetics = Phonetics(library)
        self._styles: dict[str, NDArray[np.float32]] = {}
        options = onnxruntime.SessionOptions()
        # Threads would take the processors from those who listen.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            vocab = json.loads((folder / "vocab.json").read_text("utf-8"))
            self._symbols = {str(one): int(id) for one, id in vocab["vocab"].items()}
            self._session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # onnxruntime's own errors have no common class.
            raise VoiceUnavailable(f"the voices in {folder} cannot be loaded: {error}") from error

    def say(self, piece: Piece) -> Sound:
        """As `Engine.say`; the times of words are estimated."""
        text = as_kokoro_was_taught(self._phonetics.ipa(piece.words))
        style = self._style(piece.voice.variant)
        samples = shaped(
            lambda speed: self._made(text, style, speed), _SPEEDS, piece.manner, _RATE, _LEVEL
        )
        return Sound(samples, _RATE, estimated(piece.words, len(samples) / _RATE))

    def _made(self, text: str, style: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
        symbols = [self._symbols[one] for one in text if one in self._symbols]
        parts = [
            self._run(symbols[at : at + _MOST_SYMBOLS], style, speed)
            for at in range(0, len(symbols), _MOST_SYMBOLS)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _run(
        self, symbols: list[int], style: NDArray[np.float32], speed: float
    ) -> NDArray[np.float32]:
        (audio,) = self._session.run(
            None,
            {
                "tokens": np.array([[0, *symbols, 0]], np.int64),
                "style": style[min(len(symbols), len(style) - 1)],
                "speed": np.array([speed], np.float32),
            },
        )
        return np.asarray(audio, np.float32)

    def _style(self, variant: str) -> NDArray[np.float32]:
        if variant not in self._styles:
            try:
                numbers = np.fromfile(self._folder / f"{variant}.bin", np.float32)
                self._styles[variant] = numbers.reshape(-1, 1, _STYLE)
            except (OSError, ValueError) as error:
                raise VoiceUnavailable(
                    f"the voice {variant} in {self._folder} cannot be loaded: {error}"
                ) from error
        return self._styles[variant]
