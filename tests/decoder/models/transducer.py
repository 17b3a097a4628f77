"""Transducers in parts: encoder, stateless decoder, joiner (icefall's export)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto

from tests.decoder.models.graph import GraphBuilder, projection, spoken
from tests.decoder.models.vocabulary import MIXED, write_tokens

BINS = 80
CONTEXT = 2
STATE = 8
_LAYERS = 2


def write_lstm(
    folder: Path,
    *,
    tokens: Sequence[str] = MIXED,
    chunk: int = 32,
    right: int = 9,
    suffix: str = "",
) -> Path:
    """An LSTM transducer: `chunk` frames a step, `right` frames of right context."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = GraphBuilder()
    x = graph.input("x", ["N", chunk + right, BINS])
    h = graph.input("h", [_LAYERS, "N", STATE])
    c = graph.input("c", [_LAYERS, "N", STATE])
    count, size = chunk // 4, len(tokens)
    logits = spoken(graph, x, count=count, subsampling=4, bins=BINS, tokens=size, blank=0)
    # h remembers the last logits a little and tilts the next ones; c counts the chunks.
    mean = graph.op("ReduceMean", logits, axes=[1], keepdims=0)
    heard = graph.op("Tanh", graph.op("MatMul", mean, graph.constant(projection(size, STATE, 3))))
    faded = graph.op("Mul", h, graph.constant(0.5))
    new_h = graph.op("Add", faded, heard)
    new_c = graph.op("Add", c, graph.constant(1.0))
    past = graph.op("ReduceMean", h, axes=[0], keepdims=0)
    tilt = projection(STATE, size, 4)
    tilt[:, 0] = 0
    tilted = graph.op("MatMul", past, graph.constant(tilt))
    added = graph.op("Unsqueeze", tilted, graph.constant([1]))
    graph.output("encoder_out", graph.op("Add", logits, added), ["N", count, size])
    graph.output("new_h", new_h, [_LAYERS, "N", STATE])
    graph.output("new_c", new_c, [_LAYERS, "N", STATE])
    graph.save(
        folder / f"encoder{suffix}.onnx",
        {
            "model_type": "lstm",
            "num_encoder_layers": _LAYERS,
            "T": chunk + right,
            "decode_chunk_len": chunk,
            "rnn_hidden_size": STATE,
            "d_model": STATE,
        },
    )
    write_stateless_decoder(folder / f"decoder{suffix}.onnx", size)
    write_joiner(folder / f"joiner{suffix}.onnx", size)
    write_tokens(folder, tokens)
    return folder


def write_stateless_decoder(path: Path, tokens: int) -> None:
    """Two tokens in, one vector out: what was said last is a little less likely."""
    graph = GraphBuilder()
    y = graph.input("y", ["N", CONTEXT], TensorProto.INT64)
    rows = (-0.3 * np.eye(tokens)).astype(np.float32)
    rows[0] = 0
    embedded = graph.op("Gather", graph.constant(rows), y, axis=0)
    out = graph.op("ReduceMean", embedded, axes=[1], keepdims=0)
    graph.output("decoder_out", out, ["N", tokens])
    graph.save(path, {"vocab_size": tokens, "context_size": CONTEXT})


def write_joiner(path: Path, tokens: int) -> None:
    graph = GraphBuilder()
    encoded = graph.input("encoder_out", ["N", tokens])
    decoded = graph.input("decoder_out", ["N", tokens])
    graph.output("logit", graph.op("Add", encoded, decoded), ["N", tokens])
    graph.save(path, {"joiner_dim": tokens})
