"""Keys of an attention as rows: the same products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from decoder.sherpa.graph_optimisation import keys_as_rows

TIME, BATCH, HEADS, WIDTH = 7, 2, 4, 5


def model(
    axes: Sequence[int] = (2, 1, 3, 0), *, shared: bool = False, swapped: bool = False
) -> onnx.ModelProto:
    """Queries times keys; `shared`: the turned keys are an output too."""
    factors = ["turned", "queries"] if swapped else ["queries", "turned"]
    nodes = [
        helper.make_node("Transpose", ["keys"], ["turned"], perm=list(axes)),
        helper.make_node("MatMul", factors, ["scores"]),
    ]
    shape = [HEADS, BATCH, 3, WIDTH] if not swapped else [HEADS, BATCH, TIME, 3]
    graph = helper.make_graph(
        nodes,
        "attention",
        [
            helper.make_tensor_value_info("queries", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("keys", TensorProto.FLOAT, [None] * 4),
        ],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in ("scores", *(["turned"] if shared else []))
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made


def test_the_products_are_the_same() -> None:
    made = model()
    random = np.random.default_rng(1)
    feeds = {
        "queries": random.standard_normal((HEADS, BATCH, 3, WIDTH)).astype(np.float32),
        "keys": random.standard_normal((TIME, BATCH, HEADS, WIDTH)).astype(np.float32),
    }
    before = onnxruntime.InferenceSession(made.SerializeToString()).run(None, feeds)
    assert keys_as_rows(made) == 1
    after = onnxruntime.InferenceSession(made.SerializeToString()).run(None, feeds)
    np.testing.assert_allclose(after[0], before[0], rtol=1e-5, atol=1e-6)
    assert list(made.graph.node[0].attribute[0].ints) == [2, 1, 0, 3]


@pytest.mark.parametrize(
    "made",
    [
        model((2, 1, 0, 3)),
        model((0, 1, 3, 2)),
        model(shared=True),
        model(swapped=True),
    ],
    ids=["rows already", "onnxruntime does it", "somebody else uses it", "the first factor"],
)
def test_everything_else_is_left_alone(made: onnx.ModelProto) -> None:
    before = made.SerializeToString()
    assert keys_as_rows(made) == 0
    assert made.SerializeToString() == before
