"""A model's convolutions over time, written so that onnxruntime computes them fast.

onnxruntime has quick kernels for convolutions over pictures, also for those that see each channel
alone (depthwise), and a slow way for everything else. Zipformers and conformers are full of
depthwise convolutions over time; as pictures of height 1 they give the same sums. Measured with
the zipformer2 of `bench.model` (int8, two threads, batches of 12, AVX-512): 19.2 ms of processor
time for a second of sound before, 15.4 ms after.

The files of the model stay as they are: a copy is written to a temporary folder for as long as the
recogniser is loaded from it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from decoder.sherpa.folder import ModelFiles

_AXES_ARE_INPUTS = 13
"""From this opset on Squeeze and Unsqueeze take their axes as an input."""
_MOST_BYTES = 1 << 30
"""An ONNX file of 2 GiB cannot be written in one piece; one of half of that is no streaming model
for a processor anyway."""
_HEIGHT = ".with_height"
"""Ends the names of what is new in a graph; alone it is the axis that is put in."""


@contextmanager
def as_pictures(files: ModelFiles) -> Iterator[ModelFiles]:
    """`files`, those with depthwise convolutions over time as quicker copies."""
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        yield replace(
            files,
            encoder=_quicker(files.encoder, Path(folder)),
            model=_quicker(files.model, Path(folder)),
        )


def _quicker(path: Path | None, folder: Path) -> Path | None:
    """A quicker copy of the file in `folder`, or `path` itself where there is nothing to gain."""
    import onnx

    if path is None or path.stat().st_size > _MOST_BYTES:
        return path
    model = onnx.load(str(path), load_external_data=False)
    if not rewrite(model):
        return path
    copy = folder / path.name
    onnx.save(model, str(copy))
    return copy


def rewrite(model: Any) -> int:
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
    nodes = []
    for index, node in enumerate(graph.node):
        if index in chosen:
            nodes += _as_picture(node, chosen[index].name + _HEIGHT, _opset(model))
        else:
            nodes.append(node)
    old = {one.name for one in chosen.values()}
    for one in {one.name: one for one in chosen.values()}.values():
        high = numpy_helper.to_array(one)[:, :, None, :]
        graph.initializer.append(numpy_helper.from_array(high, one.name + _HEIGHT))
    graph.initializer.append(numpy_helper.from_array(np.array([2], np.int64), _HEIGHT))
    used = {name for node in nodes for name in node.input}
    kept = [one for one in graph.initializer if one.name not in old or one.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
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


def _opset(model: Any) -> int:
    return int(next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx")))
