"""Keys of an attention, kept as rows for the product with the queries.

Exports turn the keys of all heads with one transposition, (time, batch, head, d) to (head, batch,
d, time), and multiply. Every number of such a copy comes from another place. With d left last it
copies whole rows, and onnxruntime's `FusedMatMul` takes its second factor so.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

_DOMAIN = "com.microsoft"


def keys_as_rows(model: Any) -> int:
    """Change an `onnx.ModelProto` in place; how many products were rewritten."""
    from onnx import helper

    graph = model.graph
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(one.name for one in graph.output)
    turned = {
        node.output[0]: node
        for node in graph.node
        if node.op_type == "Transpose" and uses[node.output[0]] == 1 and _turns_rows(node)
    }
    products = [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in turned]
    for product in products:
        (permutation,) = turned[product.input[1]].attribute
        axes = permutation.ints
        axes[-2], axes[-1] = axes[-1], axes[-2]
        product.op_type, product.domain = "FusedMatMul", _DOMAIN
        product.attribute.append(helper.make_attribute("transB", 1))
    if products and not any(one.domain == _DOMAIN for one in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
    return len(products)


def _turns_rows(transpose: Any) -> bool:
    """Does the last axis become the one before the last, and not by a mere turn of both?

    onnxruntime itself sees to a mere turn.
    """
    axes = next((list(one.ints) for one in transpose.attribute if one.name == "perm"), [])
    last = len(axes) - 1
    return len(axes) > 2 and axes[-2] == last and axes[-1] != last - 1
