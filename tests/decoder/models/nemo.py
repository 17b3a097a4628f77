"""A NeMo transducer: a cache-aware encoder, an LSTM predictor, a joiner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto

from tests.decoder.models.ctc import (
    NEMO_CACHES,
    NEMO_CHUNK,
    NEMO_RIGHT,
    NEMO_SUBSAMPLING,
    nemo_encoder,
    nemo_outputs,
    nemo_states,
)
from tests.decoder.models.graph import GraphBuilder
from tests.decoder.models.vocabulary import MIXED, write_tokens

_HIDDEN = 4


def write_nemo_transducer(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    tokens = (*MIXED[1:], "<blk>")
    size, count = len(tokens), NEMO_CHUNK // NEMO_SUBSAMPLING
    graph = GraphBuilder()
    frames = nemo_encoder(graph, tokens=size)
    tilted, channel = nemo_states(graph, frames, tokens=size, count=count)
    by_channel = graph.op("Transpose", tilted, perm=[0, 2, 1])
    graph.output("outputs", by_channel, ["N", size, count])
    nemo_outputs(graph, channel)
    graph.save(
        folder / "encoder.onnx",
        {
            "vocab_size": size - 1,
            "window_size": NEMO_CHUNK + NEMO_RIGHT,
            "chunk_shift": NEMO_CHUNK,
            "subsampling_factor": NEMO_SUBSAMPLING,
            "normalize_type": "NA",
            "pred_rnn_layers": 1,
            "pred_hidden": _HIDDEN,
            **NEMO_CACHES,
        },
    )
    write_nemo_parts(folder, size)
    write_tokens(folder, tokens)
    return folder


def write_nemo_parts(folder: Path, tokens: int) -> int:
    """Decoder and joiner; the size of the decoder's state."""
    _write_predictor(folder / "decoder.onnx", tokens)
    _write_joiner(folder / "joiner.onnx", tokens)
    return _HIDDEN


def _write_predictor(path: Path, tokens: int) -> None:
    """Never the same token twice in a row. A loud frame says as many as greedy search allows."""
    graph = GraphBuilder()
    targets = graph.input("targets", [1, 1], TensorProto.INT32)
    length = graph.input("target_length", [1], TensorProto.INT32)
    states = [graph.input(name, [1, 1, _HIDDEN]) for name in ("states.1", "states.2")]
    rows = -50 * np.eye(tokens, dtype=np.float32)
    rows[-1, -1] = 0
    embedded = graph.op("Gather", graph.constant(rows), targets, axis=0)
    out = graph.op("Transpose", embedded, perm=[0, 2, 1])
    graph.output("outputs", out, [1, tokens, 1])
    graph.output("prednet_lengths", length, [1], TensorProto.INT32)
    for number, state in enumerate(states, 3):
        graph.output(f"states.{number}", state, [1, 1, _HIDDEN])
    graph.save(path, {})


def _write_joiner(path: Path, tokens: int) -> None:
    graph = GraphBuilder()
    encoded = graph.input("encoder_outputs", [1, tokens, 1])
    decoded = graph.input("decoder_outputs", [1, tokens, 1])
    added = graph.op("Transpose", graph.op("Add", encoded, decoded), perm=[0, 2, 1])
    graph.output("outputs", graph.op("Unsqueeze", added, graph.constant([1])), [1, 1, 1, tokens])
    graph.save(path, {})
