"""Streaming models of the sherpa-onnx family, batched over utterances.

What is where: `options` what can be set; `folder`, `vocabulary`, `families` and `model` read what
kind of model a folder holds and whether its files belong together; `trial` does so, loads and
decodes in a child process first; `recogniser` makes sherpa-onnx's object; `pace` measures how much
sound a step and an ending need; `spelling` brings hot words into the model's units; `words` makes
timed words of tokens; `stream` and `engine` are the two halves of the interface.

The package `sherpa_onnx` is imported in `recogniser` alone, `onnx` in `graphs` alone.
"""

from decoder.sherpa.engine import SherpaEngine
from decoder.sherpa.options import SherpaOptions

__all__ = ["SherpaEngine", "SherpaOptions"]
