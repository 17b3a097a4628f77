"""Depthwise convolutions over time, computed over images of height 1: the same sums."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from decoder.sherpa.graph_optimisation import convolutions_in_2d

Floats = NDArray[np.float32]


def convolution(
    *,
    channels: int = 3,
    kernel: int = 5,
    pads: tuple[int, int] = (0, 0),
    stride: int = 1,
    dilation: int = 1,
    group: int | None = None,
    bias: bool = True,
    opset: int = 17,
) -> onnx.ModelProto:
    """A model of one convolution over time, its kernel used again by a second node."""
    random = np.random.default_rng(kernel)
    group = channels if group is None else group
    kernels = random.standard_normal((channels, channels // group, kernel)).astype(np.float32)
    constants = [numpy_helper.from_array(kernels, "kernels")]
    if bias:
        offsets = random.standard_normal(channels).astype(np.float32)
        constants.append(numpy_helper.from_array(offsets, "bias"))
    node = helper.make_node(
        "Conv",
        ["x", "kernels", *(["bias"] if bias else [])],
        ["y"],
        group=group,
        pads=list(pads),
        strides=[stride],
        dilations=[dilation],
        kernel_shape=[kernel],
    )
    graph = helper.make_graph(
        [node, helper.make_node("Neg", ["kernels"], ["k"])],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", channels, "T"])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("k", TensorProto.FLOAT, None),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    return model


def computed(model: onnx.ModelProto, audio: Floats) -> list[Floats]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return list(session.run(None, {"x": audio}))


@given(
    channels=st.integers(1, 20),
    kernel=st.integers(1, 9),
    pads=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
    opset=st.sampled_from([11, 17]),
)
def test_an_image_of_height_one_gives_the_same_sums(
    channels: int,
    kernel: int,
    pads: tuple[int, int],
    stride: int,
    dilation: int,
    bias: bool,
    opset: int,
) -> None:
    model = convolution(
        channels=channels,
        kernel=kernel,
        pads=pads,
        stride=stride,
        dilation=dilation,
        bias=bias,
        opset=opset,
    )
    audio = np.random.default_rng(1).standard_normal((2, channels, 24)).astype(np.float32)
    before = computed(model, audio)
    assert convolutions_in_2d(model) == 1
    for one, other in zip(before, computed(model, audio), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_a_convolution_that_mixes_channels_is_left_alone() -> None:
    model = convolution(channels=4, group=2)
    before = model.SerializeToString()
    assert convolutions_in_2d(model) == 0
    assert model.SerializeToString() == before
