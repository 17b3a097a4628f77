"""Which files of a folder are the model: told from their names.

Names as the published models have them: `encoder…onnx`, `decoder…onnx`, `joiner…onnx` for models in
parts, any other `…onnx` for a model in one file, `.int8.` in the name of a quantised file,
`tokens.txt`, and `bpe.vocab` or `bpe.model` for those who want hot words. No file is opened here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from decoder.errors import EngineUnavailable
from decoder.model_folder import require_folder
from decoder.sherpa.options import ModelOptions, SherpaOptions

_PARTS = ("encoder", "decoder", "joiner")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of one model. `model`, or `encoder` and `decoder`, and perhaps `joiner`."""

    tokens: Path
    encoder: Path | None = None
    decoder: Path | None = None
    joiner: Path | None = None
    model: Path | None = None
    pieces: Path | None = None
    """`bpe.vocab` or `bpe.model`."""

    @property
    def graphs(self) -> tuple[Path, ...]:
        """The ONNX files."""
        parts = (self.encoder, self.decoder, self.joiner, self.model)
        return tuple(part for part in parts if part is not None)


def find_files(options: SherpaOptions) -> ModelFiles:
    """The files that `options` ask for.

    Raises:
        EngineUnavailable: the folder or one of the files is not there, or there are two of one.
    """
    folder = Path(options.model)
    names = files_in(folder)
    tokens = only(folder, "tokens.txt", [path for path in names if path.name == "tokens.txt"])
    graphs = graphs_of(names, options)
    by_part = {part: [path for path in graphs if path.name.startswith(part)] for part in _PARTS}
    pieces = pieces_among(names)
    if not any(by_part.values()):
        # WeNet's folders hold the model for whole recordings beside the streaming one.
        streaming = [path for path in graphs if "streaming" in path.name]
        model = chosen(folder, "model", streaming or graphs, options.precision)
        return ModelFiles(tokens, model=model, pieces=pieces)
    encoder = chosen(folder, "encoder", by_part["encoder"], options.precision)
    rest = of_smaller_parts(options.precision)
    decoder = chosen(folder, "decoder", by_part["decoder"], rest)
    joiner = chosen(folder, "joiner", by_part["joiner"], rest) if by_part["joiner"] else None
    return ModelFiles(tokens, encoder, decoder, joiner, pieces=pieces)


def files_in(folder: Path) -> list[Path]:
    """The files of a model's folder, by name.

    Raises:
        EngineUnavailable: there is no such folder.
    """
    require_folder(folder)
    return sorted(path for path in folder.iterdir() if path.is_file())


def graphs_of(
    names: Iterable[Path], options: ModelOptions, suffixes: tuple[str, ...] = (".onnx",)
) -> list[Path]:
    """Those of the files that are graphs, of the variant that `options` ask for.

    Raises:
        EngineUnavailable: there are none.
    """
    graphs = [path for path in names if path.suffix in suffixes and options.variant in path.name]
    if not graphs:
        wanted = f" with {options.variant!r} in their names" if options.variant else ""
        raise EngineUnavailable(
            f"{options.model} holds no {' or '.join(suffixes)} files{wanted}; pull the model "
            "again, or set the option model"
        )
    return graphs


def pieces_among(names: Sequence[Path]) -> Path | None:
    """The file of the pieces of words, with their scores; None where there is none."""
    by_name = {path.name: path for path in names}
    return by_name.get("bpe.vocab") or by_name.get("bpe.model")


def of_smaller_parts(precision: str) -> str:
    """The precision to ask of what is beside the encoder: published int8 models often leave the
    small decoder as it is."""
    return precision if precision == "fp32" else "auto"


def _precision(path: Path) -> str:
    for precision in ("int8", "fp16"):
        if f".{precision}." in path.name:
            return precision
    return "fp32"


def chosen(folder: Path, part: str, candidates: Sequence[Path], precision: str) -> Path:
    """The one file of a part, in the precision that is asked for or the better one that is there.

    `fp16` is left alone: it is for other processors.

    Raises:
        EngineUnavailable: there is none, none in that precision, or two.
    """
    if not candidates:
        raise EngineUnavailable(
            f"{folder} lacks its {part}…onnx; pull the model again (a part was not downloaded?)"
        )
    wanted = ("int8", "fp32") if precision == "auto" else (precision,)
    for one in wanted:
        fitting = [path for path in candidates if _precision(path) == one]
        if fitting:
            return only(folder, f"{part} ({one})", fitting)
    there = ", ".join(path.name for path in candidates)
    raise EngineUnavailable(
        f"{folder} holds no {part} in {' or '.join(wanted)}, only {there}; "
        "set the option precision to what is there, or pull the model again"
    )


def only(folder: Path, what: str, found: Sequence[Path]) -> Path:
    """The one that was found.

    Raises:
        EngineUnavailable: none was found, or two.
    """
    if not found:
        raise EngineUnavailable(f"{folder} lacks {what}; pull the model again")
    if len(found) > 1:
        there = ", ".join(path.name for path in found)
        raise EngineUnavailable(
            f"{folder} holds {len(found)} files that could be its {what}: {there}; "
            "set the option variant to a part of the name of the wanted one"
        )
    return found[0]
