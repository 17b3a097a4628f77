"""ONNX files as far as they must be known before sherpa-onnx opens them: metadata and shapes.

The package `onnx` is imported here and in `graph_optimisation` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from decoder.errors import EngineUnavailable


@dataclass(frozen=True, slots=True)
class Graph:
    """One ONNX file."""

    path: Path
    metadata: Mapping[str, str]
    inputs: tuple[tuple[int | None, ...], ...]
    """Shapes of the inputs in their order; None for a size that is not fixed."""
    outputs: tuple[tuple[int | None, ...], ...]

    def integer(self, name: str) -> int:
        """An entry of the metadata as a whole number.

        Raises:
            EngineUnavailable: the metadata's entry is no whole number.
        """
        try:
            return int(self.metadata[name])
        except ValueError as error:
            raise EngineUnavailable(
                f"{self.path}: metadata {name!r} is {self.metadata[name]!r}; allowed: a whole "
                "number; export the model again"
            ) from error

    def input_size(self, axis: int, default: int) -> int:
        """A size of the first input, or `default` where the file leaves it open."""
        shape = self.inputs[0] if self.inputs else ()
        return (shape[axis] if axis < len(shape) else None) or default

    def need(self, names: tuple[str, ...], who: str) -> None:
        """Refuse a file that lacks metadata; `who` is the kind of model that needs it.

        Raises:
            EngineUnavailable: one of `names` is missing; the text names all that are.
        """
        missing = [name for name in names if not self.metadata.get(name)]
        if missing:
            raise EngineUnavailable(
                f"{self.path} lacks the metadata {', '.join(missing)} of a {who}; "
                "export it with the script that sherpa-onnx has for that family, "
                "or pull a published model"
            )


def read_graph(path: Path) -> Graph:
    """Metadata and shapes of an ONNX file; its weights are not kept.

    Raises:
        EngineUnavailable: the file is no ONNX model, or was cut off.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    except ImportError as error:
        raise EngineUnavailable("the package onnx is not installed; pip install onnx") from error
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise EngineUnavailable(
            f"{path} is no ONNX model or was cut off ({error}); pull the model again"
        ) from error
    if not model.graph.node or not model.graph.output:
        raise EngineUnavailable(f"{path} is an empty ONNX model; pull the model again")
    constants = {constant.name for constant in model.graph.initializer}
    return Graph(
        path,
        {entry.key: entry.value for entry in model.metadata_props},
        tuple(_shape(value) for value in model.graph.input if value.name not in constants),
        tuple(_shape(value) for value in model.graph.output),
    )


def _shape(value: Any) -> tuple[int | None, ...]:
    sizes = value.type.tensor_type.shape.dim
    return tuple(size.dim_value if size.HasField("dim_value") else None for size in sizes)
