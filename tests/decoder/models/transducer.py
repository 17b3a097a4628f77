"""Transducers in parts: encoder, stateless decoder, joiner (icefall's export)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto

from tests.decoder.models.graph import GraphBuilder, hear, remember, spoken, tilt
from tests.decoder.models.vocabulary import MIXED, write_tokens
from tests.decoder.models.zipformer2 import (
    ZIPFORMER2_CHUNK,
    ZIPFORMER2_METADATA,
    ZIPFORMER2_RIGHT,
    zipformer2_states,
)

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
    metadata: Mapping[str, object] | None = None,
) -> Path:
    """An LSTM transducer: `chunk` frames a step, `right` frames of right context."""
    graph, logits = _begin(tokens, chunk, right)
    size = len(tokens)
    h = graph.input("h", [_LAYERS, "N", STATE])
    c = graph.input("c", [_LAYERS, "N", STATE])
    past = graph.op("ReduceMean", h, axes=[0], keepdims=0)
    _encoded(graph, logits, past, tokens=size, count=chunk // 4)
    heard = hear(graph, logits, tokens=size, size=STATE)
    graph.output("new_h", remember(graph, h, heard, [0]), [_LAYERS, "N", STATE])
    graph.output("new_c", graph.op("Add", c, graph.constant(1.0)), [_LAYERS, "N", STATE])
    return _write(
        folder,
        graph,
        tokens,
        suffix,
        {
            "model_type": "lstm",
            "num_encoder_layers": _LAYERS,
            "T": chunk + right,
            "decode_chunk_len": chunk,
            "rnn_hidden_size": STATE,
            "d_model": STATE,
            **(metadata or {}),
        },
    )


def write_late(folder: Path, *, metadata: Mapping[str, object] | None = None) -> Path:
    """An LSTM transducer that says everything a whole step, 320 ms, too late."""
    chunk, right, size = 32, 9, len(MIXED)
    count = chunk // 4
    graph, logits = _begin(MIXED, chunk, right)
    h = graph.input("h", [1, "N", count * size])
    c = graph.input("c", [1, "N", count * size])
    before = graph.op("Reshape", h, graph.constant([-1, count, size]))
    graph.output("encoder_out", before, ["N", count, size])
    kept = graph.op("Reshape", logits, graph.constant([1, -1, count * size]))
    graph.output("new_h", kept, [1, "N", count * size])
    graph.output("new_c", c, [1, "N", count * size])
    return _write(
        folder,
        graph,
        MIXED,
        "",
        {
            "model_type": "lstm",
            "num_encoder_layers": 1,
            "T": chunk + right,
            "decode_chunk_len": chunk,
            "rnn_hidden_size": count * size,
            "d_model": count * size,
            **(metadata or {}),
        },
    )


def write_conformer(folder: Path, *, tokens: Sequence[str] = MIXED) -> Path:
    """A streaming conformer transducer, one layer."""
    chunk, right, left, kernel = 32, 15, 4, 3
    graph, logits = _begin(tokens, chunk, right)
    size = len(tokens)
    attention = graph.input("states_0", [1, left, "N", STATE])
    convolution = graph.input("states_1", [1, kernel - 1, "N", STATE])
    graph.input("processed_frames", ["N"], TensorProto.INT64)
    past = graph.op("ReduceMean", attention, axes=[0, 1], keepdims=0)
    _encoded(graph, logits, past, tokens=size, count=chunk // 4)
    heard = hear(graph, logits, tokens=size, size=STATE)
    new = remember(graph, attention, heard, [0, 1])
    graph.output("next_0", new, [1, left, "N", STATE])
    graph.output("next_1", convolution, [1, kernel - 1, "N", STATE])
    return _write(
        folder,
        graph,
        tokens,
        "",
        {
            "model_type": "conformer",
            "num_encoder_layers": 1,
            "T": chunk + right,
            "decode_chunk_len": chunk,
            "left_context": left,
            "encoder_dim": STATE,
            "pad_length": right,
            "cnn_module_kernel": kernel,
        },
    )


def write_zipformer(folder: Path, *, tokens: Sequence[str] = MIXED) -> Path:
    """A streaming zipformer transducer, one encoder of one layer."""
    chunk, right, left, kernel = 32, 7, 4, 3
    graph, logits = _begin(tokens, chunk, right)
    size = len(tokens)
    states: list[tuple[str, list[int | str], int]] = [
        ("cached_len", [1, "N"], TensorProto.INT64),
        ("cached_avg", [1, "N", STATE], TensorProto.FLOAT),
        ("cached_key", [1, left, "N", STATE], TensorProto.FLOAT),
        ("cached_val", [1, left, "N", STATE // 2], TensorProto.FLOAT),
        ("cached_val2", [1, left, "N", STATE // 2], TensorProto.FLOAT),
        ("cached_conv1", [1, "N", STATE, kernel - 1], TensorProto.FLOAT),
        ("cached_conv2", [1, "N", STATE, kernel - 1], TensorProto.FLOAT),
    ]
    names = [graph.input(f"{name}_0", shape, kind) for name, shape, kind in states]
    past = graph.op("ReduceMean", names[1], axes=[0], keepdims=0)
    _encoded(graph, logits, past, tokens=size, count=chunk // 4)
    heard = hear(graph, logits, tokens=size, size=STATE)
    names[1] = remember(graph, names[1], heard, [0])
    for name, (state, shape, kind) in zip(names, states, strict=True):
        graph.output(f"new_{state}_0", name, shape, kind)
    return _write(
        folder,
        graph,
        tokens,
        "",
        {
            "model_type": "zipformer",
            "encoder_dims": STATE,
            "attention_dims": STATE,
            "num_encoder_layers": 1,
            "cnn_module_kernels": kernel,
            "left_context_len": left,
            "T": chunk + right,
            "decode_chunk_len": chunk,
        },
    )


def write_zipformer2(folder: Path, *, tokens: Sequence[str] = MIXED) -> Path:
    """A streaming zipformer2 transducer, one encoder of one layer."""
    graph, logits = _begin(tokens, ZIPFORMER2_CHUNK, ZIPFORMER2_RIGHT)
    size, count = len(tokens), ZIPFORMER2_CHUNK // 4
    tilted = zipformer2_states(graph, logits, tokens=size)
    graph.output_first("encoder_out", tilted, ["N", count, size])
    return _write(folder, graph, tokens, "", {"model_type": "zipformer2", **ZIPFORMER2_METADATA})


def _begin(tokens: Sequence[str], chunk: int, right: int) -> tuple[GraphBuilder, str]:
    graph = GraphBuilder()
    x = graph.input("x", ["N", chunk + right, BINS])
    logits = spoken(
        graph, x, count=chunk // 4, subsampling=4, bins=BINS, tokens=len(tokens), blank=0
    )
    return graph, logits


def _encoded(graph: GraphBuilder, logits: str, past: str, *, tokens: int, count: int) -> None:
    tilted = tilt(graph, logits, past, tokens=tokens, size=STATE, blank=0)
    graph.output("encoder_out", tilted, ["N", count, tokens])


def _write(
    folder: Path,
    encoder: GraphBuilder,
    tokens: Sequence[str],
    suffix: str,
    metadata: Mapping[str, object],
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    encoder.save(folder / f"encoder{suffix}.onnx", metadata)
    write_stateless_decoder(folder / f"decoder{suffix}.onnx", len(tokens))
    write_joiner(folder / f"joiner{suffix}.onnx", len(tokens))
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
