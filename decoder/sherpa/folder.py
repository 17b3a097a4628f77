"""Which files of a folder are the model: told from their names.

Names as the published models have them: `encoder…onnx`, `decoder…onnx`, `joiner…onnx` for models in
parts, any other `…onnx` for a model in one file, `.int8.` in the name of a quantised file,
`tokens.txt`, and `bpe.vocab` or `bpe.model` for those who want hot words. No file is opened here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from decoder.errors import EngineUnavailable
from decoder.sherpa.options import SherpaOptions

_PARTS = ("encoder", "decoder", "joiner")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of one model. `model`, or `encoder` and `decoder`, and perhaps `joiner`."""

    tokens: Path
    encoder: Path | None = None
    decoder: Path | None = None
    joiner: Path | None = None
    model: Path | None = None
    bpe_vocab: Path | None = None
    bpe_model: Path | None = None

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
    if not folder.is_dir():
        raise EngineUnavailable(
            f"there is no model folder {folder}; pull a model, or set the option model"
        )
    names = sorted(path for path in folder.iterdir() if path.is_file())
    tokens = _only(folder, "tokens.txt", [path for path in names if path.name == "tokens.txt"])
    graphs = [path for path in names if path.suffix == ".onnx" and options.variant in path.name]
    if not graphs:
        wanted = f" with {options.variant!r} in their names" if options.variant else ""
        raise EngineUnavailable(
            f"{folder} holds no .onnx files{wanted}; pull the model again, or set the option model"
        )
    by_part = {part: [path for path in graphs if path.name.startswith(part)] for part in _PARTS}
    vocabulary = {
        "bpe_vocab": _first(path for path in names if path.name == "bpe.vocab"),
        "bpe_model": _first(path for path in names if path.name == "bpe.model"),
    }
    if not any(by_part.values()):
        # WeNet's folders hold the model for whole recordings beside the streaming one.
        streaming = [path for path in graphs if "streaming" in path.name]
        model = _chosen(folder, "model", streaming or graphs, options)
        return ModelFiles(tokens, model=model, **vocabulary)
    encoder = _chosen(folder, "encoder", by_part["encoder"], options)
    # Published int8 models often leave the small decoder as it is.
    rest = options if options.precision == "fp32" else replace(options, precision="auto")
    decoder = _chosen(folder, "decoder", by_part["decoder"], rest)
    joiner = _chosen(folder, "joiner", by_part["joiner"], rest) if by_part["joiner"] else None
    return ModelFiles(tokens, encoder, decoder, joiner, **vocabulary)


def _precision(path: Path) -> str:
    for precision in ("int8", "fp16"):
        if f".{precision}." in path.name:
            return precision
    return "fp32"


def _chosen(folder: Path, part: str, candidates: Sequence[Path], options: SherpaOptions) -> Path:
    """The one file of a part, in the precision that is asked for or the better one that is there.

    `fp16` is left alone: it is for other processors.
    """
    if not candidates:
        raise EngineUnavailable(
            f"{folder} lacks its {part}…onnx; pull the model again (a part was not downloaded?)"
        )
    wanted = ("int8", "fp32") if options.precision == "auto" else (options.precision,)
    for precision in wanted:
        fitting = [path for path in candidates if _precision(path) == precision]
        if fitting:
            return _only(folder, f"{part} ({precision})", fitting)
    there = ", ".join(path.name for path in candidates)
    raise EngineUnavailable(
        f"{folder} holds no {part} in {' or '.join(wanted)}, only {there}; "
        "set the option precision to what is there, or pull the model again"
    )


def _only(folder: Path, what: str, found: Sequence[Path]) -> Path:
    if not found:
        raise EngineUnavailable(f"{folder} lacks {what}; pull the model again")
    if len(found) > 1:
        there = ", ".join(path.name for path in found)
        raise EngineUnavailable(
            f"{folder} holds {len(found)} files that could be its {what}: {there}; "
            "set the option variant to a part of the name of the wanted one"
        )
    return found[0]


def _first(paths: Iterable[Path]) -> Path | None:
    return next(iter(paths), None)
