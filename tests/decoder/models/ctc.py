"""CTC models in one file: zipformer2, WeNet, NeMo, T-one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto

from tests.decoder.models.graph import (
    LOUD_SHIFT,
    QUIET,
    GraphBuilder,
    hear,
    projection,
    remember,
    spoken,
    tilt,
)
from tests.decoder.models.vocabulary import MIXED, SPACED, write_tokens
from tests.decoder.models.zipformer2 import (
    ZIPFORMER2_CHUNK,
    ZIPFORMER2_METADATA,
    ZIPFORMER2_RIGHT,
    zipformer2_states,
)

BINS = 80
NEMO_CACHES = {
    "cache_last_channel_dim1": 2,
    "cache_last_channel_dim2": 3,
    "cache_last_channel_dim3": 4,
    "cache_last_time_dim1": 2,
    "cache_last_time_dim2": 4,
    "cache_last_time_dim3": 3,
}
NEMO_CHUNK, NEMO_RIGHT, NEMO_SUBSAMPLING = 32, 9, 8


def write_zipformer2_ctc(folder: Path) -> Path:
    graph, size = GraphBuilder(), len(MIXED)
    count = ZIPFORMER2_CHUNK // 4
    x = graph.input("x", ["N", ZIPFORMER2_CHUNK + ZIPFORMER2_RIGHT, BINS])
    logits = spoken(graph, x, count=count, subsampling=4, bins=BINS, tokens=size, blank=0)
    tilted = zipformer2_states(graph, logits, tokens=size)
    graph.output_first("log_probs", graph.op("LogSoftmax", tilted), ["N", count, size])
    return _write(folder, graph, MIXED, {"model_type": "zipformer2", **ZIPFORMER2_METADATA})


def write_wenet_ctc(folder: Path, *, chunk: int = 8, left: int = 2) -> Path:
    """As WeNet exports for streaming: one stream at a time, audio in 16-bit steps."""
    head, blocks, out, kernel, right, subsampling = 2, 1, 8, 3, 6, 4
    tokens = ("<blank>", *MIXED[1:])
    size, cache = len(tokens), chunk * left
    graph = GraphBuilder()
    x = graph.input("x", [1, "T", BINS])
    graph.input("offset", [1], TensorProto.INT64)
    graph.input("required_cache_size", [1], TensorProto.INT64)
    attention_shape = [blocks, head, cache, out // head * 2]
    attention = graph.input("attn_cache", attention_shape)
    convolution = graph.input("conv_cache", [blocks, 1, out, kernel - 1])
    graph.input("attn_mask", [1, 1, cache + chunk], TensorProto.BOOL)
    padded = graph.op("Pad", x, graph.constant([0, 0, 0, 0, subsampling, 0]), mode="edge")
    logits = spoken(
        graph,
        padded,
        count=chunk,
        subsampling=subsampling,
        bins=BINS,
        tokens=size,
        blank=0,
        quiet=QUIET + LOUD_SHIFT,
    )
    past = graph.op("ReduceMean", convolution, axes=[0, 3], keepdims=0)
    tilted = tilt(graph, logits, past, tokens=size, size=out, blank=0)
    heard = hear(graph, logits, tokens=size, size=out)
    graph.output("log_probs", graph.op("LogSoftmax", tilted), [1, chunk, size])
    graph.output("r_attn_cache", attention, attention_shape)
    new = remember(graph, convolution, heard, [0, 3])
    graph.output("r_conv_cache", new, [blocks, 1, out, kernel - 1])
    return _write(
        folder,
        graph,
        tokens,
        {
            "model_type": "wenet_ctc",
            "chunk_size": chunk,
            "left_chunks": left,
            "head": head,
            "num_blocks": blocks,
            "output_size": out,
            "cnn_module_kernel": kernel,
            "right_context": right,
            "subsampling_factor": subsampling,
            "vocab_size": size,
        },
        name="model-streaming.onnx",
    )


def nemo_encoder(graph: GraphBuilder, *, tokens: int) -> str:
    """The inputs of a NeMo model and its logits (N, T, tokens), turned by its cache."""
    x = graph.input("audio_signal", ["N", BINS, NEMO_CHUNK + NEMO_RIGHT])
    graph.input("length", ["N"], TensorProto.INT64)
    return graph.op("Transpose", x, perm=[0, 2, 1])


def nemo_states(graph: GraphBuilder, frames: str, *, tokens: int, count: int) -> tuple[str, str]:
    """The turned logits, and a function's worth of outputs: call before `nemo_outputs`."""
    sizes = list(NEMO_CACHES.values())
    channel = graph.input("cache_last_channel", ["N", *sizes[:3]])
    graph.input("cache_last_time", ["N", *sizes[3:]])
    graph.input("cache_last_channel_len", ["N"], TensorProto.INT64)
    blank = tokens - 1
    logits = spoken(
        graph,
        frames,
        count=count,
        subsampling=NEMO_SUBSAMPLING,
        bins=BINS,
        tokens=tokens,
        blank=blank,
    )
    past = graph.op("ReduceMean", channel, axes=[1, 2], keepdims=0)
    heard = hear(graph, logits, tokens=tokens, size=sizes[2])
    tilted = tilt(graph, logits, past, tokens=tokens, size=sizes[2], blank=blank)
    return tilted, remember(graph, channel, heard, [1, 2])


def nemo_outputs(graph: GraphBuilder, channel: str) -> None:
    sizes = list(NEMO_CACHES.values())
    graph.output("encoded_lengths", "length", ["N"], TensorProto.INT64)
    graph.output("cache_last_channel_next", channel, ["N", *sizes[:3]])
    graph.output("cache_last_time_next", "cache_last_time", ["N", *sizes[3:]])
    graph.output("cache_last_channel_next_len", "cache_last_channel_len", ["N"], TensorProto.INT64)


def write_nemo_ctc(folder: Path) -> Path:
    tokens = (*MIXED[1:], "<blk>")
    graph, size, count = GraphBuilder(), len(tokens), NEMO_CHUNK // NEMO_SUBSAMPLING
    frames = nemo_encoder(graph, tokens=size)
    tilted, channel = nemo_states(graph, frames, tokens=size, count=count)
    graph.output("logprobs", graph.op("LogSoftmax", tilted), ["N", count, size])
    nemo_outputs(graph, channel)
    return _write(
        folder,
        graph,
        tokens,
        {
            "model_type": "EncDecHybridRNNTCTCBPEModel",
            "window_size": NEMO_CHUNK + NEMO_RIGHT,
            "chunk_shift": NEMO_CHUNK,
            "subsampling_factor": NEMO_SUBSAMPLING,
            "vocab_size": size - 1,
            **NEMO_CACHES,
        },
    )


def write_t_one_ctc(folder: Path) -> Path:
    """Sound of 8 kHz as it is, 300 ms a step, ten results from each; the state is half floats."""
    count, frame, size, state_dim = 10, 240, len(SPACED), 6
    blank = size - 1
    graph = GraphBuilder()
    signal = graph.input("signal", ["N", count * frame, 1], TensorProto.INT32)
    state = graph.input("state", ["N", state_dim], TensorProto.FLOAT16)
    audio = graph.op("Cast", signal, to=TensorProto.FLOAT)
    rows = graph.op("Reshape", audio, graph.constant([0, count, frame]))
    level = graph.op("ReduceMean", graph.op("Abs", rows), axes=[2], keepdims=1)
    words = projection(frame, size, 7)
    words[:, blank] = 0
    scaled = graph.op("Div", rows, graph.op("Add", level, graph.constant(1.0)))
    logits = graph.op("MatMul", scaled, graph.constant(words))
    weight = np.zeros((1, size), np.float32)
    weight[0, blank] = 1.0
    depth = graph.op("Sub", graph.constant(100.0), level)
    logits = graph.op("Add", logits, graph.op("MatMul", depth, graph.constant(weight)))
    past = graph.op("Cast", state, to=TensorProto.FLOAT)
    tilted = tilt(graph, logits, past, tokens=size, size=state_dim, blank=blank)
    heard = hear(graph, logits, tokens=size, size=state_dim)
    new = graph.op("Cast", remember(graph, past, heard, []), to=TensorProto.FLOAT16)
    graph.output("logprobs", graph.op("LogSoftmax", tilted), ["N", count, size])
    graph.output("state_next", new, ["N", state_dim], TensorProto.FLOAT16)
    return _write(
        folder,
        graph,
        SPACED,
        {"frame_length_ms": 300, "state_dim": state_dim, "sample_rate": 8000},
    )


def _write(
    folder: Path,
    graph: GraphBuilder,
    tokens: Sequence[str],
    metadata: dict[str, object],
    name: str = "model.onnx",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    graph.save(folder / name, metadata)
    write_tokens(folder, tokens)
    return folder
