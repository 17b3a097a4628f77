"""Models small enough to be made by a test, which tell two made-up voices apart.

They are not good at it: a low tone is one speaker, a high one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_WINDOW, _FIELD, _SHIFT = 160_000, 991, 270


def segmentation(path: Path) -> Path:
    """As pyannote's: seven classes of who of three speaks, by loudness and by changes."""
    weights = {
        "difference": np.array([[[-1.0, 1.0]]], np.float32),
        "loud": np.array(0.001, np.float32),
        "rough": np.array(0.3, np.float32),
        "none": np.array(0.0, np.float32),
        "one": np.array(1.0, np.float32),
    }
    pool = partial(helper.make_node, "AveragePool", kernel_shape=[_FIELD], strides=[_SHIFT])
    nodes = [
        helper.make_node("Mul", ["x", "x"], ["squares"]),
        pool(["squares"], ["energy"]),
        helper.make_node("Conv", ["x", "difference"], ["changes"], pads=[1, 0]),
        helper.make_node("Mul", ["changes", "changes"], ["changes2"]),
        pool(["changes2"], ["roughness"]),
        helper.make_node("Greater", ["energy", "loud"], ["is_speech"]),
        helper.make_node("Mul", ["energy", "rough"], ["bound"]),
        helper.make_node("Greater", ["roughness", "bound"], ["is_high"]),
        helper.make_node("Cast", ["is_speech"], ["speech"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["is_high"], ["high"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["one", "speech"], ["silence"]),
        helper.make_node("Mul", ["speech", "high"], ["second"]),
        helper.make_node("Sub", ["speech", "second"], ["first"]),
        helper.make_node("Mul", ["speech", "none"], ["nobody"]),
        helper.make_node(
            "Concat", ["silence", "first", "second", *["nobody"] * 4], ["classes"], axis=1
        ),
        helper.make_node("Transpose", ["classes"], ["y"], perm=[0, 2, 1]),
    ]
    told = {
        "num_speakers": 3,
        "powerset_max_classes": 2,
        "num_classes": 7,
        "sample_rate": 16000,
        "window_size": _WINDOW,
        "receptive_field_size": _FIELD,
        "receptive_field_shift": _SHIFT,
    }
    return _written(path, nodes, weights, ("x", ["N", 1, "T"]), ("y", ["N", "F", 7]), told)


def embedding(path: Path) -> Path:
    """As WeSpeaker's: what is loud among 80 bands, on the mean."""
    nodes = [
        helper.make_node("ReduceMean", ["feats"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("ReduceMean", ["mean"], ["middle"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["mean", "middle"], ["embs"]),
    ]
    told = {
        "framework": "wespeaker",
        "language": "English",
        "url": "",
        "comment": "",
        "sample_rate": 16000,
        "output_dim": 80,
        "normalize_samples": 1,
        "feature_normalize_type": "",
    }
    return _written(path, nodes, {}, ("feats", ["N", "T", 80]), ("embs", ["N", 80]), told)


def _written(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    weights: Mapping[str, NDArray[np.float32]],
    takes: tuple[str, Sequence[str | int]],
    gives: tuple[str, Sequence[str | int]],
    told: Mapping[str, object],
) -> Path:
    graph = helper.make_graph(
        nodes,
        "voices",
        [helper.make_tensor_value_info(takes[0], TensorProto.FLOAT, takes[1])],
        [helper.make_tensor_value_info(gives[0], TensorProto.FLOAT, gives[1])],
        [numpy_helper.from_array(one, name) for name, one in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {name: str(value) for name, value in told.items()})
    onnx.save(model, path)
    return path
