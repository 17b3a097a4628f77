"""An ONNX graph written down node by node, with random weights.

It knows names, nodes, weights and the file that they become, and nothing of speech or of layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_OPSET = 17
_IR_VERSION = 8
"""Old enough for every runtime that reads such models."""

Shape = Sequence[int | str]


class Graph:
    """One model. Every method that adds a node returns the name of what the node makes."""

    def __init__(self, name: str, seed: int) -> None:
        self._name = name
        self._random = np.random.default_rng(seed)
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._count = 0
        self.parameters = 0
        """Weights, constants apart."""

    def input(self, name: str, shape: Shape, kind: int = TensorProto.FLOAT) -> str:
        """Declare an input of the model."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, list(shape)))
        return name

    def output(self, name: str, value: str, shape: Shape, kind: int = TensorProto.FLOAT) -> None:
        """Declare an output of the model and what it is."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, kind, list(shape)))

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output."""
        return self.split(kind, *inputs, outputs=1, **attributes)[0]

    def split(self, kind: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """Add a node of several outputs."""
        names = [self._fresh(kind) for _ in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def random(self, *shape: int, scale: float) -> NDArray[np.float32]:
        """Draw numbers for a weight: normal, with `scale` as their deviation."""
        return (self._random.standard_normal(shape) * scale).astype(np.float32)

    def weight(self, values: NDArray[np.float32]) -> str:
        """Add a weight."""
        self.parameters += values.size
        name = self._fresh("weight")
        self._initializers.append(numpy_helper.from_array(values, name))
        return name

    def constant(self, values: object, dtype: type[np.generic] = np.float32) -> str:
        """Add a constant; the same one is added once."""
        array = np.asarray(values, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = self._constants[key] = self._fresh("constant")
            self._initializers.append(numpy_helper.from_array(array, name))
        return self._constants[key]

    def ints(self, *values: int) -> str:
        """Add a one-dimensional int64 constant, as shapes and axes are."""
        return self.constant(values, np.int64)

    def linear(self, x: str, inputs: int, outputs: int, *, gain: float = 1.0) -> str:
        """Add `x` times a random matrix, plus a bias; its deviation is `gain` times that of `x`."""
        weight = self.weight(self.random(inputs, outputs, scale=gain / inputs**0.5))
        product = self.op("MatMul", x, weight)
        return self.op("Add", self.weight(self.random(outputs, scale=0.01)), product)

    def slice(self, x: str, start: int, end: int, axis: int, step: int = 1) -> str:
        """Add a slice of one axis."""
        bounds = (self.ints(one) for one in (start, end, axis, step))
        return self.op("Slice", x, *bounds)

    def reshape(self, x: str, *shape: int) -> str:
        """Add another shape of `x`: 0 keeps an axis, -1 takes what is left."""
        return self.op("Reshape", x, self.ints(*shape))

    def transpose(self, x: str, *axes: int) -> str:
        """Add `x` with its axes in another order."""
        return self.op("Transpose", x, perm=axes)

    def concat(self, *parts: str, axis: int) -> str:
        """Add several values, one behind the other."""
        return self.op("Concat", *parts, axis=axis)

    def save(self, file: Path, metadata: Mapping[str, object]) -> None:
        """Check the graph and write it with what readers want to know of it."""
        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, self._initializers
        )
        opset = helper.make_operatorsetid("", _OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
        onnx.checker.check_model(model)
        onnx.save(model, str(file))

    def _fresh(self, kind: str) -> str:
        self._count += 1
        return f"{kind.lower()}_{self._count}"
