"""Punctuation models that are tables: each word has a mark and a case of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from onnx import TensorProto

from tests.decoder.models.graph import GraphBuilder

MARKS = ("<unk>", "_", "，", "。", "？", "、")
"""As the published CT-transformers have them."""
CASING = {"COMMA": 1, "PERIOD": 2, "QUESTION": 3, "UPPER": 1, "CAP": 2, "MIX_CASE": 3}
_SPECIAL = ("<unk>", "<s>", "</s>")


def make_transformer(
    folder: Path,
    marks: Mapping[str, str],
    *,
    without: str = "",
    metadata: Mapping[str, object] = {},
) -> Path:
    """A CT-transformer that writes a mark behind each word of `marks`.

    Args:
        without: the metadata that it lacks.
        metadata: in place of its own.
    """
    tokens = list(dict.fromkeys([*_SPECIAL, *marks]))
    table = np.zeros((len(tokens), len(MARKS)), np.float32)
    for number, token in enumerate(tokens):
        table[number, MARKS.index(marks.get(token, "_"))] = 1
    graph = GraphBuilder()
    text = graph.input("inputs", ["N", "T"], TensorProto.INT32)
    graph.input("text_lengths", ["N"], TensorProto.INT32)
    rows = graph.op("Gather", graph.constant(table), text)
    graph.output("logits", rows, ["N", "T", len(MARKS)])
    known = {
        "tokens": "|".join(tokens),
        "vocab_size": len(tokens),
        "punctuations": "|".join(MARKS),
        "unk_symbol": "<unk>",
    }
    return _saved(graph, folder, known | dict(metadata), without)


def make_casing(
    folder: Path,
    words: Mapping[str, tuple[int, int]],
    *,
    without: str = "",
    metadata: Mapping[str, object] = {},
) -> Path:
    """A model of marks and case that has both for each word.

    Args:
        words: word → its case and its mark, as in `CASING`.
        without: the metadata that it lacks.
        metadata: in place of its own.
    """
    letters = [*"abcdefghijklmnopqrstuvwxyz'"]
    pieces = [*_SPECIAL, *(f"\u2581{word}" for word in words), "\u2581", *letters]
    cases, marks = (np.zeros((len(pieces), 4), np.float32) for _ in range(2))
    for number, piece in enumerate(pieces):
        case, mark = words.get(piece.lstrip("\u2581"), (0, 0))
        cases[number, case] = marks[number, mark] = 1
    graph = GraphBuilder()
    tokens = graph.input("token_ids", ["N", "T"], TensorProto.INT32)
    valid = graph.input("valid_ids", ["N", "T"], TensorProto.INT32)
    graph.input("label_lens", ["N"], TensorProto.INT32)
    flat = graph.op("Reshape", tokens, graph.constant([-1]))
    firsts = graph.op("Cast", graph.op("Reshape", valid, graph.constant([-1])), to=TensorProto.BOOL)
    # The beginning and the end of a text are no words.
    is_word = graph.op("Greater", flat, graph.constant(np.asarray(2, np.int32)))
    chosen = graph.op("Compress", flat, graph.op("And", firsts, is_word), axis=0)
    for name, table in (("case", cases), ("punctuation", marks)):
        graph.output(name, graph.op("Gather", graph.constant(table), chosen), ["W", 4])
    path = _saved(graph, folder, {**CASING, **metadata}, without)
    lines = [f"{piece}\t{-number / 100}" for number, piece in enumerate(pieces)]
    (folder / "bpe.vocab").write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _saved(graph: GraphBuilder, folder: Path, metadata: dict[str, object], without: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    metadata.pop(without, None)
    graph.save(folder / "model.onnx", metadata)
    return folder
