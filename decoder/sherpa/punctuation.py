"""Punctuation models of sherpa-onnx: bare text in, text with marks out.

Two families, told by the files of the folder:

- with `bpe.vocab`, the model of «Edge-Punct-Casing» (arXiv 2407.13142): English, marks and case;
- without, a CT-transformer of FunASR: Chinese and English, marks alone.

sherpa-onnx ends the process on a file that lacks metadata, so that is looked at before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from decoder.errors import EngineUnavailable
from decoder.sherpa.graphs import Graph, read_graph
from decoder.sherpa.recogniser import FOREIGN_ERRORS

_CASING_METADATA: Final = {
    "COMMA": 1,
    "PERIOD": 2,
    "QUESTION": 3,
    "UPPER": 1,
    "CAP": 2,
    "MIX_CASE": 3,
}
"""What sherpa-onnx takes for granted of the first family (online-cnn-bilstm-model.cc)."""
_TRANSFORMER_METADATA: Final = ("tokens", "vocab_size", "punctuations", "unk_symbol")
_TRANSFORMER_MARKS: Final = ("。", "，", "？", "、", "_")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_TRIAL: Final = "so this is a short text"


@dataclass(frozen=True, slots=True)
class PunctuationModel:
    """A loaded model. Several threads may call it."""

    punctuated: Callable[[str], str]
    """A text of words without marks, in small letters → the same words with marks."""
    case: bool
    """It writes capital letters too."""


def load_punctuation(folder: Path) -> PunctuationModel:
    """Load the model of a folder and try it. It takes a second.

    Raises:
        EngineUnavailable: the folder or a file is not there or is no good, or sherpa-onnx is not
            installed; the text names file and cure.
    """
    if not folder.is_dir():
        raise EngineUnavailable(f"there is no model folder {folder}; unpack the model there")
    graph = read_graph(_graph_file(folder))
    vocabulary = folder / "bpe.vocab"
    try:
        if vocabulary.is_file():
            _check_casing(graph)
            _check_vocabulary(vocabulary)
            model = PunctuationModel(_casing(graph.path, vocabulary), case=True)
        else:
            _check_transformer(graph)
            model = PunctuationModel(_transformer(graph.path), case=False)
        model.punctuated(_TRIAL)
    except ImportError as error:
        raise EngineUnavailable(
            "the package sherpa-onnx is not installed; pip install sherpa-onnx"
        ) from error
    except FOREIGN_ERRORS as error:
        raise EngineUnavailable(
            f"sherpa-onnx does not load the punctuation model in {folder} ({error}); unpack the "
            "model again"
        ) from error
    return model


def _graph_file(folder: Path) -> Path:
    graphs = sorted(folder.glob("*.onnx"))
    if not graphs:
        raise EngineUnavailable(
            f"{folder} holds no .onnx file; it is no punctuation model: unpack one there"
        )
    # Published folders hold one of these; where both are, the smaller one is as good.
    return next((path for path in graphs if ".int8." in path.name), graphs[0])


def _check_casing(graph: Graph) -> None:
    graph.need(tuple(_CASING_METADATA), "punctuation model with case")
    for name, expected in _CASING_METADATA.items():
        if (found := graph.integer(name)) != expected:
            raise EngineUnavailable(
                f"{graph.path}: metadata {name!r} is {found}; allowed: {expected}; export the "
                "model again"
            )
    if len(graph.inputs) != 3 or [len(shape) for shape in graph.outputs] != [2, 2]:
        raise EngineUnavailable(
            f"{graph.path} has {len(graph.inputs)} inputs and outputs of the shapes "
            f"{graph.outputs}; allowed: 3 inputs and 2 outputs of 2 dimensions, as the model "
            "Edge-Punct-Casing has"
        )


def _check_vocabulary(file: Path) -> None:
    """Refuse a file at which sherpa-onnx would end the process: a piece, a tab, a score a line."""
    lines = file.read_text("utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        piece, _, score = line.rpartition("\t")
        if not piece or not _NUMBER.fullmatch(score):
            raise EngineUnavailable(
                f"{file}, line {number}: it is no piece with its score; allowed: a piece, a tab, a "
                "number; unpack the model again"
            )
    if not lines:
        raise EngineUnavailable(f"{file} is empty; unpack the model again")


def _check_transformer(graph: Graph) -> None:
    graph.need(_TRANSFORMER_METADATA, "CT-transformer for punctuation")
    tokens = graph.metadata["tokens"].split("|")
    if len(tokens) != graph.integer("vocab_size"):
        raise EngineUnavailable(
            f"{graph.path}: metadata 'vocab_size' is {graph.metadata['vocab_size']} and there are "
            f"{len(tokens)} tokens; allowed: as many as there are; export the model again"
        )
    marks = graph.metadata["punctuations"].split("|")
    missing = [mark for mark in _TRANSFORMER_MARKS if mark not in marks]
    if missing:
        raise EngineUnavailable(
            f"{graph.path}: the metadata 'punctuations' lacks {' '.join(missing)}; export the "
            "model again"
        )
    if graph.metadata["unk_symbol"] not in tokens:
        raise EngineUnavailable(
            f"{graph.path}: the metadata 'unk_symbol' is {graph.metadata['unk_symbol']!r}, which "
            "is no token of it; export the model again"
        )
    shape = graph.outputs[0]
    if len(shape) != 3 or shape[2] != len(marks):
        raise EngineUnavailable(
            f"{graph.path}: its output has the shape {shape}; allowed: 3 dimensions, the last one "
            f"{len(marks)} as there are marks; export the model again"
        )


def _casing(graph: Path, vocabulary: Path) -> Callable[[str], str]:
    from sherpa_onnx import (
        OnlinePunctuation,
        OnlinePunctuationConfig,
        OnlinePunctuationModelConfig,
    )

    model = OnlinePunctuationModelConfig(
        cnn_bilstm=str(graph), bpe_vocab=str(vocabulary), num_threads=1
    )
    punctuation = OnlinePunctuation(OnlinePunctuationConfig(model_config=model))
    return lambda text: str(punctuation.add_punctuation_with_case(text))


def _transformer(graph: Path) -> Callable[[str], str]:
    from sherpa_onnx import (
        OfflinePunctuation,
        OfflinePunctuationConfig,
        OfflinePunctuationModelConfig,
    )

    model = OfflinePunctuationModelConfig(ct_transformer=str(graph), num_threads=1)
    punctuation = OfflinePunctuation(OfflinePunctuationConfig(model=model))
    return lambda text: str(punctuation.add_punctuation(text))
