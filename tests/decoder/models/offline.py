"""Offline models: the same arithmetic as the streaming ones, over all of the audio at once.

Frames of `subsampling` feature frames say a token each, or the blank where they are as quiet as
digital silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto

from tests.decoder.models.graph import LOUD_SHIFT, QUIET, GraphBuilder, projection
from tests.decoder.models.nemo import write_nemo_parts
from tests.decoder.models.transducer import write_joiner, write_stateless_decoder
from tests.decoder.models.vocabulary import CONTINUED, MIXED, write_tokens

BINS = 80
_LFR = 7
TAGS = ("<|zh|>", "<|en|>", "<|nospeech|>", "<|HAPPY|>", "<|Speech|>", "<|withitn|>")
WRITTEN = ("<blk>", *MIXED[1:], ",", ".", "，", "。", *TAGS)
"""Of SenseVoice: its tags are tokens too."""
SIXTEEN_BIT = QUIET + LOUD_SHIFT
_ZEROS = ",".join(["0"] * BINS)
_ONES = ",".join(["1"] * BINS)


def write_offline_transducer(folder: Path, *, tokens: Sequence[str] = MIXED) -> Path:
    """As icefall exports a zipformer2 transducer for whole recordings."""
    folder.mkdir(parents=True, exist_ok=True)
    graph, size = GraphBuilder(), len(tokens)
    x = graph.input("x", ["N", "T", BINS])
    lengths = graph.input("x_lens", ["N"], TensorProto.INT64)
    graph.output("encoder_out", said(graph, x, bins=BINS, tokens=size), ["N", "S", size])
    graph.output("encoder_out_lens", shorter(graph, lengths, 4), ["N"], TensorProto.INT64)
    graph.save(folder / "encoder-epoch-1.onnx", {"model_type": "zipformer2"})
    write_stateless_decoder(folder / "decoder-epoch-1.onnx", size)
    write_joiner(folder / "joiner-epoch-1.onnx", size)
    write_tokens(folder, tokens)
    return folder


def write_offline_nemo_transducer(folder: Path) -> Path:
    """As NeMo exports Parakeet."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = (*MIXED[1:], "<blk>")
    size = len(tokens)
    graph = GraphBuilder()
    signal = graph.input("audio_signal", ["N", BINS, "T"])
    lengths = graph.input("length", ["N"], TensorProto.INT64)
    x = graph.op("Transpose", signal, perm=[0, 2, 1])
    frames = said(graph, x, bins=BINS, tokens=size, subsampling=8, blank=size - 1)
    by_channel = graph.op("Transpose", frames, perm=[0, 2, 1])
    graph.output("outputs", by_channel, ["N", size, "S"])
    graph.output("encoded_lengths", shorter(graph, lengths, 8), ["N"], TensorProto.INT64)
    hidden = write_nemo_parts(folder, size)
    metadata = {
        "vocab_size": size - 1,
        "subsampling_factor": 8,
        "normalize_type": "NA",
        "pred_rnn_layers": 1,
        "pred_hidden": hidden,
    }
    graph.save(folder / "encoder.onnx", metadata)
    write_tokens(folder, tokens)
    return folder


def write_offline_paraformer(folder: Path) -> Path:
    """A token for each loud frame of 60 ms, a special one for each other; no times."""
    graph, size = GraphBuilder(), len(CONTINUED)
    x = graph.input("speech", ["N", "T", BINS * _LFR])
    graph.input("speech_lengths", ["N"], TensorProto.INT32)
    logits = said(
        graph, x, bins=BINS * _LFR, tokens=size, subsampling=1, blank=1, quiet=SIXTEEN_BIT
    )
    special = np.zeros(size, np.float32)
    special[[0, 2]] = -1e9
    logits = graph.op("Add", logits, graph.constant(special))
    graph.output("logits", logits, ["N", "U", size])
    count = graph.op("Slice", graph.op("Shape", logits), graph.one, graph.constant([2]))
    graph.output("token_num", count, ["N"], TensorProto.INT64)
    metadata = {
        "model_type": "paraformer",
        "vocab_size": size,
        "lfr_window_size": _LFR,
        "lfr_window_shift": 6,
        "neg_mean": ",".join([_ZEROS] * _LFR),
        "inv_stddev": ",".join([_ONES] * _LFR),
    }
    return _write(folder, graph, CONTINUED, metadata)


def write_sense_voice(folder: Path) -> Path:
    """Four tags come first: the language (Chinese unless English is told), HAPPY, Speech, ITN."""
    graph, size = GraphBuilder(), len(WRITTEN)
    x = graph.input("x", ["N", "T", BINS * _LFR])
    graph.input("x_length", ["N"], TensorProto.INT32)
    language = graph.input("language", ["N"], TensorProto.INT32)
    graph.input("text_norm", ["N"], TensorProto.INT32)
    logits = said(graph, x, bins=BINS * _LFR, tokens=size, subsampling=1, quiet=SIXTEEN_BIT)
    tags = np.zeros(size, np.float32)
    tags[-len(TAGS) :] = -1e9
    logits = graph.op("Add", logits, graph.constant(tags))
    rows = 1000 * np.eye(size, dtype=np.float32)
    table = rows[[WRITTEN.index("<|zh|>"), WRITTEN.index("<|en|>")]]
    spoken = graph.op("Unsqueeze", graph.op("Gather", graph.constant(table), language), graph.one)
    rest = [WRITTEN.index(tag) for tag in ("<|HAPPY|>", "<|Speech|>", "<|withitn|>")]
    all_rows = graph.op("Concat", spoken, graph.constant(rows[rest][None]), logits, axis=1)
    graph.output("logits", all_rows, ["N", "S", size])
    metadata = {
        "model_type": "sense_voice_ctc",
        "vocab_size": size,
        "lfr_window_size": _LFR,
        "lfr_window_shift": 6,
        "normalize_samples": 0,
        "with_itn": 14,
        "without_itn": 15,
        **{f"lang_{code}": int(code == "en") for code in ("auto", "zh", "en", "ja", "ko", "yue")},
        "neg_mean": ",".join([_ZEROS] * _LFR),
        "inv_stddev": ",".join([_ONES] * _LFR),
    }
    return _write(folder, graph, WRITTEN, metadata)


def write_offline_nemo_ctc(folder: Path) -> Path:
    tokens = (*MIXED[1:], "<blk>")
    size = len(tokens)
    graph = GraphBuilder()
    signal = graph.input("audio_signal", ["N", BINS, "T"])
    graph.input("length", ["N"], TensorProto.INT64)
    x = graph.op("Transpose", signal, perm=[0, 2, 1])
    logits = said(graph, x, bins=BINS, tokens=size, subsampling=8, blank=size - 1)
    graph.output("logprobs", graph.op("LogSoftmax", logits), ["N", "S", size])
    metadata = {
        "model_type": "EncDecCTCModelBPE",
        "vocab_size": size - 1,
        "subsampling_factor": 8,
        "normalize_type": "",
    }
    return _write(folder, graph, tokens, metadata)


def _ctc(
    metadata: Mapping[str, object], *, bins: int = BINS, quiet: float = QUIET
) -> Callable[[Path], Path]:
    """A writer of a CTC model that takes frames and their count, and gives as much."""

    def write(folder: Path) -> Path:
        graph, size = GraphBuilder(), len(MIXED)
        x = graph.input("x", ["N", "T", bins])
        lengths = graph.input("x_lens", ["N"], TensorProto.INT64)
        logits = said(graph, x, bins=bins, tokens=size, quiet=quiet)
        graph.output("log_probs", graph.op("LogSoftmax", logits), ["N", "S", size])
        graph.output("log_probs_lens", shorter(graph, lengths, 4), ["N"], TensorProto.INT64)
        return _write(folder, graph, MIXED, {"vocab_size": size, **metadata})

    return write


def write_medasr(folder: Path) -> Path:
    """It takes a mask in the place of the count."""
    graph, size = GraphBuilder(), len(MIXED)
    x = graph.input("input_features", ["N", "T", 128])
    mask = graph.input("attention_mask", ["N", "T"], TensorProto.INT64)
    logits = said(graph, x, bins=128, tokens=size)
    graph.output("logits", logits, ["N", "S", size])
    count = graph.op("ReduceSum", mask, graph.one, keepdims=0)
    graph.output("logits_len", shorter(graph, count, 4), ["N"], TensorProto.INT64)
    return _write(folder, graph, MIXED, {"model_type": "medasr_ctc", "vocab_size": size})


def write_telespeech(folder: Path) -> Path:
    """Time comes first in what it gives, and cepstra are what it takes."""
    graph, size = GraphBuilder(), len(MIXED)
    x = graph.input("feats", [1, "T", 40])
    logits = said(graph, x, bins=40, tokens=size, quiet=-1e3)
    graph.output("logits", graph.op("Transpose", logits, perm=[1, 0, 2]), ["S", 1, size])
    return _write(folder, graph, MIXED, {"model_type": "telespeech_ctc"})


def write_omnilingual(folder: Path) -> Path:
    """It takes samples: 320 of them are a frame of this one."""
    graph, size = GraphBuilder(), len(MIXED)
    samples = graph.input("x", ["N", "T"])
    x = graph.op("Unsqueeze", samples, graph.constant([2]))
    loud = graph.op("Abs", x)
    same = graph.op("Concat", loud, x, axis=2)
    logits = said(graph, same, bins=2, tokens=size, subsampling=320, quiet=-1e3)
    graph.output("logits", logits, ["N", "S", size])
    return _write(folder, graph, MIXED, {"model_type": "omnilingual-asr", "vocab_size": size})


def write_tdnn(folder: Path) -> Path:
    """As the recipe yesno of icefall: audio of 8 kHz, and a token for silence."""
    tokens = ("<eps>", "SIL", "YES", "NO")
    graph = GraphBuilder()
    x = graph.input("x", ["N", "T", 23])
    logits = said(graph, x, bins=23, tokens=len(tokens), subsampling=1)
    graph.output("log_prob", logits, ["N", "T", len(tokens)])
    return _write(folder, graph, tokens, {"model_type": "tdnn", "vocab_size": len(tokens)})


OFFLINE_WRITERS: Mapping[str, Callable[[Path], Path]] = {
    "transducer": write_offline_transducer,
    "NeMo transducer": write_offline_nemo_transducer,
    "paraformer": write_offline_paraformer,
    "SenseVoice": write_sense_voice,
    "NeMo CTC": write_offline_nemo_ctc,
    "zipformer CTC": _ctc({"model_type": "zipformer2_ctc"}),
    "WeNet CTC": _ctc({"model_type": "wenet_ctc", "subsampling_factor": 4}, quiet=SIXTEEN_BIT),
    "FireRed CTC": _ctc(
        {"model_type": "fire-red-asr-2-ctc", "cmvn_mean": _ZEROS, "cmvn_inv_stddev": _ONES},
        quiet=SIXTEEN_BIT,
    ),
    "Dolphin CTC": _ctc({"model_type": "dolphin", "mean": _ZEROS, "invstd": _ONES}),
    "TeleSpeech CTC": write_telespeech,
    "Omnilingual CTC": write_omnilingual,
    "MedASR CTC": write_medasr,
    "TDNN": write_tdnn,
}
"""By the value of the family: those that are run here."""


def said(
    graph: GraphBuilder,
    frames: str,
    *,
    bins: int,
    tokens: int,
    subsampling: int = 4,
    blank: int = 0,
    quiet: float = QUIET,
) -> str:
    """Logits (N, T // subsampling, tokens) of `frames` (N, T, bins)."""
    planes = graph.op("Unsqueeze", frames, graph.one)
    size = [subsampling, 1]
    pooled = graph.op("AveragePool", planes, kernel_shape=size, strides=size)
    spectrum = graph.op("Squeeze", pooled, graph.one)
    level = graph.op("ReduceMean", spectrum, axes=[2], keepdims=1)
    words = projection(bins, tokens, 7)
    words[:, blank] = 0
    logits = graph.op("MatMul", graph.op("Sub", spectrum, level), graph.constant(words))
    depth = graph.op("Sub", graph.constant(float(quiet)), level)
    weight = np.zeros((1, tokens), np.float32)
    weight[0, blank] = 20.0
    return graph.op("Add", logits, graph.op("MatMul", depth, graph.constant(weight)))


def shorter(graph: GraphBuilder, lengths: str, subsampling: int) -> str:
    return graph.op("Div", lengths, graph.constant([subsampling]))


def write_graph(path: Path, metadata: Mapping[str, object], *, outputs: int = 1) -> None:
    """A graph that only has metadata, for those who look at these alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    graph = GraphBuilder()
    x = graph.input("x", ["N", "T", BINS])
    for number in range(outputs):
        graph.output(f"y{number}", x, ["N", "T", BINS])
    graph.save(path, metadata)


def _write(
    folder: Path, graph: GraphBuilder, tokens: Sequence[str], metadata: Mapping[str, object]
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    graph.save(folder / "model.onnx", metadata)
    write_tokens(folder, tokens)
    return folder
