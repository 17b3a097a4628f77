"""A paraformer: encoder with the weights of its frames, decoder of what fired."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto

from tests.decoder.models.graph import GraphBuilder, projection
from tests.decoder.models.vocabulary import CONTINUED, write_tokens

BINS, WINDOW, SHIFT = 80, 7, 6
_FEATURES = BINS * WINDOW
_DIM = 16
_KERNEL = 3
_LOUD = 6.0
"""Mean log-mel energy, in 16-bit steps, past which a frame is a word."""


def write_paraformer(folder: Path) -> Path:
    """Each loud frame, 60 ms, is a token."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = GraphBuilder()
    x = graph.input("speech", ["N", "T", _FEATURES])
    length = graph.input("speech_lengths", ["N"], TensorProto.INT32)
    level = graph.op("ReduceMean", x, axes=[2], keepdims=1)
    shape = graph.op("Sub", x, level)
    encoded = graph.op("MatMul", shape, graph.constant(projection(_FEATURES, _DIM, 7)))
    loud = graph.op(
        "Greater", graph.op("Squeeze", level, graph.constant([2])), graph.constant(_LOUD)
    )
    graph.output("enc", encoded, ["N", "T", _DIM])
    graph.output("enc_len", length, ["N"], TensorProto.INT32)
    graph.output("alphas", graph.op("Cast", loud, to=TensorProto.FLOAT), ["N", "T"])
    size = len(CONTINUED)
    graph.save(
        folder / "encoder.onnx",
        {
            "model_type": "paraformer",
            "vocab_size": size,
            "lfr_window_size": WINDOW,
            "lfr_window_shift": SHIFT,
            "encoder_output_size": _DIM,
            "decoder_num_blocks": 1,
            "decoder_kernel_size": _KERNEL,
            "neg_mean": ",".join(["0"] * _FEATURES),
            "inv_stddev": ",".join([f"{1 / _DIM**0.5:.6f}"] * _FEATURES),
        },
    )
    _write_decoder(folder / "decoder.onnx", size)
    write_tokens(folder, CONTINUED)
    return folder


def _write_decoder(path: Path, tokens: int) -> None:
    graph = GraphBuilder()
    graph.input("enc", ["N", "T", _DIM])
    graph.input("enc_len", ["N"], TensorProto.INT32)
    embedded = graph.input("acoustic_embeds", ["N", "U", _DIM])
    graph.input("acoustic_embeds_len", ["N"], TensorProto.INT32)
    cache = graph.input("in_cache_0", ["N", _DIM, _KERNEL - 1])
    # The cache counts steps and turns the next ones.
    past = graph.op("ReduceMean", cache, axes=[2], keepdims=0)
    turned = graph.op("Add", embedded, graph.op("Unsqueeze", past, graph.constant([1])))
    words = projection(_DIM, tokens, 8)
    logits = graph.op("MatMul", turned, graph.constant(words))
    special = np.zeros(tokens, np.float32)
    special[:3] = -1e9
    logits = graph.op("Add", logits, graph.constant(special))
    graph.output("logits", logits, ["N", "U", tokens])
    ids = graph.op("ArgMax", logits, axis=2, keepdims=0)
    graph.output("sample_ids", ids, ["N", "U"], TensorProto.INT64)
    new = graph.op("Add", cache, graph.constant(0.5))
    graph.output("out_cache_0", new, ["N", _DIM, _KERNEL - 1])
    graph.save(path, {})
