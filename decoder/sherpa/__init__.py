"""Models of sherpa-onnx: streaming ones, batched over utterances, and offline ones (`offline`).

What is where: `options` what can be set; `folder`, `graphs`, `vocabulary`, `families` and `model`
read what kind of model a folder holds and whether its files belong together; `preflight` does so,
loads and decodes in a child process (`child`) first; `graph_optimisation` rewrites graphs to be
computed faster; `recogniser` makes sherpa-onnx's object; `chunking` measures how much audio a step
and an ending need; `hot_words` brings hot words into the model's tokens; `transcript` makes timed
words of tokens; `stream` and `engine` are the two halves of the interface. The engine for offline
models uses most of these.

The package `sherpa_onnx` is imported in the two modules `recogniser` alone, `onnx` in `graphs` and
`graph_optimisation` alone.
"""

from decoder.sherpa.engine import SherpaEngine
from decoder.sherpa.options import SherpaOptions

__all__ = ["SherpaEngine", "SherpaOptions"]
