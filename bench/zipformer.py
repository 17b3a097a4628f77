"""The graph of a streaming Zipformer2 encoder, with random weights.

Written after the paper (Yao et al., Zipformer, ICLR 2024, sections 3 and 4) with the layout that
sherpa-onnx feeds (`online-zipformer2-transducer-model.cc`): six states for each layer, the padding
of the embedding, and the number of frames processed. What a layer costs is what counts here: the
same products, convolutions and element-wise work as in a trained model of the same sizes.

Inside, audio has the shape (time, batch, channels), as the states want it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.onnx_graph import Graph
from bench.word_clock import CHUNK_FRAMES, STEP_FRAMES

FEATURES = 80
_EMBEDDED = CHUNK_FRAMES // 2
"""Frames of 20 ms that the embedding makes of a step."""
_LEFT_FRAMES = 128
"""Frames of 20 ms of the past that attention sees."""
_EMBED_CHANNELS = 128
_EMBED_FREQUENCIES = 19
"""Both are fixed by the state that sherpa-onnx makes for the embedding."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Layers at one frame rate."""

    layers: int
    dim: int
    feedforward: int
    heads: int
    kernel: int
    downsampling: int
    query_head: int = 32
    position_head: int = 4
    value_head: int = 12

    @property
    def frames(self) -> int:
        return _EMBEDDED // self.downsampling

    @property
    def left(self) -> int:
        return _LEFT_FRAMES // self.downsampling

    @property
    def nonlinear(self) -> int:
        return 3 * self.dim // 4


@dataclass(frozen=True, slots=True)
class EncoderSize:
    stacks: tuple[Stack, ...]
    embed_channels: tuple[int, int] = (8, 32)
    """Of the first two convolutions; the third has 128."""
    embed_hidden: int = 384
    """Inside the ConvNeXt block."""
    position_dim: int = 48

    @property
    def output_dim(self) -> int:
        return max(stack.dim for stack in self.stacks)

    def metadata(self) -> dict[str, object]:
        """What sherpa-onnx reads to make the states and to cut the features."""

        def listed(value: Callable[[Stack], int]) -> str:
            return ",".join(str(value(stack)) for stack in self.stacks)

        return {
            "model_type": "zipformer2",
            "version": "1",
            "T": STEP_FRAMES,
            "decode_chunk_len": CHUNK_FRAMES,
            "encoder_dims": listed(lambda one: one.dim),
            "query_head_dims": listed(lambda one: one.query_head),
            "value_head_dims": listed(lambda one: one.value_head),
            "num_heads": listed(lambda one: one.heads),
            "num_encoder_layers": listed(lambda one: one.layers),
            "cnn_module_kernels": listed(lambda one: one.kernel),
            "left_context_len": listed(lambda one: one.left),
        }


@dataclass(frozen=True, slots=True)
class Encoded:
    """Names of what the encoder reads and makes, for what comes after it."""

    features: str
    """(batch, 45, 80)"""
    processed: str
    """(batch,), int64: frames of 20 ms before this step."""
    output: str
    """(batch, 8, output_dim)"""
    states: tuple[tuple[str, str, tuple[int | str, ...]], ...]
    """Name, value and shape of each new state, in the order in which they are to be declared."""


def encode(graph: Graph, size: EncoderSize) -> Encoded:
    """Add the encoder. The caller declares its own output first, then the states."""
    return _Encoder(graph, size).build()


class _Encoder:
    def __init__(self, graph: Graph, size: EncoderSize) -> None:
        self.graph = graph
        self.size = size
        self._new_states: list[tuple[str, str, tuple[int | str, ...]]] = []

    def build(self) -> Encoded:
        graph, size = self.graph, self.size
        features = graph.input("x", ("N", STEP_FRAMES, FEATURES))
        inputs = [
            [self._state_inputs(stack, number) for number in numbers]
            for stack, numbers in zip(size.stacks, self._numbered(), strict=True)
        ]
        embed_shape = ("N", _EMBED_CHANNELS, 3, _EMBED_FREQUENCIES)
        embed_state = graph.input("embed_states", embed_shape)
        processed = graph.input("processed_lens", ("N",), 7)

        x, new_embed_state = self._embed(features, embed_state)
        x = graph.transpose(x, 1, 0, 2)
        masks = self._mask(processed)
        outputs: list[str] = []
        for stack, layers, numbers in zip(size.stacks, inputs, self._numbered(), strict=True):
            x = self._stack(stack, x, layers, list(numbers), masks)
            outputs.append(x)
        x = self._widest(outputs)
        x = self._downsample(x, 2, size.output_dim, _EMBEDDED)
        x = graph.transpose(x, 1, 0, 2)

        self._new_states.append(("new_embed_states", new_embed_state, embed_shape))
        moved = graph.op("Add", processed, graph.ints(_EMBEDDED))
        self._new_states.append(("new_processed_lens", moved, ("N",)))
        return Encoded(features, processed, x, tuple(self._new_states))

    def _numbered(self) -> list[range]:
        ranges, first = [], 0
        for stack in self.size.stacks:
            ranges.append(range(first, first + stack.layers))
            first += stack.layers
        return ranges

    def _state_inputs(self, stack: Stack, number: int) -> dict[str, str]:
        return {
            name: self.graph.input(f"{name}_{number}", shape)
            for name, shape in self._state_shapes(stack).items()
        }

    @staticmethod
    def _state_shapes(stack: Stack) -> dict[str, tuple[int | str, ...]]:
        values = (stack.left, "N", stack.value_head * stack.heads)
        convolved = ("N", stack.dim, stack.kernel // 2)
        return {
            "cached_key": (stack.left, "N", stack.query_head * stack.heads),
            "cached_nonlin_attn": (1, "N", stack.left, stack.nonlinear),
            "cached_val1": values,
            "cached_val2": values,
            "cached_conv1": convolved,
            "cached_conv2": convolved,
        }

    # --- from features to frames of 20 ms

    def _embed(self, features: str, state: str) -> tuple[str, str]:
        graph = self.graph
        first, second = self.size.embed_channels
        x = graph.op("Unsqueeze", features, graph.ints(1))
        x = self._swoosh_r(self._convolve2d(x, 1, first, pads=(0, 1, 0, 1)))
        x = self._swoosh_r(self._convolve2d(x, first, second, strides=(2, 2)))
        x = self._swoosh_r(self._convolve2d(x, second, _EMBED_CHANNELS, strides=(1, 2)))
        # ConvNeXt: three frames to the left come from the state, three to the right are used up.
        padded = graph.concat(state, x, axis=2)
        new_state = graph.slice(padded, _EMBEDDED, _EMBEDDED + 3, 2)
        bypass = graph.slice(x, 0, _EMBEDDED, 2)
        kernel = graph.weight(graph.random(_EMBED_CHANNELS, 1, 7, 7, scale=1 / 7))
        x = graph.op("Conv", padded, kernel, group=_EMBED_CHANNELS, pads=(0, 3, 0, 3))
        hidden = self.size.embed_hidden
        x = self._convolve2d(x, _EMBED_CHANNELS, hidden, kernel=1)
        x = self._convolve2d(self._swoosh_l(x), hidden, _EMBED_CHANNELS, kernel=1)
        x = graph.op("Add", bypass, x)
        x = graph.reshape(graph.transpose(x, 0, 2, 1, 3), 0, 0, -1)
        dim = self.size.stacks[0].dim
        x = graph.linear(x, _EMBED_CHANNELS * _EMBED_FREQUENCIES, dim)
        return self._norm(x, dim), new_state

    def _convolve2d(
        self,
        x: str,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 3,
        strides: tuple[int, int] = (1, 1),
        pads: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> str:
        graph = self.graph
        scale = 1 / (inputs * kernel * kernel) ** 0.5
        weight = graph.weight(graph.random(outputs, inputs, kernel, kernel, scale=scale))
        bias = graph.weight(graph.random(outputs, scale=0.01))
        return graph.op("Conv", x, weight, bias, strides=strides, pads=pads)

    # --- stacks

    def _mask(self, processed: str) -> str:
        """(batch, 128 + 16): true where the past is older than the stream."""
        graph = self.graph
        ages = graph.constant([list(range(_LEFT_FRAMES - 1, -1, -1))], np.int64)
        column = graph.op("Unsqueeze", processed, graph.ints(1))
        past = graph.op("LessOrEqual", column, ages)
        now = graph.op("Less", column, graph.constant([[0] * _EMBEDDED], np.int64))
        return graph.concat(past, now, axis=1)

    def _stack(
        self, stack: Stack, x: str, states: list[dict[str, str]], numbers: list[int], mask: str
    ) -> str:
        graph, ratio = self.graph, stack.downsampling
        original = x = self._channels(x, stack.dim)
        keys = stack.left + stack.frames
        if ratio > 1:
            mask = graph.slice(mask, 0, _LEFT_FRAMES + _EMBEDDED, 1, ratio)
            x = self._downsample(x, ratio, stack.dim, _EMBEDDED)
        # (batch, 1, keys): the same for each head and each frame.
        mask = graph.op("Unsqueeze", mask, graph.ints(1))
        batch = graph.slice(graph.op("Shape", x), 1, 2, 0)
        shift = graph.constant(
            [[stack.frames - 1 - row + key for key in range(keys)] for row in range(stack.frames)],
            np.int64,
        )
        heads, last = graph.ints(stack.heads), graph.ints(stack.frames, keys)
        shift = graph.op("Expand", shift, graph.concat(heads, batch, last, axis=0))
        for layer_states, number in zip(states, numbers, strict=True):
            x = self._layer(stack, x, layer_states, number, mask, shift)
        if ratio > 1:
            x = self._upsample(x, ratio, stack.dim)
            x = self._bypass(original, x, stack.dim)
        return x

    def _layer(
        self, stack: Stack, x: str, states: dict[str, str], number: int, mask: str, shift: str
    ) -> str:
        graph, dim = self.graph, stack.dim
        new: dict[str, str] = {}
        original = x
        attention, new["cached_key"] = self._attention(stack, x, states["cached_key"], mask, shift)

        x = graph.op("Add", x, self._feedforward(x, dim, stack.feedforward * 3 // 4))
        first = graph.slice(attention, 0, 1, 0)
        more, new["cached_nonlin_attn"] = self._nonlinear(
            stack, x, first, states["cached_nonlin_attn"]
        )
        x = graph.op("Add", x, more)
        more, new["cached_val1"] = self._attend(stack, x, attention, states["cached_val1"])
        x = graph.op("Add", x, more)
        more, new["cached_conv1"] = self._convolution(stack, x, states["cached_conv1"])
        x = graph.op("Add", x, more)
        x = graph.op("Add", x, self._feedforward(x, dim, stack.feedforward))
        x = self._bypass(original, x, dim)
        more, new["cached_val2"] = self._attend(stack, x, attention, states["cached_val2"])
        x = graph.op("Add", x, more)
        more, new["cached_conv2"] = self._convolution(stack, x, states["cached_conv2"])
        x = graph.op("Add", x, more)
        x = graph.op("Add", x, self._feedforward(x, dim, stack.feedforward * 5 // 4))
        x = self._bypass(original, self._norm(x, dim), dim)

        for name, shape in self._state_shapes(stack).items():
            self._new_states.append((f"new_{name}_{number}", new[name], shape))
        return x

    def _attention(
        self, stack: Stack, x: str, state: str, mask: str, shift: str
    ) -> tuple[str, str]:
        """Weights, shape (heads, batch, frames, keys), and the keys to remember."""
        graph, heads = self.graph, stack.heads
        queries, positions = stack.query_head * heads, stack.position_head * heads
        x = graph.linear(x, stack.dim, 2 * queries + positions)
        sizes = graph.ints(queries, queries, positions)
        q, k, p = graph.split("Split", x, sizes, outputs=3, axis=2)
        k, new_state = self._remember(state, k, stack, axis=0)
        q = graph.transpose(graph.reshape(q, 0, 0, heads, -1), 2, 1, 0, 3)
        p = graph.transpose(graph.reshape(p, 0, 0, heads, -1), 2, 1, 0, 3)
        k = graph.transpose(graph.reshape(k, 0, 0, heads, -1), 2, 1, 3, 0)
        scores = graph.op("MatMul", q, k)

        dim = self.size.position_dim
        distances = graph.constant(_positions(stack.left + stack.frames, stack.frames, dim))
        weight = graph.weight(graph.random(dim, positions, scale=dim**-0.5))
        table = graph.reshape(graph.op("MatMul", distances, weight), 0, 0, heads, -1)
        by_distance = graph.op("MatMul", p, graph.transpose(table, 2, 0, 3, 1))
        by_key = graph.op("GatherElements", by_distance, shift, axis=3)
        scores = graph.op("Add", scores, by_key)
        scores = graph.op("Where", mask, graph.constant(-1000.0), scores)
        return graph.op("Softmax", scores, axis=-1), new_state

    def _attend(self, stack: Stack, x: str, attention: str, state: str) -> tuple[str, str]:
        graph, values = self.graph, stack.value_head * stack.heads
        x = graph.linear(x, stack.dim, values)
        x, new_state = self._remember(state, x, stack, axis=0)
        x = graph.transpose(graph.reshape(x, 0, 0, stack.heads, -1), 2, 1, 0, 3)
        x = graph.transpose(graph.op("MatMul", attention, x), 2, 1, 0, 3)
        return graph.linear(graph.reshape(x, 0, 0, -1), values, stack.dim, gain=0.5), new_state

    def _nonlinear(self, stack: Stack, x: str, attention: str, state: str) -> tuple[str, str]:
        graph, hidden = self.graph, stack.nonlinear
        x = graph.linear(x, stack.dim, 3 * hidden)
        sizes = graph.ints(hidden, hidden, hidden)
        s, x, y = graph.split("Split", x, sizes, outputs=3, axis=2)
        x = graph.op("Mul", x, graph.op("Tanh", s))
        x = graph.transpose(graph.reshape(x, 0, 0, 1, -1), 2, 1, 0, 3)
        x, new_state = self._remember(state, x, stack, axis=2)
        x = graph.transpose(graph.op("MatMul", attention, x), 2, 1, 0, 3)
        x = graph.op("Mul", graph.reshape(x, 0, 0, -1), y)
        return graph.linear(x, hidden, stack.dim, gain=0.5), new_state

    def _remember(self, state: str, x: str, stack: Stack, *, axis: int) -> tuple[str, str]:
        """The past and the present in one, and the newest `left` frames of it."""
        both = self.graph.concat(state, x, axis=axis)
        end = stack.frames + stack.left
        return both, self.graph.slice(both, stack.frames, end, axis)

    def _convolution(self, stack: Stack, x: str, state: str) -> tuple[str, str]:
        graph, dim, half = self.graph, stack.dim, stack.kernel // 2
        x = graph.linear(x, dim, 2 * dim)
        x, gate = graph.split("Split", x, graph.ints(dim, dim), outputs=2, axis=2)
        x = graph.transpose(graph.op("Mul", x, graph.op("Sigmoid", gate)), 1, 2, 0)
        padded = graph.concat(state, x, axis=2)
        new_state = graph.slice(padded, stack.frames, stack.frames + half, 2)
        causal = graph.weight(graph.random(dim, 1, half + 1, scale=(half + 1) ** -0.5))
        past = graph.op("Conv", padded, causal, group=dim)
        within = graph.weight(graph.random(dim, 1, stack.kernel, scale=stack.kernel**-0.5))
        now = graph.op("Conv", x, within, group=dim, pads=(half, half))
        edges = graph.weight(1 + graph.random(dim, stack.frames, scale=0.1))
        x = graph.op("Add", past, graph.op("Mul", now, edges))
        x = self._swoosh_r(graph.transpose(x, 2, 0, 1))
        return graph.linear(x, dim, dim, gain=0.5), new_state

    def _feedforward(self, x: str, dim: int, hidden: int) -> str:
        x = self._swoosh_l(self.graph.linear(x, dim, hidden))
        return self.graph.linear(x, hidden, dim, gain=0.5)

    # --- small parts

    def _channels(self, x: str, dim: int) -> str:
        """As many channels as the next stack has: zeros more, or the last ones dropped."""
        graph = self.graph
        width = graph.ints(0, 0, 0, 0, 0, self.size.output_dim)
        padded = graph.op("Pad", x, width)
        return graph.slice(padded, 0, dim, 2)

    def _widest(self, outputs: list[str]) -> str:
        """The last stack's channels, and those that it lacks from the latest that has them."""
        parts, have = [outputs[-1]], self.size.stacks[-1].dim
        for stack, output in zip(self.size.stacks[-2::-1], outputs[-2::-1], strict=True):
            if stack.dim > have:
                parts.append(self.graph.slice(output, have, stack.dim, 2))
                have = stack.dim
        return self.graph.concat(*parts, axis=2) if len(parts) > 1 else parts[0]

    def _downsample(self, x: str, ratio: int, dim: int, frames: int) -> str:
        graph = self.graph
        x = graph.reshape(x, frames // ratio, ratio, -1, dim)
        share = graph.constant(np.full((ratio, 1, 1), 1 / ratio))
        return graph.op("ReduceSum", graph.op("Mul", x, share), graph.ints(1), keepdims=0)

    def _upsample(self, x: str, ratio: int, dim: int) -> str:
        graph = self.graph
        one = graph.op("Unsqueeze", x, graph.ints(1))
        return graph.reshape(graph.concat(*[one] * ratio, axis=1), _EMBEDDED, -1, dim)

    def _bypass(self, original: str, x: str, dim: int) -> str:
        graph = self.graph
        scale = graph.weight(0.5 + graph.random(dim, scale=0.1))
        step = graph.op("Mul", graph.op("Sub", x, original), scale)
        return graph.op("Add", original, step)

    def _norm(self, x: str, dim: int) -> str:
        """BiasNorm: the length of `x` about a bias set to one."""
        graph = self.graph
        centred = graph.op("Sub", x, graph.weight(graph.random(dim, scale=0.01)))
        square = graph.op("Mul", centred, centred)
        mean = graph.op("ReduceMean", square, axes=[-1])
        scale = graph.op("Pow", mean, graph.constant(-0.5))
        return graph.op("Mul", x, scale)

    def _swoosh_r(self, x: str) -> str:
        return self._swoosh(x, 1.0, 0.313261687)

    def _swoosh_l(self, x: str) -> str:
        return self._swoosh(x, 4.0, 0.035)

    def _swoosh(self, x: str, offset: float, below: float) -> str:
        """log(1 + exp(x - offset)) - 0.08 x - below, in the safe form that exports have."""
        graph = self.graph
        moved = graph.op("Sub", x, graph.constant(offset))
        small = graph.op("Exp", graph.op("Neg", graph.op("Abs", moved)))
        log = graph.op("Log", graph.op("Add", small, graph.constant(1.0)))
        log = graph.op("Add", graph.op("Max", moved, graph.constant(0.0)), log)
        line = graph.op("Mul", x, graph.constant(0.08))
        return graph.op("Sub", graph.op("Sub", log, line), graph.constant(below))


def _positions(keys: int, frames: int, dim: int) -> object:
    """(1, keys + frames - 1, dim): waves over compressed distances, from the oldest key on."""
    distance = np.arange(-(keys - 1), frames, dtype=np.float64)
    root = dim**0.5
    compressed = root * np.sign(distance) * (np.log(np.abs(distance) + root) - math.log(root))
    angle = np.arctan(compressed / (dim / (2 * math.pi)))
    orders = np.arange(1, dim // 2 + 1)
    waves = np.empty((1, len(distance), dim))
    waves[0, :, 0::2] = np.cos(angle[:, None] * orders)
    waves[0, :, 1::2] = np.sin(angle[:, None] * orders)
    return waves
