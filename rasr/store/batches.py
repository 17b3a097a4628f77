"""Many values in one question, for databases that take so many in a statement."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TypeVar

ValueT = TypeVar("ValueT")
AT_ONCE = 5000
"""Each value is a parameter, of which a statement has at most 32,767 in PostgreSQL's protocol as
asyncpg speaks it, and 32,766 in SQLite as it is built by default."""


def in_batches(values: Collection[ValueT]) -> Iterator[list[ValueT]]:
    """All values, in pieces that one statement takes."""
    rest = iter(values)
    while batch := list(islice(rest, AT_ONCE)):
        yield batch
