"""The softplus of zipformers in fewer passes: the same numbers, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from decoder.sherpa.graph_optimisation import softplus_in_fewer_passes

Floats = NDArray[np.float32]


def model(*, distance: str = "x", constants: bool = False, shared: str = "") -> onnx.ModelProto:
    """log(1 + e^x) as exports spell it; `distance` is what the absolute value is taken of.

    `constants`: the numbers are nodes. `shared`: a value that is an output too.
    """
    numbers = {"zero": 0.0, "one": 1.0}
    tensors = [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in numbers.items()]
    nodes = []
    if constants:
        nodes += [helper.make_node("Constant", [], [one.name], value=one) for one in tensors]
    if distance != "x":
        nodes.append(helper.make_node("Sub", distance.split(" - "), ["distance"]))
    nodes += [
        helper.make_node("Abs", ["x" if distance == "x" else "distance"], ["absolute"]),
        helper.make_node("Neg", ["absolute"], ["negative"]),
        helper.make_node("Exp", ["negative"], ["small"]),
        helper.make_node("Add", ["one", "small"], ["sum"]),
        helper.make_node("Log", ["sum"], ["log"]),
        helper.make_node("Max", ["zero", "x"], ["most"]),
        helper.make_node("Add", ["most", "log"], ["y"]),
    ]
    outputs = ["y", *([shared] if shared else [])]
    graph = helper.make_graph(
        nodes,
        "softplus",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [] if constants else tensors,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made


def computed(made: onnx.ModelProto, x: Floats) -> Floats:
    session = onnxruntime.InferenceSession(made.SerializeToString())
    result: Floats = session.run(["y"], {"x": x})[0]
    return result


@pytest.mark.parametrize("distance", ["x", "zero - x", "x - zero"])
@pytest.mark.parametrize("constants", [False, True])
def test_the_numbers_are_the_same_for_every_x_that_a_float_can_hold(
    distance: str, constants: bool
) -> None:
    made = model(distance=distance, constants=constants)
    far = np.array([0, -0.0, 88, 89, 1e4, 3e38, -88, -1e4, -3e38, np.inf, -np.inf], np.float32)
    x = np.concatenate([np.linspace(-40, 40, 100_001, dtype=np.float32), far])
    before = computed(made, x)
    assert softplus_in_fewer_passes(made) == 1
    assert len([node for node in made.graph.node if node.op_type != "Constant"]) == 5
    np.testing.assert_allclose(computed(made, x), before, rtol=3e-7, atol=2e-7)


@pytest.mark.parametrize("shared", ["absolute", "negative", "small", "sum", "log", "most"])
def test_a_value_that_somebody_else_uses_is_left_alone(shared: str) -> None:
    made = model(shared=shared)
    before = made.SerializeToString()
    assert softplus_in_fewer_passes(made) == 0
    assert made.SerializeToString() == before


@pytest.mark.parametrize(
    ("kind", "place", "name"),
    [("Max", 0, "one"), ("Add", 0, "zero"), ("Max", 1, "absolute"), ("Abs", 0, "one")],
)
def test_what_is_spelt_alike_and_means_something_else_is_left_alone(
    kind: str, place: int, name: str
) -> None:
    made = model()
    node = next(node for node in made.graph.node if node.op_type == kind)
    node.input[place] = name
    assert softplus_in_fewer_passes(made) == 0
