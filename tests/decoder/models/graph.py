"""A few words on top of `onnx.helper`, and the arithmetic that all models share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

QUIET = -8.0
"""Mean log-mel energy between digital silence (-15.9) and any audio of sense (about 0), for audio
in [-1, 1); `LOUD_SHIFT` higher for models that take audio in 16-bit steps."""
LOUD_SHIFT = 20.8

Shape = Sequence[int | str]


class GraphBuilder:
    """Nodes are added in order; each `op` gives back the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, shape: Shape, kind: int = TensorProto.FLOAT) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, kind, list(shape)))
        return name

    def output(self, name: str, value: str, shape: Shape, kind: int = TensorProto.FLOAT) -> None:
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, kind, list(shape)))

    def output_first(self, name: str, value: str, shape: Shape) -> None:
        """An output that comes before those that there are."""
        self.output(name, value, shape)
        self._outputs.insert(0, self._outputs.pop())

    def constant(self, value: NDArray[np.generic] | Sequence[int] | float) -> str:
        name = f"constant_{len(self._constants)}"
        array: NDArray[np.generic]
        if isinstance(value, float):
            array = np.asarray(value, np.float32)
        elif isinstance(value, np.ndarray):
            array = value
        else:
            array = np.asarray(value, np.int64)
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    @property
    def one(self) -> str:
        """The list of the number 1: the second axis."""
        return self.constant([1])

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        names = [f"{kind}_{len(self._nodes)}_{index}" for index in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0]

    def save(self, path: Path, metadata: Mapping[str, object]) -> None:
        graph = helper.make_graph(
            self._nodes, path.stem, self._inputs, self._outputs, self._constants
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
        onnx.save(model, str(path))


def projection(rows: int, columns: int, seed: int) -> NDArray[np.float32]:
    """Columns of length one, at random."""
    matrix = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    unit: NDArray[np.float32] = matrix / np.linalg.norm(matrix, axis=0, keepdims=True)
    return unit


def spoken(
    graph: GraphBuilder,
    frames: str,
    *,
    count: int,
    subsampling: int,
    bins: int,
    tokens: int,
    blank: int,
    quiet: float = QUIET,
) -> str:
    """Logits (N, count, tokens) of `frames` (N, T, bins), T ≥ count × subsampling.

    One row for each `subsampling` frames from the start; what follows is right context, unused.
    """
    used = graph.op(
        "Slice",
        frames,
        graph.constant([0]),
        graph.constant([count * subsampling]),
        graph.constant([1]),
    )
    groups = graph.op("Reshape", used, graph.constant([0, count, subsampling, bins]))
    spectrum = graph.op("ReduceMean", groups, axes=[2], keepdims=0)
    level = graph.op("ReduceMean", spectrum, axes=[2], keepdims=1)
    shape = graph.op("Sub", spectrum, level)
    words = projection(bins, tokens, 7)
    words[:, blank] = 0
    logits = graph.op("MatMul", shape, graph.constant(words))
    # Far below the threshold blank is sure, far above it is out of the question.
    depth = graph.op("Sub", graph.constant(quiet), level)
    weight = np.zeros((1, tokens), np.float32)
    weight[0, blank] = 20.0
    return graph.op("Add", logits, graph.op("MatMul", depth, graph.constant(weight)))


def hear(graph: GraphBuilder, logits: str, *, tokens: int, size: int) -> str:
    """What a state (N, size) takes up from a step's logits (N, T, tokens)."""
    mean = graph.op("ReduceMean", logits, axes=[1], keepdims=0)
    return graph.op("Tanh", graph.op("MatMul", mean, graph.constant(projection(tokens, size, 3))))


def tilt(graph: GraphBuilder, logits: str, past: str, *, tokens: int, size: int, blank: int) -> str:
    """Logits (N, T, tokens), a little turned by a state (N, size): never from or to blank."""
    weight = projection(size, tokens, 4)
    weight[:, blank] = 0
    turned = graph.op("MatMul", past, graph.constant(weight))
    return graph.op("Add", logits, graph.op("Unsqueeze", turned, graph.constant([1])))


def remember(graph: GraphBuilder, state: str, heard: str, axes: Sequence[int]) -> str:
    """The next value of a state: half of what it was, and what was heard, along `axes`."""
    faded = graph.op("Mul", state, graph.constant(0.5))
    if axes:
        heard = graph.op("Unsqueeze", heard, graph.constant(list(axes)))
    return graph.op("Add", faded, heard)
