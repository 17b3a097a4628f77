"""The trained network as a model folder of sherpa-onnx's LSTM layout.

It writes the sums of `model.py` node by node, as three ONNX graphs with their metadata. The scaling
of the features is folded into the encoder's first layer, so the encoder takes plain log-mel
energies. Batch is the free axis of every graph.

Inputs and outputs in order are what online-lstm-transducer-model.cc of sherpa-onnx reads: features
(N, T, 80), hidden state (layers, N, d_model), cell state (layers, N, rnn_hidden_size); back come
steps (N, T / 4, joint) and both states.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from bench.training.features import DIMENSIONS
from bench.training.model import CONTEXT, STEP_FRAMES, Transducer

CHUNK_FRAMES = 12
"""Feature frames that one call of the encoder takes: 120 ms, nothing of them twice."""

_OPSET = 17
_IR = 9
_BATCH = "N"
_FLOAT = TensorProto.FLOAT


class _Graph:
    """Nodes and weights of one file, in the making."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operation: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operation, inputs, [output], output, **attributes))
        return output

    def linear(self, name: str, value: str, weight: Tensor, bias: Tensor) -> str:
        """`value` (…, in) times a matrix of PyTorch's layout (out, in), plus a bias."""
        matrix = self.weight(f"{name}.weight", _array(weight).T)
        product = self.add("MatMul", [value, matrix], f"{name}.product")
        return self.add("Add", [product, self.weight(f"{name}.bias", _array(bias))], name)

    def write(
        self,
        path: Path,
        inputs: list[onnx.ValueInfoProto],
        outputs: list[onnx.ValueInfoProto],
        metadata: dict[str, str],
    ) -> None:
        graph = helper.make_graph(self.nodes, path.stem, inputs, outputs, self.weights)
        opset = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=_IR)
        model.producer_name = "bench.training"
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, str(path))


def export(model: Transducer, folder: Path) -> None:
    """Write encoder.onnx, decoder.onnx and joiner.onnx."""
    folder.mkdir(parents=True, exist_ok=True)
    _encoder(model, folder / "encoder.onnx")
    _decoder(model, folder / "decoder.onnx")
    _joiner(model, folder / "joiner.onnx")


def write_delay(folder: Path, milliseconds: int) -> None:
    """Write down how long after the start of a word its token comes, as was measured."""
    path = folder / "encoder.onnx"
    encoder = onnx.load(str(path))
    metadata = {entry.key: entry.value for entry in encoder.metadata_props}
    helper.set_model_props(encoder, metadata | {"emission_delay_ms": str(milliseconds)})
    onnx.save(encoder, str(path))


def _encoder(model: Transducer, path: Path) -> None:
    graph = _Graph()
    hidden, layers = model.shape.hidden, model.shape.layers
    steps = CHUNK_FRAMES // STEP_FRAMES
    shape = graph.weight("steps.shape", np.array([0, steps, STEP_FRAMES * DIMENSIONS]))
    value = graph.add("Reshape", ["x", shape], "steps")
    scale = model.scale.repeat(STEP_FRAMES)
    weight = model.front.weight * scale
    bias = model.front.bias - weight @ model.mean.repeat(STEP_FRAMES)
    value = graph.add("Relu", [graph.linear("front", value, weight, bias)], "front.active")
    # ONNX's LSTM wants time first.
    value = graph.add("Transpose", [value], "front.by_time", perm=[1, 0, 2])
    one_each = graph.weight("one_each", np.ones(layers, np.int64))
    axis = graph.weight("direction", np.array([1]))
    for state in ("h", "c"):
        parts = [f"{state}.{layer}" for layer in range(layers)]
        graph.nodes.append(helper.make_node("Split", [state, one_each], parts, state, axis=0))
    for layer, lstm in enumerate(model.lstm):
        name = f"lstm.{layer}"
        inputs = [value]
        for kind in ("weight_ih_l0", "weight_hh_l0"):
            matrix = _gates(_array(getattr(lstm, kind)))
            inputs.append(graph.weight(f"{name}.{kind}", matrix[np.newaxis]))
        both = [_gates(_array(getattr(lstm, kind))) for kind in ("bias_ih_l0", "bias_hh_l0")]
        inputs.append(graph.weight(f"{name}.bias", np.concatenate(both)[np.newaxis]))
        inputs += ["", f"h.{layer}", f"c.{layer}"]
        outputs = [f"{name}.all", f"{name}.h", f"{name}.c"]
        graph.nodes.append(helper.make_node("LSTM", inputs, outputs, name, hidden_size=hidden))
        value = graph.add("Squeeze", [f"{name}.all", axis], f"{name}.steps")
    value = graph.add("Transpose", [value], "by_batch", perm=[1, 0, 2])
    graph.linear("encoder_out", value, model.encoder_joint.weight, model.encoder_joint.bias)
    for state in ("h", "c"):
        parts = [f"lstm.{layer}.{state}" for layer in range(layers)]
        graph.add("Concat", parts, f"next_{state}", axis=0)
    states: list[str | int] = [layers, _BATCH, hidden]
    graph.write(
        path,
        [
            _value("x", [_BATCH, CHUNK_FRAMES, DIMENSIONS]),
            _value("h", states),
            _value("c", states),
        ],
        [
            _value("encoder_out", [_BATCH, steps, model.shape.joint]),
            _value("next_h", states),
            _value("next_c", states),
        ],
        {
            "model_type": "lstm",
            "version": "1",
            "model_author": "rasr",
            "comment": "synthetic voices only; see README.md beside this file",
            "languages": "chinese",
            "T": str(CHUNK_FRAMES),
            "decode_chunk_len": str(CHUNK_FRAMES),
            "num_encoder_layers": str(layers),
            "rnn_hidden_size": str(hidden),
            "d_model": str(hidden),
        },
    )


def _decoder(model: Transducer, path: Path) -> None:
    graph = _Graph()
    joint = model.shape.joint
    # Some decoders of sherpa-onnx fill the places before the first token with -1.
    floor = graph.weight("blank", np.array(0))
    tokens = graph.add("Max", ["y", floor], "tokens")
    table = graph.weight("embedding", _array(model.embedding.weight))
    embedded = graph.add("Gather", [table, tokens], "embedded")
    shape = graph.weight("context.shape", np.array([0, CONTEXT * joint]))
    seen = graph.add("Reshape", [embedded, shape], "seen")
    value = graph.linear("context", seen, model.context.weight, model.context.bias)
    value = graph.add("Relu", [value], "context.active")
    graph.linear("decoder_out", value, model.decoder_joint.weight, model.decoder_joint.bias)
    graph.write(
        path,
        [helper.make_tensor_value_info("y", TensorProto.INT64, [_BATCH, CONTEXT])],
        [_value("decoder_out", [_BATCH, joint])],
        {"vocab_size": str(model.shape.vocabulary), "context_size": str(CONTEXT)},
    )


def _joiner(model: Transducer, path: Path) -> None:
    graph = _Graph()
    joint = model.shape.joint
    both = graph.add("Add", ["encoder_out", "decoder_out"], "both")
    value = graph.add("Tanh", [both], "both.active")
    graph.linear("logit", value, model.output.weight, model.output.bias)
    graph.write(
        path,
        [_value("encoder_out", [_BATCH, joint]), _value("decoder_out", [_BATCH, joint])],
        [_value("logit", [_BATCH, model.shape.vocabulary])],
        {"joiner_dim": str(joint)},
    )


def _gates(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """PyTorch's order of gates (input, forget, cell, output) to ONNX's (input, output, forget,
    cell)."""
    first, forget, cell, output = np.split(value, 4)
    return np.concatenate([first, output, forget, cell])


def _array(value: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = value.detach().numpy()
    return array


def _value(name: str, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, _FLOAT, shape)
