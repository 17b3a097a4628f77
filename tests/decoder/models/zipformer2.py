"""The states of a zipformer2 encoder, the same for transducers and CTC models."""

from __future__ import annotations

from onnx import TensorProto

from tests.decoder.models.graph import GraphBuilder, hear, remember, tilt

ZIPFORMER2_CHUNK = 32
ZIPFORMER2_RIGHT = 13
_DIM, _HEAD, _LEFT, _KERNEL = 8, 4, 4, 3
ZIPFORMER2_METADATA = {
    "encoder_dims": _DIM,
    "query_head_dims": _HEAD,
    "value_head_dims": _HEAD,
    "num_heads": 1,
    "num_encoder_layers": 1,
    "cnn_module_kernels": _KERNEL,
    "left_context_len": _LEFT,
    "T": ZIPFORMER2_CHUNK + ZIPFORMER2_RIGHT,
    "decode_chunk_len": ZIPFORMER2_CHUNK,
}


def zipformer2_states(graph: GraphBuilder, logits: str, *, tokens: int) -> str:
    """Add inputs and outputs for one encoder of one layer; the logits that the past has turned."""
    states: list[tuple[str, list[int | str], int]] = [
        ("cached_key", [_LEFT, "N", _HEAD], TensorProto.FLOAT),
        ("cached_nonlin_attn", [1, "N", _LEFT, 3 * _DIM // 4], TensorProto.FLOAT),
        ("cached_val1", [_LEFT, "N", _HEAD], TensorProto.FLOAT),
        ("cached_val2", [_LEFT, "N", _HEAD], TensorProto.FLOAT),
        ("cached_conv1", ["N", _DIM, _KERNEL // 2], TensorProto.FLOAT),
        ("cached_conv2", ["N", _DIM, _KERNEL // 2], TensorProto.FLOAT),
        ("embed_states", ["N", 128, 3, 19], TensorProto.FLOAT),
        ("processed_lens", ["N"], TensorProto.INT64),
    ]
    names = [graph.input(name, shape, kind) for name, shape, kind in states]
    past = graph.op("ReduceMean", names[0], axes=[0], keepdims=0)
    heard = hear(graph, logits, tokens=tokens, size=_HEAD)
    names[0] = remember(graph, names[0], heard, [0])
    for name, (state, shape, kind) in zip(names, states, strict=True):
        graph.output(f"new_{state}", name, shape, kind)
    return tilt(graph, logits, past, tokens=tokens, size=_HEAD, blank=0)
