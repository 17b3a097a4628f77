"""A model's convolutions over time, written so that onnxruntime computes them fast.

onnxruntime has quick kernels for convolutions over pictures, also for those that see each channel
alone (depthwise), and a slow way for everything else. Zipformers and conformers are full of
depthwise convolutions over time; as pictures of height 1 they give the same sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_AXES_ARE_INPUTS = 13
"""From this opset on Squeeze and Unsqueeze take their axes as an input."""
_HEIGHT = ".with_height"
"""Ends the names of what is new in a graph; alone it is the axis that is put in."""


def as_pictures(model: Any) -> int:
    """Change an `onnx.ModelProto` in place; how many convolutions were changed.

    Left alone is what mixes channels, has its weights elsewhere, or is computed in integers.
    """
    from onnx import numpy_helper

    graph = model.graph
    weights = {
        one.name: one
        for one in graph.initializer
        if len(one.dims) == 3 and one.dims[1] == 1 and not one.external_data
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
    opset = next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    nodes = []
    for index, node in enumerate(graph.node):
        if index in chosen:
            nodes += _as_picture(node, chosen[index].name + _HEIGHT, opset)
        else:
            nodes.append(node)
    for one in {one.name: one for one in chosen.values()}.values():
        high = numpy_helper.to_array(one)[:, :, None, :]
        graph.initializer.append(numpy_helper.from_array(high, one.name + _HEIGHT))
    graph.initializer.append(numpy_helper.from_array(np.array([2], np.int64), _HEIGHT))
    del graph.node[:]
    graph.node.extend(nodes)
    return len(chosen)


def _as_picture(node: Any, weights: str, opset: int) -> list[Any]:
    """`node` over a height of 1, between a node that puts the axis in and one that takes it out."""
    from onnx import helper

    attributes = _attributes(node)
    for name in ("kernel_shape", "strides", "dilations"):
        if name in attributes:
            attributes[name] = [1, *attributes[name]]
    if "pads" in attributes:
        before, after = attributes["pads"]
        attributes["pads"] = [0, before, 0, after]
    sound, sums = node.input[0] + _HEIGHT + node.output[0], node.output[0] + _HEIGHT
    axis: dict[str, Any] = {"axes": [2]} if opset < _AXES_ARE_INPUTS else {}
    where = [] if axis else [_HEIGHT]
    return [
        helper.make_node("Unsqueeze", [node.input[0], *where], [sound], **axis),
        helper.make_node(
            "Conv", [sound, weights, *node.input[2:]], [sums], node.name, **attributes
        ),
        helper.make_node("Squeeze", [sums, *where], [node.output[0]], **axis),
    ]


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {one.name: helper.get_attribute_value(one) for one in node.attribute}
