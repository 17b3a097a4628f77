"""How much memory objects hold, for tests of what is given back."""

from __future__ import annotations

import gc
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType

import numpy as np

_CODE = (type, ModuleType, FunctionType, BuiltinFunctionType)


def held_bytes(*roots: object) -> int:
    """Bytes of all that can be reached from these objects, classes and functions apart."""
    seen: set[int] = set()
    waiting, total = list(roots), 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _CODE):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        waiting += gc.get_referents(one)
        if isinstance(one, np.ndarray):
            # The garbage collector does not know of what a view is a view of.
            waiting.append(one.base)
    return total
