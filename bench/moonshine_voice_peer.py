"""The Moonshine makers' own streaming library, in an environment of its own.

A program: `python moonshine_voice_peer.py MODEL_FOLDER UPDATE_S FILE.wav …`. It feeds each mono
16 kHz file in chunks of 100 ms, as fast as the library takes them, and prints a line of JSON for
each: the process's CPU seconds, how often it was told a text, and the text. It imports nothing of
this project.
"""

from __future__ import annotations

import json
import sys
import time
import wave

import numpy as np
from moonshine_voice import ModelArch, Transcriber  # type: ignore[import-not-found]

_RATE = 16_000
_CHUNK = _RATE // 10


def main(model: str, update_s: float, files: list[str]) -> None:
    """Measure each file."""
    transcriber = Transcriber(model, ModelArch.TINY, update_interval=update_s)
    for number, path in enumerate([files[0], *files]):
        with wave.open(path) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        told = _heard(transcriber, [float(one) for one in samples / 32768.0], update_s)
        # The first time is warming up.
        if number:
            print(json.dumps(told), flush=True)


def _heard(transcriber: object, samples: list[float], update_s: float) -> dict[str, object]:
    lines: dict[int, str] = {}
    updates = 0

    def on_event(event: object) -> None:
        nonlocal updates
        line = event.line  # type: ignore[attr-defined]
        if lines.get(line.line_id) != line.text:
            updates += 1
            lines[line.line_id] = line.text

    stream = transcriber.create_stream(update_interval=update_s)  # type: ignore[attr-defined]
    stream.add_listener(on_event)
    stream.start()
    began_s = time.process_time()
    for at in range(0, len(samples), _CHUNK):
        stream.add_audio(samples[at : at + _CHUNK], _RATE)
    stream.stop()
    cpu_s = time.process_time() - began_s
    stream.close()
    return {"cpu_s": cpu_s, "updates": updates, "text": " ".join(lines.values())}


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
