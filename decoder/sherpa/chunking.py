"""How much audio a model needs for a step, and how much silence for its end: measured on itself.

A model decodes a window of frames, then moves on by fewer frames than that; the rest of the window
is its right context. sherpa-onnx says only whether a stream is ready, so a stream is fed until it
is. Frames are 10 ms apart in every family, but in T-one's, where they are 300 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

from decoder.errors import EngineUnavailable
from decoder.sherpa.model import Model
from decoder.sherpa.recogniser import NativeStream, Recogniser

_LONGEST_S = 20
"""No streaming model decodes in larger steps."""


@dataclass(frozen=True, slots=True)
class Chunking:
    """In samples."""

    window: int
    """Least audio for the first step."""
    shift: int
    """More audio for each further step."""
    ending: int
    """Silence after the last audio, so that all of it is decoded."""
    open_ended: bool = False
    """True where it is not known how late tokens come: then silence goes on, a step at a time,
    until a step of nothing else says nothing new."""

    def steps(self, samples: int) -> int:
        """Steps that so much audio since the start allows."""
        return 0 if samples < self.window else (samples - self.window) // self.shift + 1


def measure_chunking(recogniser: Recogniser, model: Model) -> Chunking:
    """Feed silence to a recogniser until it can make a step, and another.

    Raises:
        EngineUnavailable: the model is never ready.
    """
    frame = model.sample_rate // 100
    window = _least_window(recogniser, model, frame)
    stream = recogniser.create_stream()
    stream.accept_waveform(model.sample_rate, [0.0] * window)
    recogniser.decode_streams([stream])
    shift = _fed_until_ready(recogniser, stream, model, frame)
    # With `window` more samples, as many steps are made as begin before the end of the audio, and
    # each decodes at least the frames until the next one begins.
    held_back = round(model.held_back_ms * model.sample_rate / 1000)
    delay_ms = model.emission_delay_ms
    late = (delay_ms or 0) * model.sample_rate // 1000
    return Chunking(window, shift, window + held_back + late, open_ended=delay_ms is None)


def _fed_until_ready(recogniser: Recogniser, stream: NativeStream, model: Model, frame: int) -> int:
    """Samples of silence, in whole frames, until `stream` is ready."""
    fed = 0
    while not recogniser.is_ready(stream):
        if fed > _LONGEST_S * model.sample_rate:
            raise EngineUnavailable(
                f"the {model.name} in {model.files.tokens.parent} decodes nothing in "
                f"{_LONGEST_S} s of audio; export the model again, with a smaller chunk"
            )
        stream.accept_waveform(model.sample_rate, [0.0] * frame)
        fed += frame
    return fed


def _least_window(recogniser: Recogniser, model: Model, frame: int) -> int:
    """To the sample: the first frame's window is longer than a frame's step."""
    most = _fed_until_ready(recogniser, recogniser.create_stream(), model, frame)
    least = most - frame
    while most - least > 1:
        middle = (most + least) // 2
        stream = recogniser.create_stream()
        stream.accept_waveform(model.sample_rate, [0.0] * middle)
        if recogniser.is_ready(stream):
            most = middle
        else:
            least = middle
    return most
