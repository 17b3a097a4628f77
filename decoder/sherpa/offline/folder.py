"""Which files of a folder are an offline model: told from their names.

Names as the published archives have them. Those of some families are like no other's, and tell the
family; the others are told apart by their metadata (`decoder.sherpa.offline.model`). No file is
opened here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from decoder.sherpa.folder import (
    chosen,
    files_in,
    graphs_of,
    of_smaller_parts,
    only,
    pieces_among,
)
from decoder.sherpa.offline.families import Family
from decoder.sherpa.options import ModelOptions


@dataclass(frozen=True, slots=True)
class Layout:
    """A set of files that some models come in."""

    parts: Mapping[str, str]
    """By the argument of sherpa-onnx that takes it: how the name of each graph begins, as a regular
    expression. The first has most of the weights."""
    mark: str
    """How the name of a file begins that no other layout has."""
    family: Family | None = None
    """None where several families have this layout."""
    tokenizer: bool = False
    """A folder with a tokenizer stands in the place of `tokens.txt`."""
    suffixes: tuple[str, ...] = (".onnx",)


_LAYOUTS = (
    Layout(
        {
            "encoder": r"encode\.",
            "preprocessor": "preprocess",
            "uncached_decoder": "uncached_decode",
            "cached_decoder": "cached_decode",
        },
        "preprocess|uncached_decode|cached_decode",
        Family.MOONSHINE,
    ),
    Layout(
        {"encoder": "encoder_model", "decoder": "decoder_model_merged"},
        "encoder_model|decoder_model_merged",
        Family.MOONSHINE_V2,
        suffixes=(".ort", ".onnx"),
    ),
    Layout(
        {"llm": "llm", "encoder_adaptor": "encoder_adaptor", "embedding": "embedding"},
        "llm|encoder_adaptor|embedding",
        Family.FUNASR_NANO,
        tokenizer=True,
    ),
    Layout(
        {"decoder": "decoder", "encoder": "encoder", "conv_frontend": "conv_frontend"},
        "conv_frontend",
        Family.QWEN3_ASR,
        tokenizer=True,
    ),
    Layout(
        {"encoder": r".+-encoder\.", "decoder": r".+-decoder\."},
        r".+-(encoder|decoder)\.",
        Family.WHISPER,
    ),
    Layout({"encoder": "encoder", "decoder": "decoder", "joiner": "joiner"}, "joiner"),
    Layout({"encoder": "encoder", "decoder": "decoder"}, "encoder|decoder"),
)
_ONE_FILE = Layout({"model": ""}, "")
_SUFFIXES = (".onnx", ".ort")
_TOKENIZER_FILES = ("tokenizer.json", "vocab.json")


@dataclass(frozen=True, slots=True)
class OfflineFiles:
    """The files of one model."""

    folder: Path
    layout: Layout
    graphs: Mapping[str, Path]
    """By the argument of sherpa-onnx that takes it."""
    table: Path
    """`tokens.txt`, or the folder of the tokenizer."""
    pieces: Path | None = None
    """`bpe.vocab` or `bpe.model`, for those who want hot words."""


def find_offline_files(options: ModelOptions) -> OfflineFiles:
    """The files that `options` ask for.

    Raises:
        EngineUnavailable: the folder or one of the files is not there, or there are two of one.
    """
    folder = Path(options.model)
    names = files_in(folder)
    graphs = graphs_of(names, options, _SUFFIXES)
    layout = _layout_of(graphs)
    if layout is _ONE_FILE:
        # WeNet's folders hold the streaming model beside the one for whole recordings.
        graphs = [path for path in graphs if "streaming" not in path.name] or graphs
    found: dict[str, Path] = {}
    for part, pattern in layout.parts.items():
        there = [path for path in graphs if path.suffix in layout.suffixes]
        fitting = [path for path in there if re.match(pattern, path.name)]
        precision = of_smaller_parts(options.precision) if found else options.precision
        found[part] = chosen(folder, part, fitting, precision)
    table = _tokenizer(folder) if layout.tokenizer else _tokens(folder, names, options)
    return OfflineFiles(folder, layout, found, table, pieces_among(names))


def family_by_names(folder: Path) -> Family | None:
    """The family that the names of a folder's files tell; None where they tell none.

    Raises:
        EngineUnavailable: there is no such folder, or it holds no graphs.
    """
    graphs = graphs_of(files_in(folder), ModelOptions(model=str(folder)), _SUFFIXES)
    return _layout_of(graphs).family


def _layout_of(graphs: Sequence[Path]) -> Layout:
    for layout in _LAYOUTS:
        if any(re.match(layout.mark, path.name) for path in graphs):
            return layout
    return _ONE_FILE


def _tokens(folder: Path, names: Sequence[Path], options: ModelOptions) -> Path:
    """Whisper's is `base-tokens.txt`, so that several sizes may lie in one folder."""
    tables = [path for path in names if path.name.endswith("tokens.txt")]
    of_variant = [path for path in tables if options.variant in path.name]
    return only(folder, "tokens.txt", of_variant or tables)


def _tokenizer(folder: Path) -> Path:
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    fitting = [path for path in inside if any((path / one).is_file() for one in _TOKENIZER_FILES)]
    return only(folder, f"folder with {' or '.join(_TOKENIZER_FILES)}", fitting)
