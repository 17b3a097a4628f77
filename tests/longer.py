"""What `make test` leaves to `make test-long`: the same once more, with other values."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def mostly_long(values: Iterable[Any], *soon: Any) -> list[object]:
    """Parameters of a test, of which each takes long and few would find what the others do not.

    Args:
        soon: those of the values with which `make test` tries it too.

    Raises:
        AssertionError: one of them is no value.
    """
    known: Collection[Any] = list(values)
    assert all(one in known for one in soon), f"{soon} are not all among {known}"
    return [
        pytest.param(*one, marks=_marks(one in soon))
        if isinstance(one, tuple)
        else pytest.param(one, marks=_marks(one in soon))
        for one in known
    ]


def _marks(soon: bool) -> tuple[pytest.MarkDecorator, ...]:
    return () if soon else (pytest.mark.long,)
