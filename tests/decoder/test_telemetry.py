"""What engines are made of tells nobody what they are used for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_RUNS_A_MODEL = """
import decoder
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])
graph = helper.make_graph(
    [helper.make_node("Identity", ["in"], ["out"])], "graph", [value("in")], [value("out")]
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
session = onnxruntime.InferenceSession(
    model.SerializeToString(), providers=["CPUExecutionProvider"]
)
assert session.run(None, {"in": np.ones(1, np.float32)})[0] == 1
"""


def test_a_model_that_is_run_leaves_no_trace_of_its_user(tmp_path: Path) -> None:
    # onnxruntime keeps the id that it sends, and what it has not sent yet, in the user's caches.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", _RUNS_A_MODEL], env=kept | home, check=True)
    assert list(tmp_path.rglob("*")) == []
