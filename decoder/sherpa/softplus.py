"""The softplus inside a zipformer's activations, in fewer passes over its numbers.

Zipformers compute log(1 + e^x) some hundred times a step. Exports spell it in a form that no x can
overflow, max(x, 0) + log(1 + e^-|x|): seven passes, eight where |x| is |0 - x|. Written as
max(x, log(1 + e^min(x, 30))) it is five, and as safe: beyond 30 the logarithm is x to the last
digit of a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_LIMIT = "softplus.limit"
_LIMIT_VALUE = 30.0
"""e^-30 is 1e-13: to a float, 30 and the softplus of 30 are the same number."""


@dataclass(frozen=True, slots=True)
class _Softplus:
    """The nodes of one, as exports spell it."""

    x: str
    exp: Any
    log: Any
    maximum: Any
    total: Any
    removed: tuple[Any, ...]
    """Those before `exp`, from -|x| on."""


def in_fewer_steps(model: Any) -> int:
    """Change an `onnx.ModelProto` in place; how many were rewritten."""
    from onnx import helper, numpy_helper

    graph = model.graph
    found = _Graph(graph).softpluses()
    if not found:
        return 0
    limit = np.array(_LIMIT_VALUE, np.float32)
    graph.initializer.append(numpy_helper.from_array(limit, _LIMIT))
    before: dict[str, Any] = {}
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


class _Graph:
    """Who makes and who uses each value of a graph."""

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        self._made_by = {name: node for node in graph.node for name in node.output}
        self._users: dict[str, list[Any]] = {one.name: [None] for one in graph.output}
        for node in graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        self._numbers = {
            one.name: float(numpy_helper.to_array(one).reshape(-1)[0])
            for one in graph.initializer
            if not one.external_data and _size(one.dims) == 1
        }
        self._logs = [node for node in graph.node if node.op_type == "Log"]

    def softpluses(self) -> list[_Softplus]:
        return [found for log in self._logs if (found := self._softplus(log)) is not None]

    def _softplus(self, log: Any) -> _Softplus | None:
        """max(x, 0) + log(1 + exp(-|x|)), whose parts nobody else uses."""
        plus_one = self._only_user_of("Add", log.input[0])
        exp = self._only_user_of("Exp", self._other(plus_one, 1.0))
        negative = self._only_user_of("Neg", exp.input[0] if exp else None)
        absolute = self._only_user_of("Abs", negative.input[0] if negative else None)
        users = self._users.get(log.output[0], [])
        if absolute is None or len(users) != 1 or users[0] is None or users[0].op_type != "Add":
            return None
        (total,) = users
        rest = [name for name in total.input if name != log.output[0]]
        maximum = self._only_user_of("Max", rest[0] if len(rest) == 1 else None)
        x = self._other(maximum, 0.0)
        if x is None:
            return None
        removed = [negative, absolute]
        if absolute.input[0] != x:
            # |x - 0| or |0 - x|
            difference = self._only_user_of("Sub", absolute.input[0])
            if self._other(difference, 0.0) != x:
                return None
            removed.append(difference)
        return _Softplus(x, exp, log, maximum, total, tuple(removed))

    def _only_user_of(self, kind: str, name: str | None) -> Any | None:
        """The node of `kind` that makes a value which one node uses."""
        node = self._made_by.get(name)
        if node is None or node.op_type != kind or len(self._users[name or ""]) != 1:
            return None
        return node

    def _other(self, node: Any | None, number: float) -> str | None:
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


def _size(dims: Any) -> int:
    return int(np.prod(dims)) if dims else 1
