"""The families of streaming models that sherpa-onnx decodes, and what each must say of itself.

Sources: sherpa-onnx 2.0.1, `sherpa-onnx/csrc/online-*-model.cc`, which read these entries of the
ONNX metadata and end the process where one is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """A family of streaming models; sherpa-onnx loads each by a function of its own."""

    TRANSDUCER = "transducer"
    NEMO_TRANSDUCER = "NeMo transducer"
    PARAFORMER = "paraformer"
    ZIPFORMER2_CTC = "zipformer2 CTC"
    WENET_CTC = "WeNet CTC"
    NEMO_CTC = "NeMo CTC"
    T_ONE_CTC = "T-one CTC"


_NEMO_CACHES = (
    "cache_last_channel_dim1",
    "cache_last_channel_dim2",
    "cache_last_channel_dim3",
    "cache_last_time_dim1",
    "cache_last_time_dim2",
    "cache_last_time_dim3",
)
_ZIPFORMER2 = (
    "encoder_dims",
    "query_head_dims",
    "value_head_dims",
    "num_heads",
    "num_encoder_layers",
    "cnn_module_kernels",
    "left_context_len",
    "T",
    "decode_chunk_len",
)

TRANSDUCERS: Mapping[str, tuple[str, ...]] = {
    "conformer": (
        "num_encoder_layers",
        "T",
        "decode_chunk_len",
        "left_context",
        "encoder_dim",
        "pad_length",
        "cnn_module_kernel",
    ),
    "ebranchformer": (
        "T",
        "decode_chunk_len",
        "num_hidden_layers",
        "hidden_size",
        "intermediate_size",
        "csgu_kernel_size",
        "merge_conv_kernel",
        "left_context_len",
        "num_heads",
        "head_dim",
    ),
    "lstm": ("num_encoder_layers", "T", "decode_chunk_len", "rnn_hidden_size", "d_model"),
    "zipformer": (
        "encoder_dims",
        "attention_dims",
        "num_encoder_layers",
        "cnn_module_kernels",
        "left_context_len",
        "T",
        "decode_chunk_len",
    ),
    "zipformer2": _ZIPFORMER2,
}
"""Kinds of encoder, each with what its metadata must hold."""

NEEDED: Mapping[Family, tuple[str, ...]] = {
    Family.NEMO_TRANSDUCER: (
        "vocab_size",
        "window_size",
        "chunk_shift",
        "subsampling_factor",
        "pred_rnn_layers",
        "pred_hidden",
        *_NEMO_CACHES,
    ),
    Family.PARAFORMER: (
        "vocab_size",
        "lfr_window_size",
        "lfr_window_shift",
        "encoder_output_size",
        "decoder_num_blocks",
        "decoder_kernel_size",
        "neg_mean",
        "inv_stddev",
    ),
    Family.ZIPFORMER2_CTC: _ZIPFORMER2,
    Family.WENET_CTC: (
        "head",
        "num_blocks",
        "output_size",
        "cnn_module_kernel",
        "right_context",
        "subsampling_factor",
        "vocab_size",
    ),
    Family.NEMO_CTC: (
        "window_size",
        "chunk_shift",
        "subsampling_factor",
        "vocab_size",
        *_NEMO_CACHES,
    ),
    Family.T_ONE_CTC: ("frame_length_ms", "state_dim", "sample_rate"),
}
"""What the metadata of the encoder, or of the one file, must hold."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A family of models in one file, and the entries that no other family has."""

    family: Family
    entries: tuple[str, ...]


_SIGNATURES = (
    Signature(Family.T_ONE_CTC, ("frame_length_ms", "state_dim")),
    Signature(Family.NEMO_CTC, ("window_size", "chunk_shift", "cache_last_channel_dim1")),
    Signature(Family.ZIPFORMER2_CTC, ("query_head_dims", "decode_chunk_len")),
    Signature(Family.WENET_CTC, ("head", "num_blocks", "right_context")),
)


def family_of_one_file(metadata: Collection[str]) -> Family | None:
    """The family of a model in one file, by the names of its metadata; None: of none."""
    for signature in _SIGNATURES:
        if all(entry in metadata for entry in signature.entries):
            return signature.family
    return None
