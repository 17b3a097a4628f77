"""Whisper: an encoder that is not listened to, and a decoder that says the same of any audio."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from onnx import TensorProto

from tests.decoder.models.graph import GraphBuilder

_LAYERS, _CONTEXT, _STATE, _MELS = 1, 16, 4, 80
_SYMBOLS = (b" Hello", b",", " 你".encode()[:3], " 你".encode()[3:], b"!")
"""The third and the fourth are one letter together."""
_EOT, _SOT, _CHINESE, _ENGLISH, _TRANSCRIBE, _TRANSLATE, _NO_SPEECH, _NO_TIMES = range(5, 13)
_SIZE = _NO_TIMES + 1
SAID = "Hello,你!"


def write_whisper(folder: Path) -> Path:
    """It detects Chinese."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_encoder(folder / "tiny-encoder.onnx")
    _write_decoder(folder / "tiny-decoder.onnx")
    lines = (f"{base64.b64encode(one).decode()} {number}\n" for number, one in enumerate(_SYMBOLS))
    (folder / "tiny-tokens.txt").write_text("".join(lines), "utf-8")
    return folder


def _write_encoder(path: Path) -> None:
    graph = GraphBuilder()
    mel = graph.input("mel", [1, _MELS, "T"])
    few = graph.op("ReduceMean", mel, axes=[1], keepdims=1)
    states = graph.op("Transpose", few, perm=[0, 2, 1])
    wide = graph.op("Concat", *[states] * _STATE, axis=2)
    layers = graph.op("Unsqueeze", wide, graph.constant([0]))
    for name in ("n_layer_cross_k", "n_layer_cross_v"):
        graph.output(name, layers, [_LAYERS, 1, "T", _STATE])
    metadata = {
        "model_type": "whisper-tiny",
        "n_mels": _MELS,
        "n_text_layer": _LAYERS,
        "n_text_ctx": _CONTEXT,
        "n_text_state": _STATE,
        "n_vocab": _SIZE,
        "sot": _SOT,
        "eot": _EOT,
        "blank_id": 4,
        "translate": _TRANSLATE,
        "transcribe": _TRANSCRIBE,
        "is_multilingual": 1,
        "no_speech": _NO_SPEECH,
        "no_timestamps": _NO_TIMES,
        "sot_sequence": f"{_SOT},{_ENGLISH},{_TRANSCRIBE}",
        "all_language_codes": "zh,en",
        "all_language_tokens": f"{_CHINESE},{_ENGLISH}",
    }
    graph.save(path, metadata)


def _write_decoder(path: Path) -> None:
    """What comes next follows from the place in the text alone."""
    graph = GraphBuilder()
    tokens = graph.input("tokens", [1, "n"], TensorProto.INT64)
    cache = ["in_n_layer_self_k_cache", "in_n_layer_self_v_cache"]
    kept = [graph.input(name, [_LAYERS, 1, _CONTEXT, _STATE]) for name in cache]
    for name in ("n_layer_cross_k", "n_layer_cross_v"):
        graph.input(name, [_LAYERS, 1, "T", _STATE])
    offset = graph.input("offset", [1], TensorProto.INT64)
    # What is said after the four tokens of the beginning: the symbols in order, and the end.
    script = [_CHINESE, _EOT, _EOT, *range(len(_SYMBOLS)), *[_EOT] * _CONTEXT]
    table = 10 * np.eye(_SIZE, dtype=np.float32)[script]
    ones = graph.op("Sub", tokens, graph.op("Sub", tokens, graph.constant([1])))
    places = graph.op("Add", graph.op("CumSum", ones, graph.constant(np.array(1))), offset)
    before = graph.op("Sub", places, graph.constant([1]))
    graph.output("logits", graph.op("Gather", graph.constant(table), before), [1, "n", _SIZE])
    for name, one in zip(("k", "v"), kept, strict=True):
        shape = [_LAYERS, 1, _CONTEXT, _STATE]
        graph.output(f"out_n_layer_self_{name}_cache", one, shape)
    graph.save(path, {})
