"""Verb `model`: a streaming transducer of realistic size and cost, made on the spot.

Speed does not depend on what weights know, so they are random, and nothing is downloaded. The
encoder is a Zipformer2 of published proportions in chunks of 320 ms; decoder and joiner are those
of the published models too (stateless, with a context of two). In place of sense, the joiner
is given a clock: `bench.word_clock` says how its words are to be read. A word comes out at the last
frame of each step in which there is speech, and at about one in eight of the other loud frames:
about six words a second of speech, none in silence, always the same ones for the same audio.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from onnx import TensorProto

from bench.onnx_graph import Graph
from bench.report import report
from bench.word_clock import CHUNK_FRAMES, OUTPUT_FRAMES, SPECIAL, tokens
from bench.zipformer import FEATURES, EncoderSize, Stack, encode

CACHE = Path("~/.cache/rasr-bench")
SEED = 320
_PARTS = ("encoder", "decoder", "joiner")
_CONTEXT = 2

_LOUD = -11.0
"""Mean log mel energy above which there is speech: silence with a little noise is at about -13."""
_EMITTED = 0.92
"""A sine above this: one in eight of all angles."""
_ANGLES = 37.0
"""How fast the angle turns with loudness: so fast that neighbouring frames have nothing in
common."""
_SURE = 3.0
"""tanh of it is 0.995."""
_BLANK = 16.0


@dataclass(frozen=True, slots=True)
class ModelSize:
    """The sizes of a measured model."""

    encoder: EncoderSize
    joiner: int
    vocabulary: int

    @property
    def clock_bits(self) -> int:
        """Channels of the joiner that say the number of a word."""
        return (self.vocabulary - 1).bit_length()


REALISTIC = ModelSize(
    EncoderSize(
        (
            Stack(layers=6, dim=144, feedforward=512, heads=4, kernel=31, downsampling=1),
            Stack(layers=6, dim=144, feedforward=512, heads=4, kernel=31, downsampling=2),
            Stack(layers=3, dim=144, feedforward=512, heads=4, kernel=15, downsampling=4),
            Stack(layers=2, dim=144, feedforward=512, heads=8, kernel=15, downsampling=8),
            Stack(layers=3, dim=144, feedforward=512, heads=4, kernel=15, downsampling=4),
            Stack(layers=4, dim=144, feedforward=512, heads=4, kernel=31, downsampling=2),
        )
    ),
    joiner=512,
    vocabulary=2500,
)
"""About 21 million parameters, words for 99 seconds.

A step costs what was measured of a Zipformer2 of 17 million parameters that PyTorch had
exported. Streams in real time on one core in batches of 1, 4 or 5, and 16: there 27, 47 and 52 in
int8 and 22, 40 and 45 in fp32; here 30, 46 and 52, and 22, 37 and 45. Such an export has more nodes
for each layer, so that this one has more layers, and narrower ones.
"""
TINY = ModelSize(
    EncoderSize(
        (
            Stack(1, 8, 8, 1, 3, 1, query_head=4, position_head=2, value_head=4),
            Stack(1, 8, 8, 1, 3, 2, query_head=4, position_head=2, value_head=4),
        ),
        embed_channels=(1, 1),
        embed_hidden=4,
        position_dim=4,
    ),
    joiner=16,
    vocabulary=512,
)
"""For tests: the same layout, and words for twenty seconds."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--tiny", is_flag=True, help="the same layout in a few thousand parameters")
def model(folder: Path | None, tiny: bool) -> None:
    """Make a streaming model for measurements in FOLDER, by default in the cache.

    Zipformer2 transducer, random weights, chunks of 320 ms, fp32 and int8, as sherpa-onnx loads it.
    """
    size = TINY if tiny else REALISTIC
    folder = folder or default_folder(size)
    parameters = export(folder, size)
    rows = [
        (
            part,
            f"{parameters[part] / 1e6:.2f} M",
            *(_megabytes(folder / name) for name in (f"{part}.onnx", f"{part}.int8.onnx")),
        )
        for part in _PARTS
    ]
    report(
        "model",
        ("part", "parameters", "fp32", "int8"),
        rows,
        notes=(f"{sum(parameters.values()) / 1e6:.1f} million parameters in {folder}",),
        figures={"parameters": parameters, "seed": SEED},
    )


def default_folder(size: ModelSize) -> Path:
    """Return the folder in the cache for a model of this size."""
    name = "zipformer2-tiny" if size is TINY else "zipformer2-20m"
    return CACHE.expanduser() / name


def cached(size: ModelSize = REALISTIC) -> Path:
    """Return the folder of the model, which is made now if it is not there yet."""
    folder = default_folder(size)
    if not (folder / "tokens.txt").exists():
        export(folder, size)
    return folder


def export(folder: Path, size: ModelSize) -> dict[str, int]:
    """Write encoder, decoder and joiner in fp32 and int8, and tokens.txt, the last one last.

    Returns:
        The number of parameters of each part.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        made = Path(scratch)
        parameters = {
            "encoder": _encoder(made / "encoder.onnx", size),
            "decoder": _decoder(made / "decoder.onnx", size),
            "joiner": _joiner(made / "joiner.onnx", size),
        }
        for part in _PARTS:
            _quantise(made / f"{part}.onnx", made / f"{part}.int8.onnx")
        lines = (f"{piece} {number}\n" for number, piece in enumerate(tokens(size.vocabulary)))
        (made / "tokens.txt").write_text("".join(lines), encoding="utf-8")
        for name in sorted(file.name for file in made.iterdir()):
            shutil.move(made / name, folder / name)
    return parameters


def _encoder(file: Path, size: ModelSize) -> int:
    graph = Graph("encoder", SEED)
    encoded = encode(graph, size.encoder)
    bits = size.clock_bits
    heard = graph.linear(encoded.output, size.encoder.output_dim, size.joiner - bits - 1)
    clock = _clock(graph, encoded.processed, size)
    blank = _blank(graph, encoded.features)
    output = graph.concat(heard, clock, blank, axis=2)
    graph.output("encoder_out", output, ("N", OUTPUT_FRAMES, size.joiner))
    for name, value, shape in encoded.states:
        kind = TensorProto.INT64 if name == "new_processed_lens" else TensorProto.FLOAT
        graph.output(name, value, shape, kind)
    graph.save(file, size.encoder.metadata())
    return graph.parameters


def _clock(graph: Graph, processed: str, size: ModelSize) -> str:
    """(batch, 8, bits): the number of each frame's word in binary, plus and minus `_SURE`."""
    words = size.vocabulary - len(SPECIAL)
    first = graph.op("Div", processed, graph.ints(2))
    first = graph.op("Unsqueeze", first, graph.ints(1))
    frames = graph.op("Add", first, graph.constant([range(OUTPUT_FRAMES)], np.int64))
    number = graph.op("Mod", frames, graph.ints(words))
    number = graph.op("Add", number, graph.ints(len(SPECIAL)))
    number = graph.op("Unsqueeze", number, graph.ints(2))
    places = graph.constant([[[1 << bit for bit in range(size.clock_bits)]]], np.int64)
    bits = graph.op("Mod", graph.op("Div", number, places), graph.ints(2))
    signs = graph.op("Mul", graph.op("Cast", bits, to=TensorProto.FLOAT), graph.constant(2.0))
    signs = graph.op("Sub", signs, graph.constant(1.0))
    return graph.op("Mul", signs, graph.constant(_SURE))


def _blank(graph: Graph, features: str) -> str:
    """(batch, 8, 1): `_SURE` where blank is to win, minus it where a word is."""
    own = graph.slice(features, 0, CHUNK_FRAMES, 1)
    by_frame = graph.reshape(own, 0, OUTPUT_FRAMES, CHUNK_FRAMES // OUTPUT_FRAMES * FEATURES)
    level = graph.op("ReduceMean", by_frame, axes=[2], keepdims=1)
    loudest = graph.op("ReduceMax", level, axes=[1], keepdims=1)
    angle = graph.op("Mul", level, graph.constant(_ANGLES))
    loud = _yes(graph, level, _LOUD)
    chosen = graph.op("Mul", loud, _yes(graph, graph.op("Sin", angle), _EMITTED))
    is_last = graph.constant([[[0.0]] * (OUTPUT_FRAMES - 1) + [[1.0]]])
    last = graph.op("Mul", _yes(graph, loudest, _LOUD), is_last)
    emits = graph.op("Max", chosen, last)
    silent = graph.op("Sub", graph.constant(0.5), emits)
    return graph.op("Mul", silent, graph.constant(2 * _SURE))


def _yes(graph: Graph, value: str, limit: float) -> str:
    """1 where `value` is above `limit`, else 0."""
    above = graph.op("Greater", value, graph.constant(limit))
    return graph.op("Cast", above, to=TensorProto.FLOAT)


def _decoder(file: Path, size: ModelSize) -> int:
    graph, dim = Graph("decoder", SEED + 1), size.joiner
    y = graph.input("y", ("N", _CONTEXT), TensorProto.INT64)
    table = graph.weight(graph.random(size.vocabulary, dim, scale=1.0))
    x = graph.transpose(graph.op("Gather", table, y), 0, 2, 1)
    kernel = graph.weight(graph.random(dim, 4, _CONTEXT, scale=8**-0.5))
    x = graph.op("Relu", graph.op("Conv", x, kernel, group=dim // 4))
    x = graph.linear(graph.reshape(x, 0, dim), dim, dim - size.clock_bits - 1)
    # The clock's channels are the encoder's alone.
    width = graph.ints(0, 0, 0, size.clock_bits + 1)
    graph.output("decoder_out", graph.op("Pad", x, width), ("N", dim))
    graph.save(file, {"vocab_size": size.vocabulary, "context_size": _CONTEXT})
    return graph.parameters


def _joiner(file: Path, size: ModelSize) -> int:
    graph, dim, bits = Graph("joiner", SEED + 2), size.joiner, size.clock_bits
    encoder_out = graph.input("encoder_out", ("N", dim))
    decoder_out = graph.input("decoder_out", ("N", dim))
    heard = graph.op("Tanh", graph.op("Add", encoder_out, decoder_out))
    weight = graph.random(dim, size.vocabulary, scale=0.2 / dim**0.5)
    numbers = np.arange(size.vocabulary)
    weight[dim - bits - 1 : -1] = (numbers[None, :] >> np.arange(bits)[:, None] & 1) * 2.0 - 1.0
    weight[-1] = 0.0
    weight[dim - bits - 1 :, : len(SPECIAL)] = 0.0
    weight[-1, 0] = _BLANK
    bias = np.zeros(size.vocabulary, np.float32)
    logit = graph.op("MatMul", heard, graph.weight(weight))
    logit = graph.op("Add", graph.weight(bias), logit)
    graph.output("logit", logit, ("N", size.vocabulary))
    graph.save(file, {"joiner_dim": dim})
    return graph.parameters


def _quantise(source: Path, target: Path) -> None:
    """Matrix products in int8, as the published models have them."""
    # Takes a second to load, and only the one who makes the model needs it.
    from onnxruntime.quantization import (
        QuantType,
        quantize_dynamic,
    )

    # It advises on the root logger to pre-process the model: nothing to do with a graph like this.
    logging.disable(logging.WARNING)
    try:
        quantize_dynamic(
            source, target, op_types_to_quantize=["MatMul"], weight_type=QuantType.QInt8
        )
    finally:
        logging.disable(logging.NOTSET)


def _megabytes(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"
