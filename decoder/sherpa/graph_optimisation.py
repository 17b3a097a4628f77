"""A model's graph rewritten so that onnxruntime computes the same in less time.

onnxruntime rewrites graphs itself when it loads them; here is what it leaves, three rules that each
change an `onnx.ModelProto` in place. Measured with the zipformer2 of `bench.model` (int8, two
threads with 48 streams each, batches of 12, AVX-512), in processor time for a second of audio:
19.7 ms as published, 16.7 ms with `convolutions_in_2d`, 16.3 ms with `softplus_in_fewer_passes` too
and 15.8 ms with `keys_as_rows` as well.

The files of the model stay as they are: copies are written to a temporary folder for as long as the
recogniser is loaded from them. Only encoders are worth it, and models in one file.
"""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from decoder.sherpa.folder import ModelFiles

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

_MOST_BYTES = 1 << 30
"""An ONNX file of 2 GiB cannot be written in one piece; one of half of that is no streaming model
for a processor anyway."""


@contextmanager
def optimised(files: ModelFiles) -> Iterator[ModelFiles]:
    """`files`, with optimised copies of those where there is something to gain."""
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        yield replace(
            files,
            encoder=_optimised(files.encoder, Path(folder)),
            model=_optimised(files.model, Path(folder)),
        )


def _optimised(path: Path | None, folder: Path) -> Path | None:
    import onnx

    if path is None or path.stat().st_size > _MOST_BYTES:
        return path
    model = onnx.load(str(path), load_external_data=False)
    rules = (convolutions_in_2d, softplus_in_fewer_passes, keys_as_rows)
    if not sum([rule(model) for rule in rules]):
        return path
    _sweep(model.graph)
    copy = folder / path.name
    onnx.save(model, str(copy))
    return copy


def _sweep(graph: GraphProto) -> None:
    """Take out constants that no node uses any more and shapes that may have changed: onnxruntime
    warns of each, and finds shapes itself."""
    del graph.value_info[:]
    used = {name for node in graph.node for name in node.input}
    used |= {output.name for output in graph.output}
    kept = [constant for constant in graph.initializer if constant.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


# Convolutions over time

_AXES_ARE_INPUTS = 13
"""From this opset on Squeeze and Unsqueeze take their axes as an input."""
_HEIGHT = ".with_height"
"""Ends the names of what is new in a graph; alone it is the axis that is put in."""


def convolutions_in_2d(model: ModelProto) -> int:
    """Write depthwise convolutions over time as such over images of height 1.

    onnxruntime has fast kernels for convolutions over images, also for those that see each channel
    alone (depthwise), and a slow way for everything else. Zipformers and conformers are full of
    depthwise convolutions over time; over images of height 1 they give the same sums.

    Left alone is what mixes channels, has its weights elsewhere, or is computed in integers.

    Returns:
        How many convolutions were changed.
    """
    from onnx import numpy_helper

    graph = model.graph
    weights = {
        constant.name: constant
        for constant in graph.initializer
        if len(constant.dims) == 3 and constant.dims[1] == 1 and not constant.external_data
    }
    chosen = {
        index: weights[node.input[1]]
        for index, node in enumerate(graph.node)
        if node.op_type == "Conv"
        and node.input[1] in weights
        and _attributes(node).get("group", 1) == weights[node.input[1]].dims[0]
    }
    if not chosen:
        return 0
    opset = next(known.version for known in model.opset_import if known.domain in ("", "ai.onnx"))
    nodes: list[NodeProto] = []
    for index, node in enumerate(graph.node):
        if index in chosen:
            nodes += _in_2d(node, chosen[index].name + _HEIGHT, opset)
        else:
            nodes.append(node)
    for constant in {constant.name: constant for constant in chosen.values()}.values():
        high = numpy_helper.to_array(constant)[:, :, None, :]
        graph.initializer.append(numpy_helper.from_array(high, constant.name + _HEIGHT))
    graph.initializer.append(numpy_helper.from_array(np.array([2], np.int64), _HEIGHT))
    del graph.node[:]
    graph.node.extend(nodes)
    return len(chosen)


def _in_2d(node: NodeProto, weights: str, opset: int) -> list[NodeProto]:
    """`node` over a height of 1, between a node that puts the axis in and one that takes it out."""
    from onnx import helper

    attributes = _attributes(node)
    for name in ("kernel_shape", "strides", "dilations"):
        if name in attributes:
            attributes[name] = [1, *attributes[name]]
    if "pads" in attributes:
        before, after = attributes["pads"]
        attributes["pads"] = [0, before, 0, after]
    image, sums = node.input[0] + _HEIGHT + node.output[0], node.output[0] + _HEIGHT
    axis: dict[str, Any] = {"axes": [2]} if opset < _AXES_ARE_INPUTS else {}
    where = [] if axis else [_HEIGHT]
    return [
        helper.make_node("Unsqueeze", [node.input[0], *where], [image], **axis),
        helper.make_node(
            "Conv", [image, weights, *node.input[2:]], [sums], node.name, **attributes
        ),
        helper.make_node("Squeeze", [sums, *where], [node.output[0]], **axis),
    ]


def _attributes(node: NodeProto) -> dict[str, Any]:
    """The attributes of a node by name; their types differ."""
    from onnx import helper

    return {one.name: helper.get_attribute_value(one) for one in node.attribute}


# The softplus of zipformers

_LIMIT = "softplus.limit"
_LIMIT_VALUE = 30.0
"""e^-30 is 1e-13: to a float, 30 and the softplus of 30 are the same number."""


@dataclass(frozen=True, slots=True)
class _Softplus:
    """The nodes of one, as exports spell it."""

    x: str
    exp: NodeProto
    log: NodeProto
    maximum: NodeProto
    total: NodeProto
    removed: tuple[NodeProto, ...]
    """Those before `exp`, from -|x| on."""


def softplus_in_fewer_passes(model: ModelProto) -> int:
    """Compute the softplus inside a zipformer's activations in fewer passes over its numbers.

    Zipformers compute log(1 + e^x) some hundred times a step. Exports spell it in a form that no x
    can overflow, max(x, 0) + log(1 + e^-|x|): seven passes, eight where |x| is |0 - x|. Written as
    max(x, log(1 + e^min(x, 30))) it is five, and as safe: beyond 30 the logarithm is x to the last
    digit of a float.

    Returns:
        How many were rewritten.
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    found = _SoftplusFinder(graph).all()
    if not found:
        return 0
    limit = np.array(_LIMIT_VALUE, np.float32)
    graph.initializer.append(numpy_helper.from_array(limit, _LIMIT))
    before: dict[str, NodeProto] = {}
    gone: set[str] = set()
    for one in found:
        limited = one.log.output[0] + ".limited"
        before[one.exp.output[0]] = helper.make_node("Min", [one.x, _LIMIT], [limited])
        one.exp.input[0] = limited
        one.total.op_type = "Max"
        one.total.input[:] = [one.log.output[0], one.x]
        gone |= {node.output[0] for node in (*one.removed, one.maximum)}
    nodes = []
    for node in graph.node:
        if node.output[0] in gone:
            continue
        if node.output[0] in before:
            nodes.append(before[node.output[0]])
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    return len(found)


class _SoftplusFinder:
    """Finds each softplus of a graph, by which node makes and which nodes use each value."""

    def __init__(self, graph: GraphProto) -> None:
        from onnx import numpy_helper

        self._made_by: dict[str, NodeProto] = {
            name: node for node in graph.node for name in node.output
        }
        self._outputs = {output.name for output in graph.output}
        self._users: dict[str, list[NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        self._numbers = {
            constant.name: float(numpy_helper.to_array(constant).reshape(-1)[0])
            for constant in graph.initializer
            if not constant.external_data and _size(constant.dims) == 1
        }
        self._logs = [node for node in graph.node if node.op_type == "Log"]

    def all(self) -> list[_Softplus]:
        return [found for log in self._logs if (found := self._softplus(log)) is not None]

    def _softplus(self, log: NodeProto) -> _Softplus | None:
        """max(x, 0) + log(1 + exp(-|x|)), whose parts nobody else uses."""
        exp = self._made("Exp", self._other(self._made("Add", log.input[0]), 1.0))
        negative = self._made("Neg", exp.input[0] if exp else None)
        absolute = self._made("Abs", negative.input[0] if negative else None)
        total = self._only_user(log.output[0])
        if exp is None or negative is None or absolute is None:
            return None
        if total is None or total.op_type != "Add":
            return None
        rest = [name for name in total.input if name != log.output[0]]
        maximum = self._made("Max", rest[0] if len(rest) == 1 else None)
        x = self._other(maximum, 0.0)
        if maximum is None or x is None:
            return None
        removed = [negative, absolute]
        if absolute.input[0] != x:
            # |x - 0| or |0 - x|
            difference = self._made("Sub", absolute.input[0])
            if difference is None or self._other(difference, 0.0) != x:
                return None
            removed.append(difference)
        return _Softplus(x, exp, log, maximum, total, tuple(removed))

    def _only_user(self, name: str) -> NodeProto | None:
        """The node that uses a value, if it is one and the value is no output of the graph."""
        users = self._users.get(name, [])
        return users[0] if len(users) == 1 and name not in self._outputs else None

    def _made(self, kind: str, name: str | None) -> NodeProto | None:
        """The node of `kind` that makes a value which one node uses."""
        node = self._made_by.get(name) if name is not None else None
        if name is None or node is None or node.op_type != kind or self._only_user(name) is None:
            return None
        return node

    def _other(self, node: NodeProto | None, number: float) -> str | None:
        """Of two inputs, one of which is `number`, the name of the other."""
        if node is None or len(node.input) != 2:
            return None
        for one, other in (node.input, node.input[::-1]):
            if self._number(one) == number:
                return str(other)
        return None

    def _number(self, name: str) -> float | None:
        from onnx import numpy_helper

        node = self._made_by.get(name)
        if node is None or node.op_type != "Constant" or node.attribute[0].name != "value":
            return self._numbers.get(name)
        value = numpy_helper.to_array(node.attribute[0].t)
        return float(value.reshape(-1)[0]) if value.size == 1 else None


def _size(dims: Sequence[int]) -> int:
    return math.prod(dims)


# The keys of an attention

_DOMAIN = "com.microsoft"


def keys_as_rows(model: ModelProto) -> int:
    """Keep the keys of an attention as rows for the product with the queries.

    Exports turn the keys of all heads with one transposition, (time, batch, head, d) to (head,
    batch, d, time), and multiply. Every number of such a copy comes from another place. With d left
    last it copies whole rows, and onnxruntime's `FusedMatMul` takes its second factor so.

    Returns:
        How many products were rewritten.
    """
    from onnx import helper

    graph = model.graph
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(output.name for output in graph.output)
    turned = {
        node.output[0]: node
        for node in graph.node
        if node.op_type == "Transpose" and uses[node.output[0]] == 1 and _turns_rows(node)
    }
    products = [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in turned]
    for product in products:
        (permutation,) = turned[product.input[1]].attribute
        axes = permutation.ints
        axes[-2], axes[-1] = axes[-1], axes[-2]
        product.op_type, product.domain = "FusedMatMul", _DOMAIN
        product.attribute.append(helper.make_attribute("transB", 1))
    if products and not any(known.domain == _DOMAIN for known in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
    return len(products)


def _turns_rows(transpose: NodeProto) -> bool:
    """Does the last axis become the one before the last, and not by a mere turn of both?

    onnxruntime itself sees to a mere turn.
    """
    axes = next((list(one.ints) for one in transpose.attribute if one.name == "perm"), [])
    last = len(axes) - 1
    return len(axes) > 2 and axes[-2] == last and axes[-1] != last - 1
